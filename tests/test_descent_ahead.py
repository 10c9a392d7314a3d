"""What the device computes while a watcher looks changes no number of a run."""

from __future__ import annotations

from dataclasses import replace
from types import SimpleNamespace
from typing import Any, cast

import numpy as np
import pytest
from helpers import gaussian_problem, network

import dipproofs as dp
from dipproofs.descent import ahead
from dipproofs.descent.engine import Engine, Setting

CASES: list[tuple[str | None, dict[str, Any]]] = [
    ("freeze", {}),
    (None, {}),
    ("stop", {}),
    (None, {"method": "heavy-ball"}),
    ("freeze", {"schedule": "backtracking"}),
]


def watched(answer_at: int, answer: str | None, trusted: bool, **options: Any) -> dp.Run:
    def watch(tau: int, offered: Any, value: float) -> str | None:
        if tau < answer_at:
            return None
        if trusted:
            offered.expect_freeze()
        return answer

    return dp.descend(gaussian_problem(), network(), max_iterations=60, tolerance=1e-6, watcher=watch, **options)


@pytest.mark.parametrize(("answer", "options"), CASES)
def test_a_run_is_the_same_with_and_without_looking_ahead(
    monkeypatch: pytest.MonkeyPatch, answer: str | None, options: dict[str, Any]
) -> None:
    served: list[bool] = []
    take = ahead.Ahead.take

    def counted(self: ahead.Ahead, *arguments: Any) -> Any:
        found = take(self, *arguments)
        served.append(found is not None)
        return found

    monkeypatch.setattr(ahead.Ahead, "take", counted)
    with_it = [watched(11, answer, trusted, **options) for trusted in (False, True)]
    assert sum(served) > 10
    assert all(served) or answer != "freeze"  # nothing is computed in vain
    monkeypatch.setattr(ahead, "_PARAMETERS", 0)
    without = watched(11, answer, True, **options)
    for run in with_it:
        assert run.stopped == without.stopped and run.steps == without.steps and run.momenta == without.momenta
        for name in ("loss", "path_length", "distance", "step"):
            assert np.array_equal(getattr(run.history, name), getattr(without.history, name))
        for name, array in without.network.parameters().items():
            assert np.array_equal(run.network.parameters()[name], array)


def test_a_rise_in_a_chunk_begun_early_takes_the_run_back(monkeypatch: pytest.MonkeyPatch) -> None:
    made = Engine.auto_step
    longest: list[float] = []

    def too_long(self: Engine, chosen: Any) -> Any:
        controller = made(self, chosen)
        propose, pending = controller.propose, [True]

        def proposed(tau: int, theta: Any, value: float) -> None:
            propose(tau, theta, value)
            if pending:
                pending.clear()
                controller.gamma = 40 * chosen[0][1]
                chosen[0] = (0, controller.gamma)
                longest.append(controller.gamma)

        monkeypatch.setattr(controller, "propose", proposed)
        return controller

    monkeypatch.setattr(Engine, "auto_step", too_long)
    for answer in (None, "freeze"):
        found = watched(0, answer, True)
        with monkeypatch.context() as patch:
            patch.setattr(ahead, "_PARAMETERS", 0)
            without = watched(0, answer, True)
        assert found.steps == without.steps
        assert np.array_equal(found.history.loss, without.history.loss, equal_nan=True)
        assert (found.steps[0][1] < longest[-1]) == (answer is None)


class Recorder:
    """An engine that starts nothing: every chunk ends with the status it is given."""

    parameter_count = 1

    def __init__(self, status: int) -> None:
        self.loop = SimpleNamespace(RISEN=3)
        self.after = SimpleNamespace(status=status)

    def begin(self, *_: Any) -> tuple[Any, Any]:
        return self.after, None


GUARDED = Setting(0.5, (), True)


@pytest.mark.parametrize(
    ("due", "status", "serves"),
    [
        ({}, 0, True),
        ({"setting": replace(GUARDED, guarded=False)}, 0, True),
        ({"setting": replace(GUARDED, guarded=False)}, 3, False),  # it ended at a rise that nobody guards against now
        ({"setting": replace(GUARDED, gamma=0.25)}, 0, False),
        ({"before": object()}, 0, False),
        ({"count": 7}, 0, False),
        ({"tolerance": 0.1}, 0, False),
    ],
)
def test_only_the_call_that_is_due_is_served(due: dict[str, Any], status: int, serves: bool) -> None:
    begun = {"before": object(), "setting": GUARDED, "count": 8, "tolerance": 0.0}
    queue = ahead.Ahead(cast("Engine", Recorder(status)))
    queue.begin(begun["before"], GUARDED, [8, 8], 0.0)
    assert (queue.take(**(begun | due)) is not None) == serves
    assert bool(queue._begun) == serves


@pytest.mark.parametrize("answer", ["stop", "interrupt"])
def test_whoever_stops_a_run_is_answered_before_what_the_device_has_begun(answer: str) -> None:
    said: list[str] = []
    begun: list[Any] = []

    def watch(tau: int, offered: Any, value: float) -> str | None:
        if tau < 20:
            return None
        driver = offered._driver
        begun.append(driver.carry)
        for _ in range(60):  # far more than one iteration takes
            begun.append(driver.engine.begin(begun[-1], Setting(1e-6, (), False), 1000, 0.0)[0])
        if answer == "interrupt":
            raise KeyboardInterrupt
        return "stop"

    run = dp.descend(gaussian_problem(), network(), tolerance=0.0, watcher=watch, say=said.append)
    assert not begun[-1].status.is_ready()
    assert run.stopped == ("interrupted" if answer == "interrupt" else "guaranteed")
    assert len(said) == (answer == "interrupt") and len(run.history.loss) == run.iterations + 1
    assert int(begun[-1].tau) == run.iterations + 60_000
