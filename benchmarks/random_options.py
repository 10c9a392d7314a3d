"""Random problem files over all options: every promise of their certificates, and every option changed alone.

    python benchmarks/random_options.py --count 500 --seed 0

The descent is followed in extended precision (`numpy.longdouble`, written here anew) from the stored numbers: loss,
path, distance to the limit, iteration counts, early stopping, recovery. A quarter of the certificates is verified.
"""

from __future__ import annotations

import argparse
import dataclasses
import hashlib
import json
import tempfile
import time
from collections import Counter
from pathlib import Path
from typing import Any

import jax
import numpy as np

import dipproofs as dp
from dipproofs.certificate.write import save
from dipproofs.errors import InputError
from dipproofs.problems import load_problem
from dipproofs.verify import verify

L = np.longdouble
#: Below this loss the terms of Poisson and cross-entropy cancel to fewer than nine digits, also in this precision.
LAST = 1e-18
Sections = dict[str, dict[str, Any]]
LOSSES: dict[str, dict[str, Any]] = {
    "squared": {}, "log-cosh": {}, "huber": {"delta": 0.5}, "lp": {"p": 3.0}, "norm-power": {"p": 2.5},
    "poisson": {"background": 0.5}, "cross-entropy": {}, "custom": {"profile": "cosh(r) - 1", "radius": 20.0},
}  # fmt: skip
SLOPES = {
    "tanh": (np.tanh, lambda a: 1 - np.tanh(a) ** 2),
    "sin": (np.sin, np.cos),
    "sigmoid": (lambda a: 1 / (1 + np.exp(-a)), lambda a: np.exp(-a) / (1 + np.exp(-a)) ** 2),
    "softplus": (lambda a: np.log1p(np.exp(a)), lambda a: 1 / (1 + np.exp(-a))),
}


def drawn(rng: np.random.Generator) -> Sections:
    """Draw a problem file."""
    kind = str(rng.choice(list(LOSSES), p=[0.44, *[0.08] * 7]))
    limited = kind in ("poisson", "cross-entropy")
    operators = [
        {"kind": "gaussian", "rows": 3, "columns": 4, "condition_number": 2.0}, {"kind": "identity", "columns": 4},
        {"kind": "inpainting", "rows": 2, "columns": 4}, {"kind": "gaussian", "rows": 6, "columns": 4},
        {"kind": "dct", "rows": 3, "columns": 4},
    ]  # fmt: skip
    pick = 1 if limited else int(rng.integers(5)) if kind == "squared" else int(rng.choice([0, 1, 2, 4]))
    network = {
        "width": int(rng.choice([8, 96])), "input_dimension": 2, "activation": str(rng.choice(list(SLOPES))),
        "train": str(rng.choice(["both", "both", "both", "outer", "inner"])), "seed": int(rng.integers(99)),
        "outer_law": str(rng.choice(["uniform", "rademacher", "gaussian"])),
        "output_scale": 0.02 if limited else float(rng.choice([0.3, 1.0])),
        "output_offset": {"poisson": 1.0, "cross-entropy": 0.5}.get(kind, float(rng.choice([0.0, 0.25]))),
    }  # fmt: skip
    if kind == "squared" and rng.random() < 0.3:
        network |= {"kind": "two-layer-synthesis", "basis": "dct", "atoms": int(rng.integers(1, 3))}
    schedule = str(rng.choice(["constant", "constant", "constant", "polynomial", "cosine", "backtracking"]))
    descent = {
        "schedule": schedule, "max_iterations": int(rng.choice([0, 40, 400])), "tolerance": 1e-10,
        "stop": str(rng.choice(["tolerance", "guaranteed", "certified"])), "power": 0.5, "horizon": 5000,
        "dtype": "float64" if rng.random() < 0.85 else "float32",
    }  # fmt: skip
    if rng.random() < 0.4:
        descent["step"] = float(10.0 ** rng.uniform(-2.5, 0.3))
    sections: Sections = {
        "operator": {**operators[pick], "seed": int(rng.integers(99))},
        "noise": {"level": float(rng.choice([0.0, 0.05, 0.3])), "seed": int(rng.integers(99))},
        "network": network,
        "loss": {"kind": kind, **LOSSES[kind], "scale": float(rng.choice([0.5, 1.0, 2.0]))},
        "descent": descent,
        "certificate": {"form": str(rng.choice(["best", "best", "best", "concave", "integral", "residual", "paper"]))},
    }
    if limited:
        sections["signal"] = {"kind": "file", "path": "positive.npz" if kind == "poisson" else "probable.npz"}
        sections["noise"]["level"] = 0.01
    return sections


CHANGES: dict[tuple[str, str], Any] = {
    ("operator", "seed"): 1000, ("noise", "level"): 0.11, ("noise", "seed"): 1000, ("network", "seed"): 1000,
    ("network", "width"): 12, ("network", "outer_law"): ("uniform", "gaussian"), ("network", "output_scale"): 0.011,
    ("network", "output_offset"): 0.77, ("network", "activation"): ("tanh", "sin"),
    ("network", "train"): ("both", "outer"),
    ("loss", "scale"): 0.7, ("loss", "delta"): 0.6, ("loss", "p"): 4.0, ("loss", "background"): 0.7,
    ("loss", "radius"): 19.0,
    ("descent", "tolerance"): 1e-3, ("descent", "step"): 0.0123, ("descent", "schedule"): ("constant", "polynomial"),
    ("descent", "dtype"): ("float64", "float32"), ("certificate", "form"): ("concave", "integral"),
    ("certificate", "arithmetic"): ("proved", "estimated"),
}  # fmt: skip
#: What the other keys of the file make idle: no noise to draw, nothing or hardly anything at random, the best form.
IDLE = {
    ("noise", "seed"): lambda s: s["noise"]["level"] == 0,
    ("operator", "seed"): lambda s: s["operator"]["kind"] != "gaussian",
    ("certificate", "form"): lambda s: s["certificate"]["form"] == "best",
}


def changed(rng: np.random.Generator, sections: Sections) -> tuple[Sections, str] | None:
    """Change one key alone."""
    keys = [
        key for key in CHANGES
        if (key[1] in sections.get(key[0], {}) or key[1] in ("arithmetic", "step"))
        and not IDLE.get(key, lambda s: False)(sections)
    ]  # fmt: skip
    section, name = keys[int(rng.integers(len(keys)))]
    value, old = CHANGES[section, name], sections[section].get(name)
    if isinstance(value, tuple):
        value = value[1] if old == value[0] or (old is None and name == "arithmetic") else value[0]
    return {**sections, section: {**sections[section], name: value}}, f"{section}.{name}"


def out_of_sight(cert: Any, name: str) -> bool:
    """Whether a run that proves nothing never came to the tolerance that it was given instead."""
    if name != "descent.tolerance" or cert.proved or cert.run is None:
        return False
    return bool(np.min(cert.run.history.loss[:-1], initial=np.inf) > CHANGES["descent", "tolerance"])


def certificate_of(folder: Path, sections: Sections) -> tuple[Any, str]:
    """Build, certify; with a digest of all but the provenance."""
    path = folder / "problem.toml"
    lines: list[str] = []
    for name, keys in sections.items():
        lines += [f"[{name}]", *(f"{key} = {json.dumps(value)}" for key, value in keys.items())]
    path.write_text("\n".join(lines))
    built = load_problem(path).build()
    o, c = built.descent, built.certificate
    given = {f.name: getattr(o, f.name) for f in dataclasses.fields(o)}
    more = {k: given[k] for k in ("method", "momentum", "relative_tolerance") if given.get(k) is not None}
    made = dp.certify(
        built.problem, built.network, built.loss, o.step, o.schedule, o.max_iterations, o.tolerance, c.form,
        c.arithmetic, stop=o.stop, distance=c.distance, schedule_options=o.schedule_options, **more,
    )  # fmt: skip
    record = made.to_json()
    for one in (record, record.get("final", {})):
        one.pop("provenance", None)
    digest = hashlib.sha256(json.dumps(record, default=str).encode())
    for name, array in sorted(made.arrays.items()):
        digest.update(name.encode() + np.ascontiguousarray(array).tobytes())
    return made, digest.hexdigest()


class Descent:
    """Gradient descent in extended precision, from the arrays of a certificate."""

    def __init__(self, cert: Any, loss: dict[str, Any], projected: bool) -> None:
        a = {name: np.asarray(x, L) for name, x in cert.arrays.items()}
        self.A, self.y, self.u, self.W, self.V = (a[k].copy() for k in ("A", "y", "u", "W", "V"))
        self.B, self.o = a.get("B"), L(cert.network["output_offset"])
        self.loss, self.train = loss, cert.network["train"]
        self.phi, self.dphi = SLOPES[cert.network["activation"]]
        self.start = (self.W.copy(), self.V.copy())
        M = self.A if self.B is None else self.A @ self.B
        U, s, _ = np.linalg.svd(np.asarray(M, float), full_matrices=False)
        self.U = np.asarray(U[:, s > 1e-9 * s.max()], L) if projected else None

    def project(self, v: np.ndarray) -> np.ndarray:
        return v if self.U is None else self.U @ (self.U.T @ v)

    def signal(self) -> np.ndarray:
        h = self.V @ self.phi(self.W @ self.u) / np.sqrt(L(self.V.shape[1]))
        return (h if self.B is None else self.B @ h) + self.o

    def value_and_slope(self, v: np.ndarray) -> tuple[Any, np.ndarray]:
        p, c = self.loss, L(self.loss["scale"])
        r = v - self.y
        kind = p["kind"]
        if kind == "squared":
            r = self.project(r)
            return c * (r @ r), 2 * c * r
        if kind == "log-cosh":
            return c * np.sum(np.log1p(2 * np.sinh(r / 2) ** 2)), c * np.tanh(r)
        if kind == "huber":
            d = L(p["delta"])
            near = np.abs(r) <= d
            return c * np.sum(np.where(near, r * r / 2, d * np.abs(r) - d * d / 2)), c * np.clip(r, -d, d)
        if kind == "lp":
            q = L(p["p"])
            return c / q * np.sum(np.abs(r) ** q), c * np.sign(r) * np.abs(r) ** (q - 1)
        if kind == "norm-power":
            q, size = L(p["p"]), np.sqrt(r @ r)
            return c / q * size**q, c * size ** (q - 2) * r
        if kind == "poisson":
            w, y = v + L(p["background"]), self.y
            return c * np.sum(w - y - y * np.log1p((w - y) / y)), c * (1 - y / w)
        if kind == "cross-entropy":
            y = self.y
            value = -np.sum(y * np.log1p((v - y) / y) + (1 - y) * np.log1p((y - v) / (1 - y)))
            return c * value, c * (v - y) / (v * (1 - v))
        return c * np.sum(2 * np.sinh(r / 2) ** 2), c * np.sinh(r)

    def step(self, gamma: Any) -> tuple[Any, Any]:
        """One step; the loss before it, and its length."""
        k = np.sqrt(L(self.V.shape[1]))
        a = self.W @ self.u
        f, z = self.value_and_slope(self.A @ self.signal())
        g = self.A.T @ z
        g = (g if self.B is None else self.B.T @ g) / k
        grad_V, grad_W = np.outer(g, self.phi(a)), np.outer(self.dphi(a) * (self.V.T @ g), self.u)
        size = L(0)
        if self.train != "inner":
            self.V = self.V - gamma * grad_V
            size = size + np.sum(grad_V**2)
        if self.train != "outer":
            self.W = self.W - gamma * grad_W
            size = size + np.sum(grad_W**2)
        return f, gamma * np.sqrt(size)

    def distance(self) -> Any:
        return np.sqrt(np.sum((self.W - self.start[0]) ** 2) + np.sum((self.V - self.start[1]) ** 2))


def broken(cert: Any, schedule: Any, loss: dict[str, Any], steps: int = 300) -> tuple[list[str], int]:
    """Promises that the descent breaks, and how many were looked at."""
    found: list[str] = []
    looked = 0

    def promise(holds: Any, what: str) -> None:
        nonlocal looked
        looked += 1
        if not bool(holds):
            found.append(what)

    run = Descent(cert, loss, loss["kind"] == "squared")
    slack = L(1) + L(1e-9)
    recovery = cert.guarantees.extra.get("recovery") or {}
    x = None if "x_true" not in cert.arrays else np.asarray(cert.arrays["x_true"], L)

    def proved(bound: Any) -> bool:
        return bound is not None and str(bound.evidence) == "proved"

    error = cert.guarantees.recovery_error
    if x is not None and proved(error):
        promise(np.linalg.norm(run.signal() - x) <= L(error.upper) * slack + 1e-12, "recovery_error")
    stop, data = cert.guarantees.early_stopping_iteration, (recovery.get("early_stopping") or {}).get("data_error")

    def stopped() -> None:
        if x is not None and proved(data):
            miss = run.project(run.A @ run.signal() - run.A @ x)
            promise(np.sqrt(miss @ miss) <= L(data.upper) * slack + 1e-12, "early stopping")

    if stop == 0:
        stopped()
    if not cert.proved:
        return found, looked
    backtracking = cert.schedule["kind"] == "backtracking"
    gamma, t = L(cert.run.gamma if cert.run else cert.quantities["gamma"].upper), cert.iteration
    S, counts = L(cert.quantities["S"].upper), {float(k): n for k, n in cert.guarantees.iterations_to_loss.items()}
    path, last = L(0), None
    for i in range(steps):
        factor = L(1) if backtracking else L(float(schedule.factor(t + i)))
        if i and stop == i:
            stopped()
        f, length = run.step(gamma * factor)
        if i == 0 and not backtracking and f > LAST:
            promise(
                cert.quantities["loss_0"].lower <= f * slack and f <= L(cert.quantities["loss_0"].upper) * slack,
                "loss_0",
            )
        if last is not None and not backtracking:
            promise(f <= last * slack + LAST, "the loss decreases")
        last, path = f, path + length
        if backtracking:
            return found, looked
        for target, n in counts.items():
            if n == i:
                promise(f <= L(target) * slack, f"loss {target:g} after {n}")
        if f < LAST or factor == 0:
            break
    promise(path <= S * slack + 1e-12, "path ≤ S")
    far = cert.guarantees.distance_to_limit
    if far is not None:
        promise(run.distance() <= L(far.upper) * slack + 1e-9, "distance to the limit")
    return found, looked


def main() -> None:
    """Run the search and print the counts."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--count", type=int, default=500)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--minutes", type=float, default=10.0, help="of CPU, at most")
    options = parser.parse_args()
    jax.config.update("jax_enable_x64", True)
    rng, counts, problems = np.random.default_rng(options.seed), Counter[str](), []
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        np.savez(folder / "positive.npz", x_true=np.array([1.2, 0.9, 1.1, 1.0]))
        np.savez(folder / "probable.npz", x_true=np.array([0.52, 0.45, 0.5, 0.55]))
        while counts["certificates"] < options.count and time.process_time() < 60 * options.minutes:
            sections = drawn(rng)
            try:
                cert, digest = certificate_of(folder, sections)
            except InputError as error:
                counts["refused"] += 1
                counts[f"refused: {str(error).split(':')[1].strip()}"] += 1
                continue
            counts["certificates"] += 1
            counts[f"verdict {cert.verdict}"] += 1
            counts[f"form {cert.form}, profile {cert.profile}"] += cert.proved
            for one in {id(c): c for c in (cert, cert.later) if c is not None}.values():
                one = dataclasses.replace(one, run=cert.run)
                found, looked = broken(one, cert.run.schedule, sections["loss"])
                counts["promises"] += looked
                problems += [(what, sections) for what in found]
            if counts["certificates"] % 4 == 0:
                checked = verify(save(cert, folder / "out"))
                counts["verified"] += checked.valid
                problems += [(f"verify: {f}", sections) for f in checked.findings[:1]]
            if counts["certificates"] % 2 == 0 and (other := changed(rng, sections)) is not None:
                try:
                    same = certificate_of(folder, other[0])[1] == digest
                    unseen = same and out_of_sight(cert, other[1])
                    effect = (
                        "a tolerance far below the run" if unseen else "no effect" if same else "another certificate"
                    )
                    counts[f"changed alone: {effect}"] += 1
                    problems += [(f"{other[1]} has no effect", sections)] if same and not unseen else []
                except InputError:
                    counts["changed alone: refused"] += 1
            jax.clear_caches() if counts["certificates"] % 200 == 0 else None
    for key, number in sorted(counts.items()):
        print(f"{number:6d}  {key}")
    print(f"{len(problems):6d}  problems")
    grouped: dict[str, Counter[str]] = {}
    for what, sections in problems:
        grouped.setdefault(json.dumps(sections), Counter())[what] += 1
    for file, broken_there in grouped.items():
        print("   ", dict(broken_there), file)


if __name__ == "__main__":
    main()
