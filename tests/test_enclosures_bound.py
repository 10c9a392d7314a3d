"""`Bound`: never NaN, exact constants, verdicts that are no bool, what is published."""

from __future__ import annotations

import json
import math
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dipproofs.enclosures import Bound, Evidence, Verdict
from dipproofs.errors import InputError

ENDS = st.floats(allow_nan=False)


@settings(deadline=None, max_examples=300)
@given(ENDS, ENDS, ENDS, ENDS)
def test_no_operation_gives_nan(a: float, b: float, c: float, d: float) -> None:
    x, y = Bound(min(a, b), max(a, b)), Bound(min(c, d), max(c, d))
    for result in (x + y, x - y, x * y, x / y, x**2, x**-1, abs(x), x.sqrt(), x ** Fraction(1, 3)):
        assert not math.isnan(result.lower) and not math.isnan(result.upper)
        assert not math.isnan(result.mid) and not math.isnan(result.width)


def test_exact_constants_keep_their_exact_value() -> None:
    assert Bound.exact(0.1) == Bound(0.1, 0.1)
    big = Bound.exact(2**60 + 1)
    assert big.lower == 2.0**60 and big.upper == math.nextafter(2.0**60, math.inf)
    assert Bound.exact(np.int64(2**60 + 1)) == big
    assert Bound.exact(np.float32(0.1)).lower == float(np.float32(0.1))
    assert Bound.exact(Fraction(1, 3)).contains(Fraction(1, 3))
    assert Bound.exact(10**400) == Bound(math.nextafter(math.inf, 0), math.inf)


def test_a_verdict_is_no_bool() -> None:
    with pytest.raises(TypeError, match="three values"):
        bool(Verdict.UNDECIDED)
    assert (Verdict.PROVED & Verdict.REFUTED) is Verdict.REFUTED
    assert (~Verdict.UNDECIDED) is Verdict.UNDECIDED
    assert json.dumps(Verdict.PROVED) == '"proved"'


def test_a_proved_norm_below_0_is_a_contradiction() -> None:
    assert Bound(-2.0, -1.0, Evidence.ESTIMATED).nonnegative() == Bound(0.0, 0.0, Evidence.ESTIMATED)
    assert Bound(-1.0, -0.0).nonnegative().upper == 0.0
    with pytest.raises(InputError, match=r"found lower 0\.0 above upper -1\.0"):
        Bound(-2.0, -1.0).nonnegative()
