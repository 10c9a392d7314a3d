"""What the options of every kind of network have in common."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

from dipproofs.arguments.schema import Options
from dipproofs.arguments.setting import Setting
from dipproofs.operators.operator import Operator


@dataclass(frozen=True, kw_only=True)
class NetworkOptions(Options):
    """Keys of `[network]`."""

    section: ClassVar[str] = "network"

    def build(self, setting: Setting, operator: Operator) -> Any:
        """Make the network for an operator with n columns."""
        raise NotImplementedError
