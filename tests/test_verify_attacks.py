"""Certificates that say something false in ways that a reader of the verifier thought of; each is refused."""

from __future__ import annotations

import io
import json
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from verify_cases import hand_made, load, write

from dipproofs.verify import verify

Record = dict[str, Any]
STEP = 0.03125  # of the hand-made certificate, at iteration 7


def _entry(record: Record, name: str) -> Record:
    return next(entry for entry in record["hypotheses"] if entry["id"] == name)


def _claim(low: float, high: float, evidence: str = "proved") -> Record:
    return {"lower": low, "upper": high, "evidence": evidence}


def _estimated_path(record: Record) -> None:
    """F_∞ as proved from an S that nobody proves."""
    record["verdict"] = _entry(record, "H")["verdict"] = "undecided"
    record["guarantees"] = {}
    record["quantities"]["S"] = _claim(1e-300, 1e-300, "estimated")
    start = record["quantities"]["sigma_AJ"]
    record["quantities"]["F_inf"] = _claim(start["lower"], start["upper"])


def _beyond_the_ball(record: Record) -> None:
    record["quantities"]["S"]["upper"] = record["quantities"]["rho"]["upper"] * 1.001
    record["quantities"]["F_inf"]["lower"] = 0.0


def _without_radius(record: Record) -> None:
    """Margins of what cannot be known."""
    record["verdict"] = "undecided"
    record["guarantees"] = {}
    for name in ("rho", "S", "F_inf", "x", "slope_e", "norm_AJ_ball", "lipschitz_J", "lipschitz_AJ"):
        record["quantities"].pop(name)
    for name in ("step", "injective", "H"):
        _entry(record, name).update(verdict="undecided", margin=_claim(5.0, 5.0))


def _estimated_arithmetic(record: Record) -> None:
    record["verdict"] = _entry(record, "H")["verdict"] = "undecided"
    record["arithmetic"] = "estimated"
    record["guarantees"] = {"distance_to_limit": _claim(0.0, 1e-300)}


def _low_level(record: Record) -> None:
    """G and Λ on the sublevel set of an assumed, smaller loss; a step that is too long then seems short."""
    record["quantities"]["loss_0"] = _claim(0.0, 1e-30, "assumed")
    record["verdict"] = "undecided"
    record["guarantees"] = {}
    record["quantities"]["G"] = _claim(0.0, 1e-14)


def _schedule(**schedule: Any) -> Callable[[Record], None]:
    def change(record: Record) -> None:
        record["schedule"] = schedule
        record["guarantees"] = {"limit_has_zero_loss": True}

    return change


def _steps(*steps: Any) -> Callable[[Record], None]:
    return lambda record: record.update(run={"iterations": 99, "steps": list(steps)})


ATTACKS: dict[str, Callable[[Record], Any]] = {
    "F_inf from an S that is not proved": _estimated_path,
    "S beyond the ball": _beyond_the_ball,
    "margins without a radius": _without_radius,
    "a margin beside its truth": lambda r: _entry(r, "step").update(margin=_claim(0.0, 1e-9)),
    "a margin of the loss": lambda r: _entry(r, "loss").update(margin=_claim(5.0, 5.0)),
    "an unknown hypothesis, refuted": lambda r: (
        r["hypotheses"].append({"id": "moon", "verdict": "refuted"}), r.update(verdict="refuted", guarantees={}),
    ),
    "proved by estimated arithmetic": _estimated_arithmetic,
    "a level that is not proved": _low_level,
    "steps that fall after the iterate": _steps([0, STEP], [8, STEP * 1e-6]),
    "steps out of order": _steps([10, 50 * STEP], [0, STEP]),
    "steps as text": _steps([0, str(STEP)]),
    "steps that begin too late": _steps([8, STEP]),
    "no steps": _steps(),
    "a step that is no number": _steps([0, True]),
    "steps that grow": _schedule(kind="polynomial", power=-1.0),
    "a schedule without its power": _schedule(kind="polynomial"),
    "a power that is no number": _schedule(kind="polynomial", power=True),
    "a horizon before the start": _schedule(kind="cosine", horizon=-5),
    "a horizon as text": _schedule(kind="cosine", horizon="1e3"),
    "an unknown schedule": _schedule(kind="annealed"),
    "a final certificate with a final one": lambda r: r.update(final={**json.loads(json.dumps(r)), "final": {}}),
    "a final certificate before the first": lambda r: r.update(final={**json.loads(json.dumps(r)), "iteration": 3}),
    "words in place of a bound": lambda r: r["guarantees"].update(recovery={"data": "at most 1e-300"}),
    "words that say too much": lambda r: r["guarantees"].update(recovery={"noise_source": "x_true"}),
}  # fmt: skip


@pytest.mark.parametrize("name", ATTACKS)
def test_an_attack_is_refused(name: str, tmp_path: Path) -> None:
    record, arrays = load(hand_made(tmp_path))
    assert verify(write(tmp_path, record, arrays)).valid
    ATTACKS[name](record)
    found = verify(write(tmp_path, record, arrays))
    assert found.exit_code == 1 and found.findings
    assert not [finding for finding in found.findings if "cannot be examined" in finding], found.findings


def test_true_steps_and_margins_are_accepted(tmp_path: Path) -> None:
    record, arrays = load(hand_made(tmp_path))
    _steps([0, 1.0], [3, STEP])(record)
    _entry(record, "step")["margin"] = _claim(0.0, 1.0)
    assert verify(write(tmp_path, record, arrays)).valid


def test_spoiled_archives_are_unreadable_whatever_they_raise(tmp_path: Path) -> None:
    """LZMA, encryption and headers that are no Python: exceptions of other modules."""
    record, arrays = load(hand_made(tmp_path))
    path, kept = write(tmp_path, record, arrays), (tmp_path / "arrays.npz").read_bytes()
    spoiled = [kept.replace(b"{'descr': '<f8'", b"((((((((((((((("), bytearray(kept)]
    with zipfile.ZipFile(io.BytesIO(kept)) as archive:
        start = archive.infolist()[0].header_offset
    spoiled[1][start + 6] |= 1  # encrypted, says the local header
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w", zipfile.ZIP_LZMA) as archive:
        for key, array in arrays.items():
            inside = io.BytesIO()
            np.save(inside, array)
            archive.writestr(f"{key}.npy", inside.getvalue())
    squeezed = bytearray(target.getvalue())
    squeezed[60:90] = bytes(30)
    for content in (*map(bytes, spoiled), bytes(squeezed)):
        (tmp_path / "arrays.npz").write_bytes(content)
        assert verify(path).exit_code in (1, 2)
