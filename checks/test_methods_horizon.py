"""A horizon too long for a proof is halved until one is found; what fails is decided for the one asked for."""

from __future__ import annotations

from functools import cache

import numpy as np

from checks.adam_runs import Options, setting, step
from checks.maps import draw_map
from dipproofs.certify.methods import adam
from dipproofs.enclosures import Verdict
from dipproofs.theory.methods import symbols as m


@cache
def told(share: float) -> adam.AdamSetting:
    """A small map after 200 iterations of Adam from a residual of that share of the largest drawn."""
    rng = np.random.default_rng(1)
    mapping, o = draw_map(rng, spread=1.0), Options(0.004, 0.9, 0.99, 1e-8)
    r0 = share * mapping.start(rng)
    theta, first, second = (np.zeros(mapping.width) for _ in range(3))
    for t in range(200):
        gradient = mapping.jacobian(theta).T @ mapping.residual(r0, theta)
        theta, first, second, _ = step(theta, first, second, t, gradient, o)
    return setting(mapping, r0, theta, first, second, 200, o)


def proved(horizon: int, share: float = 0.05) -> int | None:
    """The horizon that is proved when this one is asked for."""
    found = adam.prove(told(share), horizon)
    return int(found.parameters[m.horizon]) if found is not None and found.verdict is Verdict.PROVED else None


def test_a_horizon_that_is_too_long_is_halved_until_it_is_proved() -> None:
    short = 20
    assert proved(short) == short and adam.promises(told(0.05), short)
    longest = next(2**k * short for k in range(1, 12) if proved(2**k * short) != 2**k * short)
    assert proved(longest) == longest // 2 and proved(2 * longest + 1) == longest // 2
    assert not adam.propose(told(0.05), longest).feasible and adam.promises(told(0.05), longest)


def test_what_is_nowhere_proved_is_decided_for_the_horizon_asked_for() -> None:
    """With its hypotheses, of which some fail; where there is not even a ball, there is nothing to decide."""
    near = told(0.004)
    found = adam.prove(near, 50)
    assert adam.propose(near, 50).parameters and not adam.promises(near, 50)
    assert found is not None and found.verdict is not Verdict.PROVED and found.parameters[m.horizon] == 50
    far = told(3.0)
    assert not adam.promises(far, 50) and adam.prove(far, 50) is None
    assert adam.prove(told(0.05), adam.LEAST_HORIZON - 1) is None
