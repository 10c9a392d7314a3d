"""The verifier accepts what `certify` writes and rejects what it did not.

Hundreds of random certificates, of every loss, form, train mode, activation and schedule, with full operators,
masks and bases, in float32 and float64; and for a part of them every claim moved, both ways. Vacuity is counted:
enough of them must be proofs, of every form.
"""

from __future__ import annotations

import json
from collections import Counter
from functools import cache
from pathlib import Path
from typing import Any

import flint
import numpy as np
import pytest
from flint import arb

from checks.effort import TIMES
from checks.random_certificates import random_certificate, written
from dipproofs.theory import PROFILES, quantities
from dipproofs.theory.numeric import float_function
from dipproofs.theory.symbols import S, t
from dipproofs.verify import verify
from dipproofs.verify.arithmetic import splitting

SEEDS, TAMPERED = 300 * TIMES, 24 * TIMES


def test_every_certificate_that_certify_writes_is_valid(tmp_path: Path) -> None:
    seen: Counter[tuple[str, str]] = Counter()
    for seed in range(SEEDS):
        certificate, path = written(seed, tmp_path)
        result = verify(path)
        assert result.valid, f"seed {seed}: {result}"
        seen[certificate.form, str(certificate.verdict)] += 1
    for form in ("paper", "integral", "concave", "residual"):
        assert seen[form, "proved"] >= SEEDS // 25, seen
    assert sum(count for (_, verdict), count in seen.items() if verdict == "refuted") >= SEEDS // 30, seen


@pytest.mark.parametrize("seed", [300, 50054, 50390])
def test_certificates_that_were_once_refused_are_valid(seed: int, tmp_path: Path) -> None:
    """Early stopping for losses whose ψ cancels where the loss is small."""
    certificate, path = written(seed, tmp_path)
    assert certificate.proved and certificate.guarantees.early_stopping_iteration
    result = verify(path)
    assert result.valid, str(result)


@cache
def proofs() -> tuple[int, ...]:
    """Seeds of proofs for the tamperings."""
    found: list[int] = []
    seed = 10_000
    while len(found) < TAMPERED:
        seed += 1
        if random_certificate(seed).proved:
            found.append(seed)
    return tuple(found)


def _moved(claim: dict[str, Any], factor: float) -> dict[str, Any]:
    return {**claim, "lower": claim["lower"] * factor, "upper": claim["upper"] * factor}


#: From these numbers others are computed again, so that they are moved one at a time.
_BUILT_ON = ("quantities.gamma", "quantities.S", "quantities.R", "quantities.loss_0")


def _movable(record: dict[str, Any]) -> list[tuple[str, str]]:
    """Where the proved numbers of a certificate are, as (section, name)."""
    found = []
    for where in ("quantities", "guarantees"):
        for name, claim in record[where].items():
            finite = isinstance(claim, dict) and all(isinstance(claim.get(x), float) for x in ("lower", "upper"))
            if finite and claim["lower"] != 0 and claim["evidence"] == "proved" and name != "rho":
                found.append((where, name))
    return found


def _spoil(record: dict[str, Any], where: str, name: str, rng: np.random.Generator) -> None:
    """Move one number out of its own enclosure, up or down."""
    claim = record[where][name]
    width = 1 + 2 * (claim["upper"] / claim["lower"] - 1)
    factor = max(width, 1 / width) * (1 + 10.0 ** rng.uniform(-7, 0))
    record[where][name] = _moved(claim, factor if rng.random() < 0.5 else 1 / factor)


def test_numbers_moved_out_of_their_enclosure_are_found(tmp_path: Path) -> None:
    """All of a proof at once, each of which is to be named; alone those on which others are built, and some more."""
    rng, tried = np.random.default_rng(0), 0
    for seed in proofs():
        _, path = written(seed, tmp_path)
        text = path.read_text()
        movable = _movable(json.loads(text))
        names = [f"{where}.{name}" for where, name in movable]
        together = [place for place, name in zip(movable, names, strict=True) if name not in _BUILT_ON]
        alone = [place for place, name in zip(movable, names, strict=True) if name in _BUILT_ON]
        alone += [together[i] for i in rng.choice(len(together), size=2, replace=False)]
        for moved in (together, *([place] for place in alone)):
            record = json.loads(text)
            for where, name in moved:
                _spoil(record, where, name, rng)
            path.write_text(json.dumps(record))
            result = verify(path)
            assert not result.valid, f"seed {seed}: {moved} changed to {record}"
            named = {finding.split(":")[0] for finding in result.findings}
            missed = {f"{where}.{name}" for where, name in moved} - named
            assert not missed or len(moved) == 1, f"seed {seed}: {missed} changed to {record}"
            tried += len(moved)
    assert tried > 20 * TAMPERED


@pytest.mark.parametrize("kind", ["entry", "another run", "verdict", "renamed form", "renamed profile"])
def test_other_tamperings_are_found(tmp_path: Path, kind: str) -> None:
    rng, kept = np.random.default_rng(1), []
    for seed in proofs():
        _, path = written(seed, tmp_path)
        record = json.loads(path.read_text())
        if _tamper(kind, record, path, rng) and verify(path).valid:
            kept.append(seed)
    assert not kept, kept


def _at_the_end(record: dict[str, Any], profile: str) -> str:
    """F(S) of a profile from the claimed numbers, to five digits; "" where they do not determine it."""
    values = {q.symbol: record["quantities"].get(name) for name, q in quantities().items()}
    known = {symbol: (float(claim["lower"]) + float(claim["upper"])) / 2 for symbol, claim in values.items() if claim}
    known[t] = known.get(S)
    symbols, F = _compiled(profile)
    given = [known.get(symbol) for symbol in symbols]
    return "" if None in given else f"{float(F(*given)):.5g}"


@cache
def _compiled(profile: str) -> tuple[list[Any], Any]:
    symbols = sorted(PROFILES[profile].F.free_symbols, key=str)
    return symbols, float_function(symbols, PROFILES[profile].F, "math")


def _tamper(kind: str, record: dict[str, Any], path: Path, rng: np.random.Generator) -> bool:
    import hashlib

    arrays_path = path.parent / record["arrays"]["file"]
    if kind in ("entry", "another run"):
        with np.load(arrays_path) as file:
            arrays = {key: file[key].copy() for key in file.files}
        if kind == "entry":
            key = str(rng.choice(["A", "y", "W", "V"]))
            index = int(rng.integers(arrays[key].size))
            arrays[key].flat[index] = arrays[key].flat[index] * 1.001 or 1e-3
        else:
            arrays["V"] = rng.permuted(arrays["V"], axis=0) * 1.01
            arrays["W"] = rng.standard_normal(arrays["W"].shape)
        np.savez(arrays_path, **arrays)
        record["arrays"]["sha256"] = hashlib.sha256(arrays_path.read_bytes()).hexdigest()
    elif kind == "verdict":
        record["verdict"] = str(rng.choice(["refuted", "undecided"]))
    elif kind == "renamed form":
        record["form"] = str(
            rng.choice([f for f in ("paper", "integral", "concave", "residual") if f != record["form"]])
        )
    else:
        others = [name for name in PROFILES if _at_the_end(record, name) != _at_the_end(record, record["profile"])]
        if not others:
            return False  # all profiles are one function here (one row, ‖A‖ = σ_A): renaming says nothing false
        record["profile"] = str(rng.choice(others))
    path.write_text(json.dumps(record))
    return True


@pytest.mark.parametrize("levels", [1, 4, 9, 15])
def test_products_of_parts_are_exact_in_the_worst_case(levels: int) -> None:
    """Every part as large as it may be, with one sign and odd entries, over the longest inner dimension."""
    top = 2**19 - 1
    size = sum(top * 2 ** (20 * level) for level in range(levels))
    shape, inner = (2, splitting.INNER - 1), splitting.INNER - 1
    slabs = {level: np.full(shape, float(top)) for level in range(levels)}
    matrix = splitting.Matrix(shape, slabs, arb(0), 4096)
    with flint.ctx.workprec(2000):
        found = (matrix @ matrix.T).entries()
        assert all(entry == arb(inner * size * size) for entry in found)


def test_more_parts_than_stay_exact_are_refused() -> None:
    slabs = {level: np.ones((1, 1)) for level in range(splitting.ADDED + 1)}
    matrix = splitting.Matrix((1, 1), slabs, arb(0), 4096)
    with pytest.raises(ValueError, match="parts"):
        matrix @ matrix
