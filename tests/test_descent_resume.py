"""A run that is stopped, saved and continued is the run that was never stopped, bit for bit."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from helpers import gaussian_problem, network

import dipproofs as dp
from dipproofs.descent import Snapshot

RUNS: list[dict[str, Any]] = [
    {},
    {"step": 0.2, "schedule": "polynomial"},
    {"step": 8.0, "schedule": "backtracking"},
    {"method": "heavy-ball"},
    {"method": "nesterov", "step": 0.3, "momentum": 0.8},
    {"method": "adam", "step": 0.01},
]


@pytest.mark.parametrize("options", RUNS, ids=str)
def test_a_resumed_run_is_the_run_itself(options: dict[str, Any], tmp_path: Path) -> None:
    problem, net = gaussian_problem(kappa=8.0), network(width=16)
    whole = dp.descend(problem, net, max_iterations=90, tolerance=0.0, **options)
    part = dp.descend(problem, net, max_iterations=37, tolerance=0.0, **options)
    assert part.snapshot is not None and part.snapshot.iteration == 37
    path = part.snapshot.save(tmp_path)
    assert path == tmp_path / "run-state.npz"
    found = dp.descend(problem, net, max_iterations=90, tolerance=0.0, resume=path, **options)
    assert found.iterations == whole.iterations == 90 and found.steps == whole.steps
    assert found.momenta == whole.momenta
    for name in ("loss", "gradient_norm", "path_length", "distance", "step"):
        np.testing.assert_array_equal(getattr(found.history, name), getattr(whole.history, name))
    for name in ("V", "W"):
        np.testing.assert_array_equal(getattr(found.network, name), getattr(whole.network, name))
    assert set(found.state) == set(whole.state)
    for name, array in whole.state.items():
        np.testing.assert_array_equal(found.state[name], array)


def test_a_run_that_reached_its_tolerance_goes_on_to_a_smaller_one() -> None:
    problem, net = gaussian_problem(), network()
    whole = dp.descend(problem, net, tolerance=1e-9)
    part = dp.descend(problem, net, tolerance=1e-3)
    found = dp.descend(problem, net, tolerance=1e-9, resume=part.snapshot)
    assert part.iterations < found.iterations == whole.iterations
    np.testing.assert_array_equal(found.history.loss, whole.history.loss)


def test_an_interrupted_run_can_be_resumed() -> None:
    def progress(tau: int, value: float) -> None:
        if tau >= 20:
            raise KeyboardInterrupt

    problem, net = gaussian_problem(), network()
    part = dp.descend(problem, net, max_iterations=60, tolerance=0.0, progress=progress)
    assert part.stopped == "interrupted" and part.iterations < 60
    found = dp.descend(problem, net, max_iterations=60, tolerance=0.0, resume=part.snapshot)
    whole = dp.descend(problem, net, max_iterations=60, tolerance=0.0)
    np.testing.assert_array_equal(found.history.loss, whole.history.loss)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"step": 0.1}, "resume: found step 'auto', expected 0.1"),
        ({"method": "heavy-ball"}, "resume: found method"),
        ({"schedule": "polynomial"}, "resume: found schedule"),
        ({"network": network(seed=4)}, "another problem, network or loss"),
        ({"problem": gaussian_problem(seed=1)}, "another problem, network or loss"),
        ({"loss": dp.Huber(1.0)}, "another problem, network or loss"),
        ({"resume": "no-such-folder.npz"}, "resume: no-such-folder.npz: no such directory; expected a directory that"),
    ],
)
def test_another_run_is_not_resumed(change: dict[str, Any], message: str) -> None:
    given = {"problem": gaussian_problem(), "network": network()}
    part = dp.descend(**given, max_iterations=3, tolerance=0.0)
    with pytest.raises(dp.InputError, match=message) as caught:
        dp.descend(**({**given, "max_iterations": 9, "tolerance": 0.0, "resume": part.snapshot} | change))
    assert "\n" not in str(caught.value)


def test_a_file_of_another_kind_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "other.npz"
    np.savez(path, facts=np.array('{"format": "something"}'))
    with pytest.raises(dp.InputError, match="another format"):
        Snapshot.load(path)


def test_arrays_that_the_certificate_holds_are_not_written_again(tmp_path: Path) -> None:
    theta, moved = np.arange(10_000.0), np.ones(10_000)
    np.savez(tmp_path / "arrays-final.npz", V=theta, y=moved[:3])
    snapshot = Snapshot({"theta.0": theta, "state.0": moved}, {"tau": 3})
    path = snapshot.save(tmp_path)
    assert path.stat().st_size < 1.2 * moved.nbytes
    found = Snapshot.load(path)
    assert found.facts == {"tau": 3}
    np.testing.assert_array_equal(found.arrays["theta.0"], theta)
    np.testing.assert_array_equal(found.arrays["state.0"], moved)
    np.savez(tmp_path / "arrays-final.npz", V=theta + 1)
    with pytest.raises(dp.InputError, match=r"arrays-final.npz: found another certificate's arrays"):
        Snapshot.load(path)
    (tmp_path / "arrays-final.npz").unlink()
    with pytest.raises(dp.InputError, match=r"arrays-final.npz: found no array V"):
        Snapshot.load(path)


@pytest.mark.parametrize("options", [{}, {"method": "heavy-ball"}, {"step": 0.2, "schedule": "polynomial"}], ids=str)
def test_a_resumed_run_keeps_the_iterate_that_was_certified(options: dict[str, Any], tmp_path: Path) -> None:
    """The certificate is that of the run that was never stopped; a run that has ended is not certified worse."""
    problem, net = gaussian_problem(), network()
    whole = dp.certify(problem, net, **options)
    assert whole.run is not None and whole.proved and 0 < whole.iteration + 5 < whole.run.iterations
    part = dp.certify(problem, net, max_iterations=whole.iteration + 5, **options)
    assert part.run is not None and part.iteration == whole.iteration
    part.save(tmp_path)
    part.run.snapshot.save(tmp_path)
    for resume in (part.run.snapshot, tmp_path, tmp_path):  # the last time, nothing is left to do
        found = dp.certify(problem, net, resume=resume, **options)
        assert found.to_json() == whole.to_json()
        found.save(tmp_path)
        found.run.snapshot.save(tmp_path)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda arrays, facts: facts.update(steps=[[0, 0.0]]), "steps"),
        (lambda arrays, facts: facts.update(steps=[[0, -0.1]]), "steps"),
        (lambda arrays, facts: facts.update(steps=[]), "steps"),
        (lambda arrays, facts: facts.update(certified={"iteration": 1000}), "certified iterate"),
        (lambda arrays, facts: arrays.update({"theta.0": arrays["theta.0"].astype(np.float16)}), "theta"),
        (lambda arrays, facts: facts.update(steps=[["a", "b"]]), "not whole"),
        (lambda arrays, facts: facts.update(certified={"iteration": "a"}), "not whole"),
        (lambda arrays, facts: facts.pop("offered"), "not whole"),
        (lambda arrays, facts: arrays.pop("records"), "not whole"),
    ],
)
def test_a_state_that_no_run_has_is_refused(change: Any, words: str) -> None:
    """With a step of 0, or a negative one, the hypotheses hold, and nothing converges."""
    problem, net = gaussian_problem(kappa=8.0), network(width=16)
    snapshot = dp.descend(problem, net, max_iterations=5).snapshot
    assert snapshot is not None
    arrays, facts = dict(snapshot.arrays), dict(snapshot.facts)
    change(arrays, facts)
    with pytest.raises(dp.InputError, match=words):
        dp.descend(problem, net, max_iterations=9, resume=Snapshot(arrays, facts))


def test_a_certified_iterate_that_is_not_whole_is_refused() -> None:
    problem, net = gaussian_problem(), network()
    part = dp.certify(problem, net, max_iterations=60)
    assert part.proved and part.run is not None and part.run.snapshot is not None
    kept = part.run.snapshot
    facts = {**kept.facts, "certified": {"iteration": part.iteration}}
    arrays = {name: array for name, array in kept.arrays.items() if not name.startswith("certified.theta/V")}
    for broken in (Snapshot(kept.arrays, facts), Snapshot(arrays, kept.facts)):
        with pytest.raises(dp.InputError) as caught:
            dp.certify(problem, net, max_iterations=90, resume=broken)
        assert "\n" not in str(caught.value)
    announced: list[Any] = []
    dp.certify(problem, net, max_iterations=90, resume=kept, announce=announced.append)
    assert [one.iteration for one in announced] == [part.iteration]
