"""The verifier accepts what `certify` writes and rejects what it did not.

Hundreds of random certificates, of every loss, form, train mode, activation and schedule, with full operators,
masks and bases, in float32 and float64; and for a part of them every claim moved, both ways. Vacuity is counted:
enough of them must be proofs, of every form.
"""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path
from typing import Any

import flint
import numpy as np
import pytest
from flint import arb

from checks.effort import TIMES
from checks.random_certificates import written
from dipproofs.theory import PROFILES, quantities
from dipproofs.theory.symbols import S, t
from dipproofs.verify import verify
from dipproofs.verify.arithmetic import slices

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


def _moved(claim: dict[str, Any], factor: float) -> dict[str, Any]:
    return {**claim, "lower": claim["lower"] * factor, "upper": claim["upper"] * factor}


def _spoiled(record: dict[str, Any], rng: np.random.Generator) -> list[tuple[str, dict[str, Any]]]:
    """Certificates of which one number is false: each quantity out of its own enclosure, up or down."""
    text, found = json.dumps(record), []
    for where in ("quantities", "guarantees"):
        for name, claim in record[where].items():
            finite = isinstance(claim, dict) and all(isinstance(claim.get(x), float) for x in ("lower", "upper"))
            if not finite or claim["lower"] == 0 or claim["evidence"] != "proved" or name == "rho":
                continue
            width = 1 + 2 * (claim["upper"] / claim["lower"] - 1)
            factor = max(width, 1 / width) * (1 + 10.0 ** rng.uniform(-7, 0))
            spoiled = json.loads(text)
            spoiled[where][name] = _moved(claim, factor if rng.random() < 0.5 else 1 / factor)
            found.append((f"{where}.{name}", spoiled))
    return found


def test_numbers_moved_out_of_their_enclosure_are_found(tmp_path: Path) -> None:
    rng, proofs, tried = np.random.default_rng(0), 0, 0
    seed = 10_000
    while proofs < TAMPERED:
        seed += 1
        certificate, path = written(seed, tmp_path)
        if not certificate.proved:
            continue
        proofs += 1
        for name, spoiled in _spoiled(json.loads(path.read_text()), rng):
            path.write_text(json.dumps(spoiled))
            tried += 1
            assert not verify(path).valid, f"seed {seed}: {name} was changed to {spoiled}"
    assert tried > 20 * TAMPERED


@pytest.mark.parametrize("kind", ["entry", "another run", "verdict", "renamed form", "renamed profile"])
def test_other_tamperings_are_found(tmp_path: Path, kind: str) -> None:
    rng, tried, seed, kept = np.random.default_rng(1), 0, 20_000, []
    while tried < TAMPERED:
        seed += 1
        certificate, path = written(seed, tmp_path)
        if not certificate.proved:
            continue
        tried += 1
        record = json.loads(path.read_text())
        if _tamper(kind, record, path, rng) and verify(path).valid:
            kept.append(seed)
    assert not kept, kept


def _at_the_end(record: dict[str, Any], profile: str) -> str:
    """F(S) of a profile from the claimed numbers, to five digits; "" where they do not determine it."""
    values = {q.symbol: record["quantities"].get(name) for name, q in quantities().items()}
    known = {symbol: (float(claim["lower"]) + float(claim["upper"])) / 2 for symbol, claim in values.items() if claim}
    expr = PROFILES[profile].F.subs(t, S)
    return f"{float(expr.subs(known)):.5g}" if expr.free_symbols <= set(known) else ""


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
def test_products_of_slices_are_exact_in_the_worst_case(levels: int) -> None:
    """Every slice as large as it may be, with one sign and odd entries, over the longest inner dimension."""
    top = 2**19 - 1
    size = sum(top * 2 ** (20 * level) for level in range(levels))
    shape, inner = (2, slices.INNER - 1), slices.INNER - 1
    slabs = {level: np.full(shape, float(top)) for level in range(levels)}
    matrix = slices.Matrix(shape, slabs, arb(0), 4096)
    with flint.ctx.workprec(2000):
        found = (matrix @ matrix.T).entries()
        assert all(entry == arb(inner * size * size) for entry in found)


def test_more_slices_than_stay_exact_are_refused() -> None:
    slabs = {level: np.ones((1, 1)) for level in range(slices.ADDED + 1)}
    matrix = slices.Matrix((1, 1), slabs, arb(0), 4096)
    with pytest.raises(ValueError, match="slices"):
        matrix @ matrix
