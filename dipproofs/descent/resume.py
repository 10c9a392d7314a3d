"""A run that can go on where it stopped, bit for bit: what was in memory, as arrays and a little JSON."""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any
from zipfile import BadZipFile

import numpy as np

from dipproofs.errors import InputError, one_line

if TYPE_CHECKING:
    from dipproofs.descent.engine import Iterate

#: The file in a certificate's folder.
FILE = "run-state.npz"
_FORMAT = "dipproofs-run-state"
#: Smaller arrays (bytes) are always written.
_LARGE = 2**16
_WRITTEN = "a directory that dipproofs certify --out has written"
#: Before the names of the parameters and of the method's arrays at the certified iterate.
_THETA, _STATE = "certified.theta/", "certified.state/"


@dataclass(frozen=True, eq=False)
class Snapshot:
    """The state of a descent between two iterations.

    Args:
        arrays: leaves of θ and of the method's state ("theta.0", "state.0", …, in the order of the pytrees), vectors of
            the step controller ("vector.NAME"), records of the history ("records") and of the distance ("distances");
            named arrays of the iterate that is certified, if one is.
        facts: numbers and words: tau, method, schedule, step, steps, chosen momenta, controllers, fingerprint; of the
            certified iterate iteration, step and momentum.
    """

    arrays: Mapping[str, np.ndarray]
    facts: Mapping[str, Any]

    @property
    def iteration(self) -> int:
        """Iterations done."""
        return int(self.facts["tau"])

    def leaves(self, name: str) -> list[np.ndarray]:
        """Return the arrays "NAME.0", "NAME.1", …"""
        found: list[np.ndarray] = []
        while f"{name}.{len(found)}" in self.arrays:
            found.append(self.arrays[f"{name}.{len(found)}"])
        return found

    def with_certified(self, iterate: Iterate) -> Snapshot:
        """Return the same with the iterate at which the run is certified, which would be lost with what was before."""
        arrays = {_THETA + name: array for name, array in iterate.network.parameters().items()}
        arrays |= {_STATE + name: array for name, array in iterate.state.items()}
        facts = {"iteration": iterate.iteration, "step": iterate.step, "momentum": iterate.momentum}
        return Snapshot({**self.arrays, **arrays}, {**self.facts, "certified": facts})

    def certified(self, network: Any) -> Iterate | None:
        """Return the iterate at which the run was certified, or None.

        Args:
            network: of the run, with any parameters.

        Raises:
            InputError: arrays or numbers that are none of such an iterate.
        """
        from dipproofs.descent.engine import Iterate

        facts = self.facts.get("certified")
        if facts is None:
            return None
        with whole_state():
            at = network.with_parameters(self._named(_THETA))
            return Iterate(at, self._named(_STATE), int(facts["iteration"]), float(facts["step"]), facts["momentum"])

    def _named(self, start: str) -> dict[str, np.ndarray]:
        return {key.removeprefix(start): array for key, array in self.arrays.items() if key.startswith(start)}

    def save(self, path: str | Path) -> Path:
        """Write everything to one .npz file; for a folder, to ``run-state.npz`` in it.

        Large arrays that a certificate in that folder stores as well (``arrays*.npz``) are named, not written again.
        """
        path = Path(path)
        path = path / FILE if path.is_dir() else path
        shared = _found_beside(self.arrays, path)
        text = np.array(json.dumps({"format": _FORMAT, "shared": shared, **self.facts}))
        own = {name: array for name, array in self.arrays.items() if name not in shared}
        with path.open("wb") as file:
            np.savez(file, facts=text, **own)  # type: ignore[arg-type]
        return path

    @staticmethod
    def load(path: str | Path) -> Snapshot:
        """Read what `save` wrote, from the file or its folder.

        Raises:
            InputError: no such file, another format, or arrays beside it that are not those of the run any more.
        """
        path = Path(path)
        if not path.exists():
            raise InputError(f"resume: {path}: no such directory; expected {_WRITTEN}, or start without it")
        path = path / FILE if path.is_dir() else path
        if not path.exists():
            raise InputError(f"resume: {path.parent}: found no {FILE} in it; expected {_WRITTEN}, or start without it")
        try:
            with np.load(path, allow_pickle=False) as stored:
                arrays = {name: stored[name] for name in stored.files}
            facts = json.loads(str(arrays.pop("facts")))
        except (OSError, ValueError, KeyError, EOFError, BadZipFile):
            raise InputError(f"resume: {path}: found no saved run in it; expected {_WRITTEN}") from None
        if not isinstance(facts, dict) or facts.pop("format", None) != _FORMAT:
            raise InputError(f"resume: {path.name}: found another format, expected a run saved by dipproofs")
        return Snapshot(arrays | _read_beside(facts.pop("shared", {}), path.parent), facts)

    def refuse_other(self, expected: Mapping[str, Any]) -> None:
        """Refuse to go on with another problem, method, schedule or step.

        Raises:
            InputError: the first that differs.
        """
        for key, value in expected.items():
            if self.facts.get(key) != json.loads(json.dumps(value)):
                if key == "fingerprint":
                    raise InputError("resume: found the run of another problem, network or loss, expected the same one")
                raise InputError(f"resume: found {key} {self.facts.get(key)!r}, expected {value!r} as in this call")


@contextmanager
def whole_state() -> Iterator[None]:
    """Say in one line that a saved state lacks something, or holds something else in its place."""
    try:
        yield
    except InputError:
        raise
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise InputError(
            f"resume: found a state that is not whole ({one_line(error, 80)}), expected {_WRITTEN}"
        ) from None


def _found_beside(arrays: Mapping[str, np.ndarray], path: Path) -> dict[str, list[str]]:
    """Give [file, name, hash] for each large array that another file of the folder holds bit for bit."""
    wanted = {_hash(array): name for name, array in arrays.items() if array.nbytes >= _LARGE}
    found: dict[str, list[str]] = {}
    for file in sorted(path.parent.glob("arrays*.npz")) if wanted else ():
        with np.load(file, allow_pickle=False) as stored:
            for key in stored.files:
                digest = _hash(stored[key])
                if digest in wanted:
                    found[wanted[digest]] = [file.name, key, digest]
    return found


def _read_beside(shared: Mapping[str, list[str]], folder: Path) -> dict[str, np.ndarray]:
    arrays: dict[str, np.ndarray] = {}
    for name, (file, key, digest) in shared.items():
        try:
            with np.load(folder / Path(file).name, allow_pickle=False) as stored:
                arrays[name] = stored[key]
        except (OSError, ValueError, KeyError, EOFError) as error:
            raise InputError(f"resume: {file}: found no array {key} of the saved run there ({error})") from None
        if _hash(arrays[name]) != digest:
            raise InputError(f"resume: {file}: found another certificate's arrays, expected those of the saved run")
    return arrays


def _hash(array: np.ndarray) -> str:
    digest = hashlib.sha256(f"{array.dtype} {array.shape}".encode())
    digest.update(np.ascontiguousarray(array).tobytes())
    return digest.hexdigest()


def fingerprint(problem: Any, network: Any, loss: Any) -> str:
    """Return a hash of everything that a run starts from."""
    digest = hashlib.sha256()
    operator = problem.operator.structure.describe()
    described = {"network": network.describe(), "loss": loss.to_json(), "operator": operator}
    digest.update(json.dumps(described, sort_keys=True, default=str).encode())
    arrays = {**problem.operator.structure.arrays(), "y": problem.y, **network.arrays()}
    for name, array in sorted(arrays.items()):
        digest.update(f"{name} {array.dtype} {array.shape}".encode())
        digest.update(np.ascontiguousarray(array).tobytes())
    return digest.hexdigest()


def finite_or_text(value: float) -> float | str:
    """A number as JSON holds it."""
    return value if math.isfinite(value) else repr(value)
