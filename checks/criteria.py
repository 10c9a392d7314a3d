"""The decision procedure of docs/theory.md once more, in mpmath and from the text: for `test_criteria`.

Base quantities are exact numbers here, so that every hypothesis has a definite truth value.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import mpmath as mp

from dipproofs.certify.constants import Plan
from dipproofs.certify.quantities import Base
from dipproofs.enclosures import Bound
from dipproofs.theory import symbols as s
from dipproofs.theory.architectures.two_layer import ARCHITECTURES
from dipproofs.theory.losses.base import m
from dipproofs.theory.losses.base import scale as c

#: A two-layer problem with plausible, mutually consistent numbers (all dyadic, so that floats are exact).
NUMBERS: dict[Any, float] = {
    s.norm_u: 1.0, s.norm_phi: 3.0, s.norm_A: 2.0, s.sigma_A: 0.5, s.sigma_J: 0.875, s.sigma_AJ: 0.5,
    s.sigma_min_J: 0.75, s.norm_AJ: 2.25, s.sigma_in: 0.4375, s.sigma_A_in: 0.25, s.norm_V: 6.0, s.c_0: 1.5,
    s.c_A0: 1.75, s.c_full: 2.0, s.loss_0: 2.0**-13, s.psi_0: 2.0**-6, s.width: 16.0, s.B_1: 1.0, s.B_2: 0.75,
    s.loss_gradient: 2.0**-6, s.loss_curvature: 1.0,
}  # fmt: skip


def numbers_of(train: str, **changes: float) -> dict[Any, float]:
    """`NUMBERS` as what is trained allows, some of them changed."""
    fixed = {s.sigma_in: 0.0, s.sigma_A_in: 0.0} if train == "outer" else {}
    return NUMBERS | fixed | {getattr(s, name): value for name, value in changes.items()}


def base_of(numbers: dict[Any, float], train: str, residual_scale: float | None = 1.0) -> Base:
    """A `Base` of exact numbers."""
    values = {symbol: Bound.exact(value) for symbol, value in numbers.items()}
    scale = None if residual_scale is None else Bound.exact(residual_scale)
    return Base(values, ARCHITECTURES[train], scale, {c: Bound.exact(0.5), m: Bound.exact(3)})


def train_of(plan: Plan) -> str:
    """What is trained."""
    return plan.architecture.id.split("/")[1]


def long_step(g: Any, g_s: Any) -> Any:
    """c_e of Lemma e."""
    if g <= 1:
        return mp.mpf(1)
    return mp.sqrt(g * (2 - g - g_s) / (1 - g * g_s)) if g * (1 + g_s) <= 2 else (2 - g) / mp.sqrt(g * g_s)


@dataclass
class Truth:
    """Every number of the theorem at (form, profile, train, ρ, γ), as mpmath sees it."""

    numbers: dict[Any, float]
    form: str
    profile: str
    train: str
    rho: Any
    gamma: Any
    residual_scale: float = 1.0

    def __post_init__(self) -> None:
        get = {name: mp.mpf(self.numbers[symbol]) for name, symbol in _SHORT.items()}
        self.n, rho, k = get, mp.mpf(self.rho), get["k"]
        root, both = mp.sqrt(k), self.train == "both"
        W, V = self.train != "outer", self.train != "inner"
        b1, b2 = get["B1"] * get["u"], get["B2"] * get["u"] ** 2

        def ell(c: Any, norm: Any) -> Any:
            c = c + (norm * rho if both else 0)
            if both:
                return (b2 * c + mp.sqrt((b2 * c) ** 2 + 4 * (norm * b1) ** 2)) / (2 * root)
            return b2 * c / root if W else mp.mpf(0)

        def ell_in(c: Any, norm: Any) -> Any:
            c = c + (norm * rho if both else 0)
            return mp.sqrt((norm * b1 * both) ** 2 + (b2 * c) ** 2) / root if W else mp.mpf(0)

        one = mp.mpf(1)
        self.ell = ell(get["c_full"] if self.form == "paper" else get["c0"], one)
        self.ell_A = ell(get["cA"], get["A"])
        self.ell_in, self.ell_A_in = ell_in(get["c0"], one), ell_in(get["cA"], get["A"])
        self.s_out = get["phi"] / root if V else mp.mpf(0)
        self.ell_out = b1 / root if both else mp.mpf(0)
        blocks = ((b1 * (get["AV"] + get["A"] * rho * V)) ** 2 if W else 0) + (
            (get["A"] * (get["phi"] + b1 * rho * W)) ** 2 if V else 0
        )
        self.M = min(get["M0"] + self.ell_A * rho, mp.sqrt(blocks) / root)
        self.L = self.ell_A * get["G"] + self.M**2 * get["Lam"]
        self.step = mp.mpf(self.gamma) * (self.residual_scale if self.form == "residual" else 1)
        self.q = self.step * (self.M**2 if self.form == "residual" else self.L)
        self.x, self.c = mp.mpf(0), mp.mpf(1)
        if self.form == "residual":
            self.c = long_step(self.q, self.step * self.F(0) ** 2)
            self.x = max(mp.mpf(0), self.ell_A - self.c * self.slope(rho)) * self.step * self.M * get["psi"] / 2

    # --- profile ------------------------------------------------------------------------------------------
    def F(self, t: Any) -> Any:
        """The profile."""
        n, zero = self.n, mp.mpf(0)
        if self.profile == "paper":
            return n["sA"] * n["smin"] / 2
        if self.profile == "row-space":
            return n["sAJ"] / n["sJ"] * max(zero, n["sJ"] - self.ell * t)
        if self.profile == "observation":
            return max(zero, n["sAJ"] - self.ell_A * t)
        outer = max(zero, self.s_out - self.ell_out * t)
        if self.profile == "block":
            return n["sA"] * mp.hypot(max(zero, n["sin"] - self.ell_in * t), outer)
        return mp.hypot(max(zero, n["sAin"] - self.ell_A_in * t), n["sA"] * outer)

    def slope(self, t: Any) -> Any:
        """−F'(t), by a difference quotient in 50 digits."""
        h = mp.mpf(10) ** (-mp.mp.dps // 2)
        return (self.F(t - h) - self.F(t + h)) / (2 * h)

    # --- hypotheses -----------------------------------------------------------------------------------------
    @property
    def omega(self) -> Any:
        """ω."""
        q = self.q
        return {
            "paper": lambda: (1 - q / 2) / (1 + q),
            "integral": lambda: mp.quad(lambda z: (1 - z * q) / (1 + z * q), [0, 1]),
            "concave": lambda: 1 - q / 2,
            "residual": lambda: mp.mpf(1),
        }[self.form]()

    @property
    def rate(self) -> Any:
        """κ̃."""
        q = self.q
        return {
            "paper": lambda: (1 - q / 2) / (1 + q) ** 2,
            "integral": lambda: mp.quad(lambda z: (1 - z * q) / (1 + z * q) ** 2, [0, 1]),
            "concave": lambda: 1 - q / 2,
        }[self.form]()

    def area(self, end: Any) -> Any:
        """∫₀^end (c_e F − x), split where a part of the profile vanishes."""
        kinks = [self.n["sin"] / self.ell_in if self.ell_in else mp.inf]
        kinks += [self.s_out / self.ell_out if self.ell_out else mp.inf]
        kinks += [self.n["sAin"] / self.ell_A_in if self.ell_A_in else mp.inf]
        kinks += [self.n["sJ"] / self.ell if self.ell else mp.inf]
        kinks += [self.n["sAJ"] / self.ell_A if self.ell_A else mp.inf]
        points = sorted({mp.mpf(0), mp.mpf(end), *[kink for kink in kinks if 0 < kink < end]})
        return mp.quad(lambda t: self.c * self.F(t) - self.x, points)

    def values(self) -> dict[Any, Any]:
        """What the theorem defines of the base quantities, by symbol; no slope where the profile vanishes."""
        found = {
            s.lipschitz_J: self.ell, s.lipschitz_AJ: self.ell_A, s.lipschitz_in: self.ell_in,
            s.lipschitz_A_in: self.ell_A_in, s.lipschitz_out: self.ell_out, s.sigma_out: self.s_out,
            s.norm_AJ_ball: self.M, s.omega: self.omega,
        }  # fmt: skip
        if self.form == "residual":
            found[s.step_weakening] = self.c
            if self.F(self.rho) > 0:
                found |= {s.profile_slope: self.slope(self.rho), s.curvature_correction: self.x}
            return found
        q, n = self.q, self.n
        found |= {s.lipschitz_grad: self.L, s.q: q, s.rate: self.rate}
        if self.form == "paper":
            nu_1 = (1 + q) / (1 - q / 2)
            found |= {s.nu_1: nu_1, s.nu_2: (1 + q) ** 2 / (self.step * (1 - q / 2))}
            found[s.R_prime] = 2 * nu_1 * n["psi"] / (n["sA"] * n["smin"])
        return found

    def margins(self) -> dict[str, Any]:
        """By how much each hypothesis holds: a step relative to its limit, (H) to ψ_0, a radius to σ_min."""
        limit = 2 if self.form in ("concave", "residual") else 1
        found = {
            "step": (limit - self.q) / limit,
            "injective": self.c * self.F(self.rho) - self.x,
            "H": (self.omega * self.area(self.rho) - self.n["psi"]) / self.n["psi"],
        }
        if self.form == "paper":
            found["radius"] = 1 - 2 * mp.mpf(self.rho) * self.ell / self.n["smin"]
        return found

    def holds(self) -> dict[str, bool]:
        """Truth of every hypothesis: its margin is positive, or 0 where the range is closed."""
        closed = {"radius", *(["step"] if self.form in ("integral", "paper") else [])}
        return {name: bool(margin >= 0 if name in closed else margin > 0) for name, margin in self.margins().items()}


_SHORT = {
    "u": s.norm_u, "phi": s.norm_phi, "A": s.norm_A, "sA": s.sigma_A, "sJ": s.sigma_J, "sAJ": s.sigma_AJ,
    "smin": s.sigma_min_J, "M0": s.norm_AJ, "sin": s.sigma_in, "sAin": s.sigma_A_in, "AV": s.norm_V, "c0": s.c_0,
    "cA": s.c_A0, "c_full": s.c_full, "f": s.loss_0, "psi": s.psi_0, "k": s.width, "B1": s.B_1, "B2": s.B_2,
    "G": s.loss_gradient, "Lam": s.loss_curvature,
}  # fmt: skip
