"""The losses by their Python names."""

from __future__ import annotations

from dipproofs.losses.base import Loss
from dipproofs.theory.losses import LOSSES

Scale = str | float


class SquaredError(Loss):
    """Squared error c·‖v − y‖²; by default ½‖v − y‖².

    Args:
        scale: c: "half" (½), "sum" (1), "mean" (1/m), "half-mean" (1/(2m)), or a positive number.

    Example:
        >>> loss = SquaredError()
        >>> str(loss), loss.residual_scale
        ('squared: ½·‖v − y‖²', 1.0)
        >>> import numpy as np
        >>> float(loss.value(np, np.array([1.0, 2.0]), np.array([0.0, 0.0])))
        2.5
    """

    def __init__(self, scale: Scale = "half") -> None:
        super().__init__(LOSSES["squared"], {}, scale)


class LogCosh(Loss):
    """Log-cosh c·Σ ln cosh(v_i − y_i).

    Args:
        scale: c, as for `SquaredError`; by default "sum" (1).
    """

    def __init__(self, scale: Scale = "sum") -> None:
        super().__init__(LOSSES["log-cosh"], {}, scale)


class Huber(Loss):
    """Huber's loss c·Σ h(v_i − y_i), h(r) = ½r² up to |r| = δ, δ|r| − ½δ² beyond.

    Args:
        delta: δ > 0.
        scale: c, as for `SquaredError`; by default "sum" (1).

    Example:
        >>> Huber(delta=-1)
        Traceback (most recent call last):
        ...
        dipproofs.errors.InputError: loss.delta: found -1, expected a finite number > 0 (where ... linear)
    """

    def __init__(self, delta: float, scale: Scale = "sum") -> None:
        super().__init__(LOSSES["huber"], {"delta": delta}, scale)


class LpLoss(Loss):
    """ℓ_p loss (c/p) Σ |v_i − y_i|^p; its guaranteed rate is sublinear.

    Args:
        p: exponent, > 2.
        scale: c, as for `SquaredError`; by default "sum" (1).
    """

    def __init__(self, p: float, scale: Scale = "sum") -> None:
        super().__init__(LOSSES["lp"], {"p": p}, scale)


class NormPower(Loss):
    """Power of the norm (c/p)‖v − y‖^p.

    Args:
        p: exponent, ≥ 2.
        scale: c, as for `SquaredError`; by default "sum" (1).
    """

    def __init__(self, p: float, scale: Scale = "sum") -> None:
        super().__init__(LOSSES["norm-power"], {"p": p}, scale)


class CrossEntropy(Loss):
    """Cross-entropy on probabilities c·Σ y ln(y/v) + (1−y) ln((1−y)/(1−v)), y and v in ]0,1[.

    Args:
        scale: c, as for `SquaredError`; by default "sum" (1).

    Notes:
        Λ grows like exp(2f_0/y): useful while f_0 is below about min(y, 1−y).
    """

    def __init__(self, scale: Scale = "sum") -> None:
        super().__init__(LOSSES["cross-entropy"], {}, scale)


class Poisson(Loss):
    """Poisson likelihood (generalised Kullback–Leibler) c·Σ y ln(y/w) − y + w, w = v + background, y > 0.

    Args:
        background: known background counts b ≥ 0; the minimiser is y − b.
        scale: c, as for `SquaredError`; by default "sum" (1).
    """

    def __init__(self, background: float = 0.0, scale: Scale = "sum") -> None:
        super().__init__(LOSSES["poisson"], {"background": background}, scale)


class LogitCrossEntropy(Loss):
    """Cross-entropy on logits c·Σ softplus(v) − yv − H(y), y in ]0,1[; its minimiser is logit(y).

    Args:
        scale: c, as for `SquaredError`; by default "sum" (1).
    """

    def __init__(self, scale: Scale = "sum") -> None:
        super().__init__(LOSSES["logit-cross-entropy"], {}, scale)
