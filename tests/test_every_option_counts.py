"""Every key of a problem file: changed alone, it changes what is certified, or it is refused.

A key without a case here fails `test_every_key_has_a_case`: add one line to `CASES` (or, for keys that are documented
as without effect, to `WITHOUT_EFFECT`).
"""

from __future__ import annotations

import dataclasses
import hashlib
import json
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

import dipproofs as dp
from dipproofs.certify.at_iterate import exact_arrays
from dipproofs.command import certified
from dipproofs.errors import InputError
from dipproofs.problems import OPERATORS, SIGNALS, load_problem
from dipproofs.problems.network_options import NETWORKS
from dipproofs.problems.noise import NoiseOptions
from dipproofs.problems.run_options import CertificateOptions, DescentOptions, LossOptions

REFUSED = "refused"
Sections = dict[str, dict[str, Any]]
KINDS: dict[str, Any] = {"operator": OPERATORS, "signal": SIGNALS, "network": NETWORKS}
SINGLE = {"noise": NoiseOptions, "loss": LossOptions, "descent": DescentOptions, "certificate": CertificateOptions}

SMALL: Sections = {
    "operator": {"kind": "gaussian", "rows": 3, "columns": 4},
    "network": {"width": 24, "input_dimension": 2},
    "descent": {"max_iterations": 12},
}
PICTURE: Sections = {"signal": {"kind": "image", "name": "shepp-logan", "shape": [4, 4]}}
DATA: Sections = {"operator": {"kind": "file", "path": "op.npz"}, "signal": {"kind": "none"}}
NOISY: Sections = {"noise": {"level": 0.3}}
POSITIVE: Sections = {
    "operator": {"kind": "identity", "columns": 3},
    "signal": {"kind": "file", "path": "positive.npz"},
    "network": {"output_offset": 2.0, "output_scale": 0.01},
}
ATOMS: Sections = {"network": {"kind": "two-layer-synthesis", "basis": "dct", "atoms": 2}}

GRID: Sections = {"signal": {"kind": "image", "name": "shepp-logan", "shape": [8, 8]}}
CHANNELS = {"channels": 2, "input_channels": 2}
FOURIER, SCALES = {"fourier_features": 6, "activation": "tanh"}, {"scales": 1, "upsample": "nearest"}
DENSE = {"output": "none", "seed": 4, "width": 5, "depth": 3}
FILTERS = {
    "output": "none", "seed": 4, "channels": 3, "kernel": 5, "activation": "tanh", "normalise": "none",
    "input_channels": 3,
}  # fmt: skip

#: Documented as accepted and without effect where nothing is random.
WITHOUT_EFFECT = {("operator", kind, "seed") for kind in ("identity", "blur", "tomography", "file")}
WITHOUT_EFFECT |= {("signal", kind, "seed") for kind in ("image", "file", "data", "none")}

#: (section, kind, key): what else the problem file says, the key's other value, and perhaps `REFUSED`.
CASES: dict[tuple[str, str, str], tuple[Any, ...]] = {
    ("operator", "gaussian", "rows"): ({}, 2),
    ("operator", "gaussian", "columns"): ({}, 5),
    ("operator", "gaussian", "condition_number"): ({}, 3.0),
    ("operator", "gaussian", "seed"): ({}, 7),
    ("operator", "identity", "columns"): ({"operator": {"columns": 3}}, 4),
    ("operator", "identity", "rows"): ({"operator": {"columns": 3}}, 4, REFUSED),
    ("operator", "blur", "columns"): (PICTURE, 9, REFUSED),
    ("operator", "blur", "rows"): (PICTURE, 9, REFUSED),
    ("operator", "blur", "kernel"): (PICTURE, "uniform"),
    ("operator", "blur", "sigma"): (PICTURE, 0.5),
    ("operator", "blur", "radius"): (PICTURE, 1),
    ("operator", "blur", "boundary"): (PICTURE, "periodic"),
    ("operator", "inpainting", "rows"): ({"operator": {"columns": 6, "rows": 3}}, 4),
    ("operator", "inpainting", "columns"): ({"operator": {"columns": 6, "rows": 3}}, 5),
    ("operator", "inpainting", "seed"): ({"operator": {"columns": 6, "rows": 3}}, 5),
    ("operator", "inpainting", "mask"): ({**PICTURE, "operator": {"mask": "mask.png"}}, "other.png"),
    ("operator", "inpainting", "key"): ({"operator": {"mask": "masks.npz", "key": "one"}}, "two"),
    ("operator", "tomography", "columns"): (PICTURE, 9, REFUSED),
    ("operator", "tomography", "rows"): (PICTURE, 9, REFUSED),
    ("operator", "tomography", "angles"): (PICTURE, 3),
    ("operator", "tomography", "detectors"): ({**PICTURE, "operator": {"angles": 3}}, 5),
    ("operator", "tomography", "scale"): (PICTURE, 0.5),
    ("operator", "file", "path"): (DATA, "op2.npz"),
    ("operator", "file", "key"): ({**DATA, "operator": {"path": "op.npz"}}, "A2"),
    ("operator", "file", "rows"): (DATA, 9, REFUSED),
    ("operator", "file", "columns"): (DATA, 9, REFUSED),
    **{
        ("operator", kind, key): ({"operator": {"columns": 9, "rows": 4}}, value)
        for kind in ("dct", "fourier")
        for key, value in (("rows", 6), ("columns", 16), ("selection", "low"), ("seed", 5))
    },
    ("signal", "gaussian", "shape"): ({}, [2, 2]),
    ("signal", "gaussian", "seed"): ({}, 9),
    ("signal", "image", "shape"): ({"operator": {"kind": "identity"}, **PICTURE}, [5, 5]),
    ("signal", "image", "name"): ({"operator": {"kind": "identity"}, **PICTURE}, "camera"),
    ("signal", "image", "path"): (
        {"operator": {"kind": "identity"}, "signal": {"kind": "image", "path": "a.png", "shape": [4, 4]}}, "mask.png",
    ),
    ("signal", "file", "shape"): ({"signal": {"path": "x.npz"}}, [2, 2]),
    ("signal", "file", "path"): ({"signal": {"path": "x.npz"}}, "x2.npz"),
    ("signal", "file", "key"): ({"signal": {"path": "x.npz"}}, "other"),
    ("signal", "data", "shape"): ({"signal": {"path": "y.npz"}}, [2, 2]),
    ("signal", "data", "path"): ({"signal": {"path": "y.npz"}}, "y2.npz"),
    ("signal", "data", "key"): ({"signal": {"path": "y.npz"}}, "other"),
    ("signal", "none", "shape"): (DATA, [2, 2]),
    ("noise", "", "level"): ({}, 0.1),
    ("noise", "", "seed"): (NOISY, 5),
    ("noise", "", "norm"): (DATA, 0.4),
    **{
        ("network", kind, key): ({} if kind == "two-layer" else ATOMS, value)
        for kind in ("two-layer", "two-layer-synthesis")
        for key, value in (
            ("activation", "sin"), ("train", "outer"), ("output_offset", 0.5), ("width", 12), ("input_dimension", 3),
            ("seed", 8), ("outer_law", "gaussian"), ("output_scale", 2.0),
        )
    },
    ("network", "two-layer-synthesis", "basis"): ({**PICTURE, "operator": {"kind": "identity"}, **ATOMS}, "haar"),
    ("network", "two-layer-synthesis", "atoms"): (ATOMS, 3),
    ("network", "two-layer-synthesis", "path"): (
        {"network": {"kind": "two-layer-synthesis", "basis": "file", "path": "B.npz"}}, "B2.npz",
    ),
    **{
        ("network", kind, key): ({"operator": {"kind": "identity"}, **GRID, "network": {"kind": kind, **small}}, value)
        for kind, small, keys in (
            ("mlp", {"width": 4, "depth": 2, "fourier_features": 4}, {**DENSE, **FOURIER}),
            ("siren", {"width": 4, "depth": 2}, {**DENSE, "omega": 12.0}),
            ("convolutional", {**CHANNELS, "depth": 2}, {**FILTERS, "depth": 3}),
            ("decoder", CHANNELS, {**FILTERS, **SCALES}),
            ("skip", {**CHANNELS, "skip_channels": 1}, {**FILTERS, **SCALES, "skip_channels": 2}),
        )
        for key, value in keys.items()
    },
    ("network", "graph", "path"): (
        {"operator": {"kind": "identity"}, **GRID, "network": {"kind": "graph", "path": "graph.json"}}, "graph2.json",
    ),
    ("network", "file", "activation"): ({"network": {"path": "net.npz"}}, "sin"),
    ("network", "file", "train"): ({"network": {"path": "net.npz"}}, "outer"),
    ("network", "file", "output_offset"): ({"network": {"path": "net.npz"}}, 0.5),
    ("network", "file", "path"): ({"network": {"path": "net.npz"}}, "net2.npz"),
    ("loss", "", "kind"): ({}, "log-cosh"),
    ("loss", "", "scale"): ({}, 0.25),
    ("loss", "", "delta"): ({"loss": {"kind": "huber", "delta": 0.5}}, 0.7),
    ("loss", "", "p"): ({"loss": {"kind": "lp", "p": 3.0}}, 4.0),
    ("loss", "", "background"): ({**POSITIVE, "loss": {"kind": "poisson"}}, 0.3),
    ("loss", "", "profile"): ({"loss": {"kind": "custom", "profile": "cosh(r) - 1"}}, "r**2/2 + r**4"),
    ("loss", "", "radius"): ({"loss": {"kind": "custom", "profile": "cosh(r) - 1"}}, 30.0),
    ("descent", "", "method"): ({"descent": {"step": 0.05}}, "heavy-ball"),
    ("descent", "", "momentum"): ({"descent": {"step": 0.05, "method": "heavy-ball"}}, 0.5),
    ("descent", "", "beta2"): ({"descent": {"method": "adam"}}, 0.99),
    ("descent", "", "epsilon"): ({"descent": {"method": "adam"}}, 1e-3),
    ("descent", "", "claim_horizon"): ({"descent": {"method": "adam"}}, 50),
    ("descent", "", "polish"): ({}, "gauss-newton", REFUSED),
    ("descent", "", "relative_tolerance"): ({}, 0.5),
    ("descent", "", "step"): ({}, 0.01),
    ("descent", "", "schedule"): ({"descent": {"step": 0.01}}, "polynomial"),
    ("descent", "", "max_iterations"): ({}, 5),
    ("descent", "", "tolerance"): ({}, 0.5),
    ("descent", "", "power"): ({"descent": {"step": 0.01, "schedule": "polynomial"}}, 0.25),
    ("descent", "", "horizon"): ({"descent": {"step": 0.01, "schedule": "cosine"}}, 40),
    ("descent", "", "stop"): (NOISY, "guaranteed"),
    ("descent", "", "dtype"): ({}, "float32"),
    ("certificate", "", "form"): ({}, "integral"),
    ("certificate", "", "arithmetic"): ({}, "estimated"),
    ("certificate", "", "distance"): (
        {**DATA, "network": {"kind": "two-layer-synthesis", "basis": "file", "path": "B.npz"}}, 0.5,
    ),
}  # fmt: skip
#: Sections that come into their own in a run only.
RUN = ("descent", "certificate")


def _keys() -> list[tuple[str, str, str]]:
    found = [
        (section, kind, item.name)
        for section, registry in KINDS.items()
        for kind, options in registry.items()
        for item in dataclasses.fields(options)
    ]
    return found + [(section, "", item.name) for section, cls in SINGLE.items() for item in dataclasses.fields(cls)]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Files that the cases name."""
    path, rng = tmp_path_factory.mktemp("options"), np.random.default_rng(0)
    A, B = rng.standard_normal((3, 4)), rng.standard_normal((4, 2))
    np.savez(path / "op.npz", A=A, A2=A + 1, y=np.ones(3))
    np.savez(path / "op2.npz", A=2 * A, y=np.ones(3))
    np.savez(path / "B.npz", B=B)
    np.savez(path / "B2.npz", B=B + 1)
    np.savez(path / "positive.npz", x_true=np.array([2.0, 2.1, 1.9]))
    for name, shift in (("x.npz", 0.0), ("x2.npz", 1.0)):
        np.savez(path / name, x_true=np.arange(4.0) + shift, other=np.ones(4))
    for name, shift in (("y.npz", 0.0), ("y2.npz", 1.0)):
        np.savez(path / name, y=np.arange(3.0) + shift, other=np.ones(3))
    for name, seed in (("net.npz", 1), ("net2.npz", 2)):
        net = dp.TwoLayer.init(n=4, width=8, input_dimension=2, seed=seed)
        np.savez(path / name, u=net.u, W=net.W, V=net.V)
    for name, seed in (("graph.json", 1), ("graph2.json", 2)):
        dp.MLP.init((8, 8), width=3, depth=1, fourier_features=2, seed=seed).save(path / name)
    np.savez(path / "masks.npz", one=np.array([1, 0, 1, 1]), two=np.array([1, 1, 0, 1]))
    for name, seed in (("a.png", 1), ("mask.png", 2), ("other.png", 3)):
        pixels = (np.random.default_rng(seed).random((4, 4)) > 0.5).astype(np.uint8) * 255
        Image.fromarray(pixels).save(path / name)
    return path


class _Silent:
    """Progress that nobody sees."""

    def expect(self, *_: Any) -> None: ...
    def running(self, *_: Any) -> None: ...
    def certified(self, *_: Any) -> None: ...


def _toml(sections: Sections) -> str:
    return "\n".join(
        f"[{name}]\n" + "\n".join(f"{key} = {json.dumps(value)}" for key, value in keys.items())
        for name, keys in sections.items()
    )


def _merged(base: Sections, more: Sections) -> Sections:
    """Sections of ``more`` over those of ``base``; a section of another kind replaces the one of the base."""
    result = {name: dict(keys) for name, keys in base.items()}
    for name, keys in more.items():
        other = name in KINDS and keys.get("kind", result.get(name, {}).get("kind")) != result.get(name, {}).get("kind")
        keep = {} if other and name != "network" else result.get(name, {})
        result[name] = {**keep, **keys}
    return result


def _fingerprint(folder: Path, sections: Sections, run: bool) -> str:
    return _fingerprint_of(folder, _toml(sections), run)


@cache
def _fingerprint_of(folder: Path, text: str, run: bool) -> str:
    """What is certified: exact arrays, network, loss, noise, pictures; and the whole certificate of a run."""
    path = folder / "problem.toml"
    path.write_text(text, encoding="utf-8")
    spec = load_problem(path)
    built = spec.build()
    problem = built.problem
    described = [built.network.describe(), built.loss.to_json(), problem.noise_norm, problem.image_shape]
    digest = hashlib.sha256(json.dumps(described, default=str).encode())
    for name, array in sorted(exact_arrays(problem, built.network).items()):
        digest.update(f"{name}{array.dtype}{array.shape}".encode() + np.ascontiguousarray(array).tobytes())
    if run:
        certificate = certified(spec, built, _Silent())  # type: ignore[arg-type]
        record = certificate.to_json()
        record.pop("provenance")
        record.get("final", {}).pop("provenance", None)
        digest.update(json.dumps(record, default=str).encode())
    return digest.hexdigest()


def test_every_key_has_a_case() -> None:
    missing = [key for key in _keys() if key not in CASES and key not in WITHOUT_EFFECT]
    assert not missing, f"keys without a case: {missing}"
    assert not [key for key in CASES if key not in _keys()]


@pytest.mark.parametrize("case", CASES, ids=lambda case: ".".join(part for part in case if part))
def test_a_key_changed_alone_counts(case: tuple[str, str, str], folder: Path) -> None:
    (section, kind, key), (more, other, *refused) = case, CASES[case]
    base = _merged(SMALL, {section: {"kind": kind}} if kind else {})
    if section == "network" and not kind.startswith("two-layer"):
        base["network"] = {"kind": kind}
    base = _merged(base, more)
    run = section in RUN or key == "norm"
    before = _fingerprint(folder, base, run)
    changed = _merged(base, {section: {key: other}})
    if refused:
        with pytest.raises(InputError, match=key):
            _fingerprint(folder, changed, run)
    else:
        assert _fingerprint(folder, changed, run) != before
