"""What every operator kind of a problem file offers."""

from __future__ import annotations

from typing import ClassVar

from dipproofs.problems.operators.operator import Operator
from dipproofs.problems.schema import Options
from dipproofs.problems.setting import Setting


class OperatorOptions(Options):
    """Keys of `[operator]` for one kind; `build` makes the operator."""

    section: ClassVar[str] = "operator"

    def build(self, setting: Setting) -> Operator:
        """Make the operator; raises `InputError` when the keys do not fit together."""
        raise NotImplementedError
