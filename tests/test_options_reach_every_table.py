"""What a problem file says of network and descent reaches the width search, the table `instance`, and `check`."""

from __future__ import annotations

from fractions import Fraction
from importlib import import_module
from pathlib import Path

import numpy as np
import pytest

import dipproofs as dp
from dipproofs.command import at_point
from dipproofs.errors import InputError
from dipproofs.problems import load_problem
from dipproofs.tables.instance_runs import Instance

PROBLEM = """
[operator]
kind = "gaussian"
rows = 2
columns = 3
condition_number = 2.0
[network]
input_dimension = 3
width = {width}
output_scale = {scale}
outer_law = "{law}"
[descent]
max_iterations = 60
{descent}
[certificate]
{certificate}
"""


def _file(folder: Path, width: int = 32, scale: float = 1.0, law: str = "gaussian", **sections: str) -> Path:
    path = folder / "problem.toml"
    given = {"descent": "", "certificate": "", **sections}
    path.write_text(PROBLEM.format(width=width, scale=scale, law=law, **given), encoding="utf-8")
    return path


def _instance(path: Path) -> Instance:
    return Instance(load_problem(path), None)


@pytest.mark.parametrize("law", ["gaussian", "rademacher", "uniform"])
@pytest.mark.parametrize("scale", [1.0, 8.0])
def test_the_width_search_draws_the_same_networks(law: str, scale: float) -> None:
    options = {"n": 5, "input_dimension": 3, "output_scale": scale, "outer_law": law, "activation": "sin"}
    net, same = dp.TwoLayer.init(width=7, seed=1, **options), dp.TwoLayer.init(width=9, seed=4, **options)
    family = net.family()
    assert not isinstance(family, str)
    other = family.draw(9, 4)
    assert all(
        np.array_equal(one, two) for one, two in zip(other.arrays().values(), same.arrays().values(), strict=True)
    )


def test_a_network_of_unknown_law_is_not_searched_for() -> None:
    net = dp.TwoLayer.init(n=2, width=8, input_dimension=2)
    same = dp.TwoLayer(net.u, net.W, net.V)
    found = dp.check(dp.InverseProblem(np.eye(2), np.ones(2)), same, widths=True, form="concave").widths["concave"]
    assert found["width"] is None and "drawn" in found["reason"]


@pytest.mark.parametrize("width", [1004, 1500, 3000])
def test_a_hopeless_search_from_a_wide_network_ends_with_a_reason(width: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """No crash before four widths were tried; progress tells each of them."""
    monkeypatch.setattr(import_module("dipproofs.certify.widths"), "LARGEST_OUTER_LAYER", 3 * 9000)
    rng = np.random.default_rng(0)
    problem = dp.InverseProblem(rng.standard_normal((3, 3)), 1e4 * rng.standard_normal(3))
    net, told = dp.TwoLayer.init(n=3, width=width, input_dimension=2, train="inner"), []
    found = dp.check(problem, net, widths=True, form="paper", progress=lambda *what: told.append(what)).widths["paper"]
    assert found["width"] is None and found["reason"]
    assert [what[1] for what in told[:2]] == [width // 4, 2 * (width // 4)] and told[0][0] == "paper"


def test_the_a_priori_bound_is_for_the_laws_it_was_proved_for(tmp_path: Path) -> None:
    assert _instance(_file(tmp_path)).bound(Fraction(1, 20))[0] is not None
    for change, reason in (
        ({"scale": 8.0}, "output_scale"),
        ({"descent": "step = 0.01"}, "step of q = 1"),
        ({"certificate": 'form = "residual"'}, "form concave"),
    ):
        width, why = _instance(_file(tmp_path, **change)).bound(Fraction(1, 20))
        assert width is None and reason in why


def test_runs_of_the_table_follow_the_descent_section(tmp_path: Path) -> None:
    """A schedule whose steps have a finite sum stalls; a form that never holds certifies nothing."""
    assert _instance(_file(tmp_path, 64, descent="tolerance = 1e-3")).converges(64, 0)
    stalled = 'tolerance = 1e-3\nschedule = "polynomial"\npower = 6.0'
    assert not _instance(_file(tmp_path, 64, descent=stalled)).converges(64, 0)
    assert _instance(_file(tmp_path, 512)).certified_at_start(512, 0)
    assert not _instance(_file(tmp_path, 512, certificate='form = "paper"')).certified_at_start(512, 0)
    assert not _instance(_file(tmp_path, 512, descent="step = 100.0")).certified_at_start(512, 0)
    with pytest.raises(InputError, match="arithmetic"):
        _instance(_file(tmp_path, certificate='arithmetic = "estimated"'))


def test_check_uses_form_schedule_and_tolerance() -> None:
    net = dp.TwoLayer.init(n=2, width=512, input_dimension=2, seed=1)
    problem = dp.InverseProblem(np.eye(2), net.output() + 0.1)
    constant = dp.check(problem, net, step=0.5, form="concave", tolerance=1e-5)
    assert list(constant.forms) == ["concave"] and "1e-05" in constant.forms["concave"].guarantees.iterations_to_loss
    slowed = dp.check(problem, net, step=0.5, form="concave", schedule="polynomial", schedule_options={"power": 0.5})
    counts = [found.forms["concave"].guarantees.iterations_to_loss["1e-06"] for found in (constant, slowed)]
    assert counts[0] < counts[1] and slowed.forms["concave"].schedule["kind"] == "polynomial"


def test_a_form_is_refuted_for_every_step_or_not_at_all() -> None:
    """With q = 1 the concave form fails here, with a shorter step it holds; what is given is named."""
    net = dp.TwoLayer.init(n=2, width=128, input_dimension=2, seed=1)
    verdicts = []
    for size in (0.3, 0.9, 1.2, 1.5, 1.8, 3.0):
        problem = dp.InverseProblem(np.eye(2), net.output() + size)
        free = dp.check(problem, net, form="concave").forms["concave"]
        largest = free.quantities["gamma"].upper
        found = [
            dp.check(problem, net, step=largest * part, form="concave").forms["concave"] for part in (1.0, 0.1, 0.01)
        ]
        if any(one.proved for one in found):
            assert str(free.verdict) != "refuted"
        refuted = next((one for one in found if str(one.verdict) == "refuted"), None)
        if refuted is not None:
            reason = next(h.reason for h in refuted.hypotheses if str(h.verdict) == "refuted")
            assert "step" in reason
        verdicts.append(str(free.verdict))
    assert "proved" in verdicts and "refuted" in verdicts


@pytest.mark.parametrize("line", ['polish = "gauss-newton"', 'method = "heavy-ball"', 'method = "adam"'])
def test_the_table_refuses_what_it_would_not_use(tmp_path: Path, line: str) -> None:
    with pytest.raises(InputError, match=line.split()[0]):
        _instance(_file(tmp_path, descent=line))


def test_check_refuses_other_methods_and_uses_the_relative_tolerance() -> None:
    net = dp.TwoLayer.init(n=2, width=512, input_dimension=2, seed=1)
    problem = dp.InverseProblem(np.eye(2), net.output() + 0.1)
    with pytest.raises(InputError, match=r"descent\.method: found heavy-ball"):
        dp.check(problem, net, method="heavy-ball")
    found = dp.check(problem, net, step=0.5, form="concave", tolerance=0.0, relative_tolerance=1e-2).forms["concave"]
    targets = [float(target) for target in found.guarantees.iterations_to_loss]
    assert any(abs(target - 1e-2 * found.quantities["loss_0"].mid) < 1e-8 for target in targets)


@pytest.mark.parametrize(
    ("section", "line"),
    [
        ("descent", 'polish = "gauss-newton"'),
        ("descent", 'schedule = "cosine"'),
        ("certificate", 'arithmetic = "estimated"'),
    ],
)
def test_a_point_in_a_file_refuses_what_it_would_not_use(tmp_path: Path, section: str, line: str) -> None:
    given = {"descent": "", section: line}
    given["descent"] += "\nstep = 0.01"
    spec = load_problem(_file(tmp_path, **given))
    with pytest.raises(InputError, match=f"{section}.{line.split()[0]}.*--at"):
        at_point(spec, spec.build(), tmp_path / "theta.npz")


def test_a_point_is_certified_in_the_form_that_was_asked_for() -> None:
    net = dp.TwoLayer.init(n=2, width=64, input_dimension=2, seed=1)
    problem = dp.InverseProblem(np.eye(2), net.output() + 1e-3)
    assert dp.certify_point(problem, net, form="integral").form == "integral"
    with pytest.raises(InputError, match=r"certificate\.form"):
        dp.certify_point(problem, net, form="best of all")
