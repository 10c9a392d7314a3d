"""The host side of a run: chunk after chunk, controllers, watchers, and the way back from a step too long."""

from __future__ import annotations

import json
import math
import time
from collections.abc import Callable
from itertools import pairwise
from typing import Any

import numpy as np

from dipproofs.descent.ahead import Ahead
from dipproofs.descent.engine import Engine, Iterate, Setting, integer
from dipproofs.descent.history import History
from dipproofs.descent.marks import Marks
from dipproofs.descent.resume import Snapshot, finite_or_text
from dipproofs.descent.stepsize import put
from dipproofs.errors import InputError

_SHORTENINGS = 200
#: Chunks that are begun while a proof is expected to succeed.
_LOOK_AHEAD = 3
#: and how long these may take.
_AHEAD_SECONDS = 0.5


class Offer:
    """The iterate that a watcher is offered: made when it is called, and so are those since the last mark.

    Args:
        driver: of the run.
    """

    def __init__(self, driver: Driver) -> None:
        self._driver = driver

    def __call__(self) -> Iterate:
        """The iterate."""
        return self._driver.here()

    @property
    def since(self) -> int:
        """The first iteration that `earlier` can give, with the step and the momentum of now."""
        return self._driver.since()

    def earlier(self, tau: int) -> Iterate:
        """The iterate τ, `since` ≤ τ < now."""
        return self._driver.replayed(tau)

    def expect_freeze(self) -> None:
        """Say that the answer will probably be "freeze" and take a while: the device may go on meanwhile."""
        self._driver.go_on()


class Driver:
    """Drives an `Engine`.

    Args:
        engine: the bound descent. step: γ_0 or "auto". value: the loss at the start.
        steps: receives (iteration, γ_0) whenever γ_0 is set. watched: whether there is a watcher.
    """

    def __init__(
        self, engine: Engine, step: str | float, value: float, steps: list[tuple[int, float]], watched: bool
    ) -> None:
        method = engine.method
        engine.first_loss(value)
        self.engine, self.value, self.steps = engine, value, steps
        self.carry = engine.start
        self.records: list[np.ndarray] = []
        self.distances: list[tuple[int, float]] = []
        self.momenta: list[tuple[int, float]] = []
        self.auto = engine.auto_step(steps) if step == "auto" and method.curvature_step else None
        if self.auto is None:
            gamma = method.default_step if step == "auto" else step
            put(steps, 0, float(engine.dtype.type(gamma)))
        wanted = getattr(method, "momentum", None) == "auto"
        self.auto_momentum = engine.auto_momentum(self.momenta) if wanted else None
        controlled = self.auto is not None or self.auto_momentum is not None
        self.ahead = Ahead(engine)
        self._end, self._tolerance, self._trusting = 0, 0.0, True
        self._pace, self._asked = math.inf, 0.0  # seconds an iteration takes, at best; when the last chunk was begun
        self.marks = Marks(watched or controlled or not engine.track)
        self.offered, self._shortenings = -1, 0
        self._undo: tuple[Any, int, float] | None = None

    @property
    def tau(self) -> int:
        """Iterations done."""
        return int(self.carry.tau)

    @property
    def momentum(self) -> float | None:
        """The automatic momentum in force."""
        return self.momenta[-1][1] if self.momenta else None

    def here(self) -> Iterate:
        """The iterate, with the method's state."""
        chosen = getattr(self.engine.method, "momentum", None) if self.auto_momentum is None else self.momentum
        return self.engine.iterate(self.carry, self.steps[-1][1], chosen)

    def since(self) -> int:
        """The iteration from which on step and momentum are those of now, and back to which `replayed` can go."""
        tau = self.tau
        changed = max([pairs[-1][0] for pairs in (self.steps, self.momenta) if pairs], default=0)
        if self._undo is None or changed >= tau > 0:
            return tau
        return max(int(self._undo[0].tau), changed)

    def replayed(self, tau: int) -> Iterate:
        """The iterate τ, between the last mark and this one: the same numbers again."""
        assert self._undo is not None
        before, gamma = self._undo[0], self.steps[-1][1]
        after, _ = self.engine.chunk(before, self._setting(gamma, False), tau - int(before.tau), 0.0)
        chosen = getattr(self.engine.method, "momentum", None) if self.auto_momentum is None else self.momentum
        return self.engine.iterate(after, gamma, chosen)

    def run(
        self,
        end: int,
        tolerance: float,
        watcher: Callable[[int, Callable[[], Iterate], float], str | None] | None,
        progress: Callable[[int, float], None] | None,
    ) -> str:
        """Go on until iteration ``end`` or the tolerance; say why it stopped."""
        loop = self.engine.loop
        self._end, self._tolerance = end, tolerance
        while True:
            tau = self.tau
            if not self.engine.track:
                self.distances.append((tau, self.engine.distance(self.carry)))
            if self.marks.pauses(tau):
                self._adjust(tau)
            if tau > self.offered and (tau >= end or self.marks.offers(tau)):
                self.offered = tau
                answer = None if watcher is None else self._watched(watcher, tau)
                if answer == "freeze":
                    self._freeze()
                if answer == "stop":
                    return "guaranteed"
            if tau >= end:
                return "max_iterations"
            status = self._advance(min(self.marks.after(tau), end) - tau, tolerance)
            if progress is not None:
                progress(self.tau, self.value)
            if status != loop.RUNNING:
                return "tolerance" if status == loop.REACHED else "not finite"

    def _watched(self, watcher: Any, tau: int) -> str | None:
        """The watcher's answer; the device goes on meanwhile."""
        if tau < self._end and self.ahead.idle:
            setting, self._asked = self._setting(self.steps[-1][1], self._guarded()), time.perf_counter()
            self.ahead.begin(self.carry, setting, self._counts(tau, 1), self._tolerance)
        answer: str | None = watcher(tau, Offer(self), self.value)
        return answer

    def go_on(self) -> None:
        """Let the device begin what follows the chunk that is under way, with this step for good."""
        tau = self.tau
        if not self._trusting or tau >= self._end:
            return
        self._trusting = False  # once: where a proof fails, this was in vain
        more = self._affordable(self._counts(tau, 1 + _LOOK_AHEAD)[1:])
        self.ahead.begin(self.carry, self._setting(self.steps[-1][1], False), more, self._tolerance)

    def _affordable(self, counts: list[int]) -> list[int]:
        """The first of some chunks that take no longer together than a user who stops the run may be kept busy."""
        total, kept = 0, []
        for count in counts:
            total += count
            if total * self._pace > _AHEAD_SECONDS:
                break
            kept.append(count)
        return kept

    def _counts(self, tau: int, chunks: int) -> list[int]:
        """The lengths of the next chunks, if none stops early."""
        marks = [tau]
        while len(marks) <= chunks and marks[-1] < self._end:
            marks.append(min(self.marks.after(marks[-1]), self._end))
        return [after - before for before, after in pairwise(marks)]

    def evaluate(self) -> None:
        """Record the loss at the last iterate."""
        carry = self.carry._replace(status=self.engine.start.status)
        self.carry, filled = self.engine.chunk(carry, self._setting(0.0, False), 1, math.inf)
        self.records.append(filled)

    def _adjust(self, tau: int) -> None:
        if self.auto is not None:
            self.auto.propose(tau, self.carry.theta, self.value)
        if self.auto_momentum is not None:
            self.auto_momentum.propose(tau, self.carry.theta, self.steps[-1][1])

    def _freeze(self) -> None:
        for controller in (self.auto, self.auto_momentum):
            if controller is not None:
                controller.frozen = True

    def _setting(self, gamma: float, guarded: bool) -> Setting:
        return Setting(gamma, self.engine.method.coefficients(self.momentum), guarded)

    def _guarded(self) -> bool:
        free = self.auto is not None and not self.auto.frozen and not self.engine.schedule.searches
        return free and self._shortenings < _SHORTENINGS

    def _advance(self, count: int, tolerance: float) -> int:
        loop, before, guarded = self.engine.loop, self.carry, self._guarded()
        setting = self._setting(self.steps[-1][1], guarded)
        begun = self.ahead.take(before, setting, count, tolerance)
        self._asked = time.perf_counter() if begun is None else self._asked
        after, filled = self.engine.finish(before, begun or self.engine.begin(before, setting, count, tolerance))
        self._pace = min(self._pace, (time.perf_counter() - self._asked) / max(filled.shape[1], 1))
        status = int(after.status)
        if guarded and status in (loop.RISEN, loop.NOT_FINITE):
            done = int(after.tau) > int(before.tau)
            if self._take_back((before, len(self.records), self.value) if done else self._undo, status):
                return int(loop.RUNNING)
        self._undo = before, len(self.records), self.value
        self.records.append(filled)
        if guarded and not self.engine.method.monotone:
            after = self.engine.envelope(after, filled[0], self.engine.method.coefficients(self.momentum)[0])
        self.carry, self.value = after, float(filled[0, -1])
        return status

    def _take_back(self, point: tuple[Any, int, float] | None, status: int) -> bool:
        """Return to where the loss had not risen, with half the step; say whether that is possible."""
        assert self.auto is not None
        if point is None:
            if status != self.engine.loop.RISEN:  # not finite at the start
                return False
            point = self.carry._replace(reference=self.engine.scalar(math.inf)), len(self.records), self.value
        if not self.auto.shorten(int(point[0].tau)):
            self._shortenings = _SHORTENINGS
            return bool(status == self.engine.loop.RISEN)
        self._shortenings += 1
        carry, kept, self.value = point
        self.carry = carry if self.engine.method.monotone else self.engine.restarted(carry)
        if self.auto_momentum is not None:
            self.auto_momentum.next_check = 0
        del self.records[kept:]
        self.distances = [pair for pair in self.distances if pair[0] < self.tau]
        self._undo = None
        return True

    # --- results ------------------------------------------------------------------------------------
    def history(self) -> History:
        """Everything recorded."""
        loss, norm, path, distance, step = np.concatenate(self.records, axis=1)
        index = np.arange(loss.size)
        if not self.engine.track:
            last = loss.size - 1
            if not self.distances or self.distances[-1][0] != last:
                self.distances.append((last, self.engine.distance(self.carry)))
            index = np.array([tau for tau, _ in self.distances])
            distance = np.array([d for _, d in self.distances])
        else:
            distance = np.append(distance[:-1], self.engine.distance(self.carry))
        return History(loss, norm, path, distance, index, step[:-1])

    def snapshot(self, expected: dict[str, Any]) -> Snapshot:
        """What the run can go on from; ``expected`` is compared when it does. To be taken before `evaluate`."""
        import jax

        arrays: dict[str, np.ndarray] = {}
        for name, tree in (("theta", self.carry.theta), ("state", self.carry.state)):
            arrays |= {f"{name}.{i}": np.asarray(leaf) for i, leaf in enumerate(jax.tree.leaves(tree))}
        for name in ("path_length", "squared_distance", "reference"):
            arrays[name] = np.asarray(getattr(self.carry, name))
        records = np.concatenate(self.records, axis=1) if self.records else np.zeros((self.engine.loop.ROWS, 0))
        arrays["records"] = records[:, : self.tau]
        arrays["distances"] = np.array([pair for pair in self.distances if pair[0] < self.tau]).reshape(-1, 2)
        facts: dict[str, Any] = {"tau": self.tau, "steps": self.steps, "momenta": self.momenta, "offered": self.offered}
        facts |= {"value": finite_or_text(self.value), "shortenings": self._shortenings}
        if self.auto is not None:
            arrays |= {f"vector.{name}": np.asarray(vector) for name, vector in self.auto.vectors.items()}
            keys = ("gamma", "frozen", "next_check", "cap")
            facts["auto"] = {key: _plain(getattr(self.auto, key)) for key in keys}
        if self.auto_momentum is not None:
            facts["auto_momentum"] = {
                key: _plain(getattr(self.auto_momentum, key)) for key in ("frozen", "ends", "next_check")
            }
        return Snapshot(arrays, json.loads(json.dumps(facts | expected)))

    def restore(self, snapshot: Snapshot) -> None:
        """Go back to a snapshot of this run.

        Raises:
            InputError: steps, iterations or arrays that no run has.
        """
        import jax

        def tree(name: str, like: Any) -> Any:
            found, expected = snapshot.leaves(name), jax.tree.leaves(like)
            if [(a.shape, a.dtype) for a in found] != [(a.shape, a.dtype) for a in expected]:
                raise InputError(f"resume: found arrays {name} of other shapes or types, expected those of the run")
            return jax.tree.unflatten(jax.tree.structure(like), jax.device_put(found))

        facts, arrays = snapshot.facts, snapshot.arrays
        if not (facts["steps"] and all(0 < gamma < math.inf and tau >= 0 for tau, gamma in facts["steps"])):
            raise InputError(f"resume: found the steps {facts['steps']}, expected positive numbers")
        if not 0 <= (facts.get("certified") or {}).get("iteration", 0) <= facts["tau"]:
            raise InputError("resume: found a certified iterate that is none of the run's, expected an earlier one")
        scalars = {name: jax.device_put(arrays[name]) for name in ("path_length", "squared_distance", "reference")}
        self.carry = self.carry._replace(
            tau=integer(facts["tau"]),
            theta=tree("theta", self.carry.theta),
            state=tree("state", self.carry.state),
            **scalars,
        )
        self.records = [arrays["records"]] if facts["tau"] else []
        self.distances = [(int(tau), float(d)) for tau, d in arrays["distances"]]
        self.steps[:] = [(int(tau), float(gamma)) for tau, gamma in facts["steps"]]
        self.momenta[:] = [(int(tau), float(beta)) for tau, beta in facts["momenta"]]
        self.offered, self.value = int(facts["offered"]), float(facts["value"])
        self._shortenings = int(facts["shortenings"])
        for controller, name in ((self.auto, "auto"), (self.auto_momentum, "auto_momentum")):
            for key, value in facts.get(name, {}).items() if controller is not None else ():
                setattr(controller, key, _read(value))
        if self.auto is not None:
            self.auto.vectors = {k.removeprefix("vector."): a for k, a in arrays.items() if k.startswith("vector.")}


def _plain(value: Any) -> Any:
    if isinstance(value, tuple):
        return [_plain(item) for item in value]
    return finite_or_text(value) if isinstance(value, float) else value


def _read(value: Any) -> Any:
    if isinstance(value, list):
        return tuple(_read(item) for item in value)
    return float(value) if isinstance(value, str) else value
