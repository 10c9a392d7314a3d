"""An image as the signal: a real photograph, a generated phantom, or the user's own picture."""

from __future__ import annotations

from dataclasses import dataclass

from dipproofs.arguments.pictures import read_grey
from dipproofs.arguments.schema import Rule, rule_field, show, text
from dipproofs.arguments.setting import Setting, square
from dipproofs.errors import InputError
from dipproofs.operators.operator import Operator
from dipproofs.problems.signals.options import SignalData, SignalOptions
from dipproofs.problems.signals.phantom import shepp_logan
from dipproofs.problems.signals.photographs import PHOTOGRAPHS, crop, photograph, resample

PHANTOM = "shepp-logan"
_NAMES = (*PHOTOGRAPHS, PHANTOM)


@dataclass(frozen=True, kw_only=True)
class ImageSignal(SignalOptions):
    """`kind = "image"`: grey values in [0, 1], stored row by row.

    Args:
        name: a photograph of scikit-image, or "shepp-logan"; "camera" if neither name nor path is given.
        path: instead of a name, an image file relative to the problem file.
        shape: [height, width]; by default a square of n pixels.
    """

    name: str | None = rule_field(
        Rule("one of " + ", ".join(_NAMES), lambda v: v if isinstance(v, str) and v in _NAMES else None), None
    )
    path: str | None = text(None, expected="the path of an image file")

    def check(self) -> None:
        """Require a name or a path, and two dimensions."""
        if self.name is not None and self.path is not None:
            raise InputError(
                f"signal.name: found a name and a path, expected either a name (one of {', '.join(_NAMES)}) or the "
                "path of an image file"
            )
        if self.shape is not None and len(self.shape) != 2:
            raise InputError(f"signal.shape: found {show(list(self.shape))}, expected [height, width] for an image")

    def build(self, setting: Setting, operator: Operator) -> SignalData:
        """Give the image in the asked shape."""
        shape = self.shape or operator.domain_shape or square(operator.columns)
        size = (shape[0], shape[1])
        if self.path is not None:
            image = resample(crop(read_grey(setting.directory / self.path, self.path), size), size)
        elif self.name == PHANTOM:
            image = shepp_logan(size)
        else:
            image = photograph(self.name or "camera", size)
        return SignalData(image.ravel())
