"""What every operator kind of a problem file offers."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from dipproofs.arguments.schema import Options, integer, seed
from dipproofs.arguments.setting import Setting
from dipproofs.errors import InputError
from dipproofs.operators.operator import Operator


class OperatorOptions(Options):
    """Keys of `[operator]` for one kind; `build` makes the operator."""

    section: ClassVar[str] = "operator"

    def build(self, setting: Setting) -> Operator:
        """Make the operator; raises `InputError` when the keys do not fit together."""
        raise NotImplementedError


@dataclass(frozen=True, kw_only=True)
class DeterminedOptions(OperatorOptions):
    """Keys of the kinds whose size follows from other keys: they may be stated and are then checked.

    Args:
        rows: m, for a check only.
        columns: n; may be left out when `signal.shape` is given.
        seed: accepted and without effect: nothing is random here.
    """

    rows: int | None = integer(None, minimum=1)
    columns: int | None = integer(None, minimum=1)
    seed: int = seed(0)

    def checked(self, operator: Operator) -> Operator:
        """Give the operator back if it has the stated size.

        Raises:
            InputError: the key, its value, and the size that follows from the other keys.
        """
        for name, stated, actual in (("rows", self.rows, operator.rows), ("columns", self.columns, operator.columns)):
            if stated is not None and stated != actual:
                raise InputError(
                    f"operator.{name}: found {stated}, but this operator has {actual}; leave {name} out or make it "
                    f"{actual}"
                )
        return operator
