"""Certificates for the tests of the verifier: one computed by hand with mpmath, and ways to spoil one."""

from __future__ import annotations

import copy
import hashlib
import json
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

import mpmath as mp
import numpy as np

Record = dict[str, Any]


def _bound(value: Any, slack: float = 1e-8) -> Record:
    low, high = sorted((float(value * (1 - slack)), float(value * (1 + slack))))
    return {"lower": low, "upper": high, "evidence": "proved"}


def _point(value: float) -> Record:
    return {"lower": value, "upper": value, "evidence": "proved"}


def hand_made(folder: Path) -> Path:
    """A 1×1 problem in form residual, profile observation: every formula written out here with mpmath.

    A = (2), y = (1 + 1e-3)·Ag, u = (1), W = (½), V = (3), tanh, both layers, so k = 1 and J = (V φ'(a), φ(a)).
    """
    with mp.workdps(40):
        A, u, W, V = mp.mpf(2), mp.mpf(1), mp.mpf("0.5"), mp.mpf(3)
        phi, dphi = mp.tanh(W * u), 1 - mp.tanh(W * u) ** 2
        y = mp.mpf(float(A * V * phi * (1 + mp.mpf("1e-3"))))
        residual = abs(A * V * phi - y)
        inner, outer = abs(V * dphi), abs(phi)
        sigma = mp.sqrt(inner**2 + outer**2)
        B_1, B_2 = mp.mpf(1), 4 / (3 * mp.sqrt(3))
        gamma, rho = 0.03125, float(residual / (A * sigma) * mp.mpf("1.2"))

        def lipschitz(c: Any, b: Any) -> Any:
            return (B_2 * c + mp.sqrt((B_2 * c) ** 2 + 4 * b**2)) / 2

        ell, ell_A = lipschitz(V + rho, B_1), lipschitz(A * V + A * rho, A * B_1)
        blocks = mp.sqrt((A * V + A * rho) ** 2 + (A * (phi + rho)) ** 2)
        ball = min(A * sigma + ell_A * rho, blocks)
        # profile observation: F = s_A0 − ℓ_A t, so ℓ_e = ℓ_A, x = 0 and S is the smaller root of a quadratic
        F_0 = A * sigma
        S = (F_0 - mp.sqrt(F_0**2 - 2 * ell_A * residual)) / ell_A
        F_inf = F_0 - ell_A * S
        contraction = mp.log(1 - gamma * F_inf**2)
        loss = residual**2 / 2
        count = int(mp.ceil(mp.log(mp.mpf("1e-12") / loss) / (2 * contraction))) + 1
        quantities = {
            "norm_u": _point(1.0), "norm_A": _bound(A), "sigma_A": _bound(A), "sigma_J": _bound(sigma),
            "sigma_AJ": _bound(A * sigma), "norm_AJ": _bound(A * sigma), "norm_AJ_ball": _bound(ball),
            "lipschitz_J": _bound(ell), "lipschitz_AJ": _bound(ell_A), "c_0": _bound(V), "c_A0": _bound(A * V),
            "sigma_in": _bound(inner), "sigma_A_in": _bound(A * inner), "sigma_out": _bound(outer),
            "norm_phi": _bound(phi), "norm_V": _bound(A * V), "gamma": _point(gamma), "rho": _point(rho),
            "loss_0": _bound(loss), "psi_0": _bound(residual), "slope_e": _bound(ell_A),
            "x": {"lower": 0.0, "upper": 1e-9, "evidence": "proved"}, "S": _bound(S), "F_inf": _bound(F_inf),
            "lipschitz_grad": None,
        }  # fmt: skip
        hypotheses = [
            {"id": name, "statement": "", "verdict": "proved", "margin": None, "reason": ""}
            for name in ("rank", "loss", "start", "step", "injective", "H")
        ]
        record = {
            "format": "dipproofs-certificate", "version": 1, "verdict": "proved", "arithmetic": "proved",
            "form": "residual", "profile": "observation", "iteration": 7, "quantities": quantities,
            "hypotheses": hypotheses,
            "guarantees": {
                "distance_to_limit": _bound(residual / F_inf), "log_contraction_per_step": _bound(contraction),
                "iterations_to_loss": {"1e-12": count, "1e-300": None}, "early_stopping_iteration": None,
                "recovery_error": None,
            },
            "loss": {"kind": "squared", "scale": "half"},
            "network": {"kind": "two-layer", "activation": "tanh", "train": "both", "width": 1, "input_dimension": 1},
            "schedule": {"kind": "constant"}, "provenance": {},
        }  # fmt: skip
    arrays = {"A": [[2.0]], "y": [float(y)], "u": [1.0], "W": [[0.5]], "V": [[3.0]]}
    return write(folder, record, {key: np.array(value) for key, value in arrays.items()})


def write(folder: Path, record: Record, arrays: dict[str, np.ndarray] | None = None, *, mend: bool = True) -> Path:
    """Write a certificate; with ``arrays`` also its npz, and with ``mend`` its hash."""
    folder.mkdir(parents=True, exist_ok=True)
    record = copy.deepcopy(record)
    if arrays is not None:
        np.savez(folder / "arrays.npz", **arrays)
        if mend:
            digest = hashlib.sha256((folder / "arrays.npz").read_bytes()).hexdigest()
            record["arrays"] = {"file": "arrays.npz", "sha256": digest}
    path = folder / "certificate.json"
    path.write_text(json.dumps(record))
    return path


def load(path: Path) -> tuple[Record, dict[str, np.ndarray]]:
    """Read a certificate back."""
    record = json.loads(path.read_text())
    with np.load(path.parent / record["arrays"]["file"]) as file:
        return record, {key: file[key] for key in file.files}


def tampered(
    folder: Path,
    target: Path,
    change: Callable[[Record], Any] | None = None,
    arrays: Callable[[dict[str, np.ndarray]], Any] | None = None,
) -> Path:
    """Copy a saved certificate with another record, or with other arrays and the hashes that go with them."""
    record = json.loads((folder / "certificate.json").read_text())
    if change is not None:
        change(record)
    for part in (record, record.get("final")):
        if part is None:
            continue
        with np.load(folder / part["arrays"]["file"]) as file:
            content = dict(file)
        if arrays is not None:
            arrays(content)
        np.savez(target / part["arrays"]["file"], **content)
        part["arrays"]["sha256"] = hashlib.sha256((target / part["arrays"]["file"]).read_bytes()).hexdigest()
    (target / "certificate.json").write_text(json.dumps(record))
    return target / "certificate.json"


REMOVED = object()  # in place of a value: the place is not there


def set_at(*keys: Any, value: Any) -> Callable[[Record], None]:
    """Another value at a place of a record, or a function of the value there, or nothing (`REMOVED`)."""

    def change(record: Record) -> None:
        for key in keys[:-1]:
            record = record[key]
        if value is REMOVED:
            del record[keys[-1]]
        else:
            record[keys[-1]] = value(record[keys[-1]]) if callable(value) else value

    return change


def times(name: str, factor: float) -> Callable[[dict[str, np.ndarray]], None]:
    """An array times a number, where there is one."""

    def change(arrays: dict[str, np.ndarray]) -> None:
        if name in arrays:
            arrays[name] = arrays[name] * factor

    return change


def _edit(record: Record, change: Callable[[Record], Any]) -> Record:
    spoiled = copy.deepcopy(record)
    change(spoiled)
    return spoiled


_WEAK = ("estimated", "assumed", "PROVED", "", None, 0)
_NO_NUMBERS = ("nan", "NaN", None, True, [], "1.0", -(10**400), 10**400)
_FILES = ("../arrays.npz", "/etc/hostname", "", "a/arrays.npz", ".", "..", 3, None, "..\\arrays.npz", "a\0b")


def _scaled(claim: Record, *factors: float) -> list[Record]:
    return [{**claim, "lower": claim["lower"] * x, "upper": claim["upper"] * x} for x in factors]


def _places(record: Record) -> Iterator[tuple[tuple[Any, ...], Iterable[Any]]]:
    """The places of a proved certificate, each with values that make it claim something false."""
    for name, claim in record["quantities"].items():
        if claim is None or not isinstance(claim["upper"], float) or claim["lower"] == 0:
            continue
        if name != "rho":
            yield ("quantities", name), _scaled(claim, 0.98, 1.02)
        yield ("quantities", name, "evidence"), _WEAK
    for name in {"sigma_AJ", "gamma", "rho", "F_inf", "lipschitz_AJ", "loss_0"} & record["quantities"].keys():
        yield ("quantities", name), (REMOVED,)
        yield ("quantities", name, "lower"), (*_NO_NUMBERS, "inf")
        yield ("quantities", name, "upper"), (*_NO_NUMBERS, "-inf")
    gamma = record["quantities"]["gamma"]["upper"]
    yield ("quantities", "gamma"), [_point(gamma * factor) for factor in (1 + 1e-6, 1.5, 10.0)]
    yield ("verdict",), ("refuted", "undecided", "PROVED", None)
    for i, hypothesis in enumerate(record["hypotheses"]):
        yield ("hypotheses", i, "verdict"), ("refuted", "undecided", "yes")
        yield ("hypotheses", i), (REMOVED,)
        yield ("hypotheses",), ([*record["hypotheses"], hypothesis],)
        if hypothesis["id"] != "loss":
            yield ("hypotheses", i, "margin"), ({"lower": 1e3, "upper": 2e3, "evidence": "proved"},)
    yield ("form",), {"paper", "integral", "concave", "residual", "flow", ""} - {record["form"]}
    yield (
        ("profile",),
        {"paper", "row-space", "observation", "block", "block-observation", "none"} - {record["profile"]},
    )
    for key in ("verdict", "form", "profile", "quantities", "hypotheses", "guarantees", "loss", "network",
                "schedule", "iteration"):  # fmt: skip
        yield (key,), (REMOVED, 3.5)
    for key, *values in (("activation", "sigmoid", "relu"), ("train", "inner", "outer"), ("width", 17),
                         ("kind", "two-layer-synthesis"), ("output_offset", 0.25)):  # fmt: skip
        yield ("network", key), values
    yield ("loss", "kind"), ("huber", "nothing")
    yield ("loss", "scale"), ("sum", -1.0, "nan")
    for name in ("distance_to_limit", "log_contraction_per_step", "rate_exponent"):
        if claim := record["guarantees"].get(name):
            yield ("guarantees", name), _scaled(claim, 0.9, 1.1)
            yield ("guarantees", name, "evidence"), ("estimated", "assumed", "sampled", "Proved")
    counts = record["guarantees"]["iterations_to_loss"]  # more iterations are needed
    yield ("guarantees", "iterations_to_loss"), ({key: count and count // 2 for key, count in counts.items()},)
    yield ("final",), (3.5,)
    yield ("guarantees", "peace"), (_point(1.0),)
    yield ("quantities", "peace"), (_point(1.0),)
    yield ("guarantees", "recovery_error"), (_point(1e-9),)  # without x_true
    yield ("arithmetic",), ("estimated",)
    yield ("arrays", "sha256"), (hashlib.sha256(b"").hexdigest(),)
    yield ("arrays", "file"), _FILES


def tamperings(record: Record) -> Iterator[tuple[str, Record]]:
    """Every way to make the JSON of a proved certificate claim something false, with a name."""
    for place, values in _places(record):
        for value in values:
            yield f"{'.'.join(map(str, place))} = {str(value)[:40]}", _edit(record, set_at(*place, value=value))
    for i, hypothesis in enumerate(record["hypotheses"]):
        refuted = _edit(record, set_at("hypotheses", i, "verdict", value="refuted"))
        yield f"{hypothesis['id']} and the verdict: refuted", {**refuted, "verdict": "refuted"}
