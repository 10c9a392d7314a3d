"""The certificate file, read without trusting it: JSON, arrays, claimed enclosures (docs/reference/certificate.md).

Nothing is computed here. `certify.save` writes the format; `verify` reads it through this module.
"""

from __future__ import annotations

import hashlib
import json
import math
import sys
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, cast

import numpy as np
from flint import arb

from dipproofs.certificate.format import FORMAT, LARGEST_COUNT, VERSION, VERSIONS
from dipproofs.certificate.stored import PREFIX
from dipproofs.certificate.structure import operator_of
from dipproofs.theory import PROFILES, architectures
from dipproofs.theory.architectures import FORMATS, NetworkFormat
from dipproofs.theory.forms import STATED_FORMS

EVIDENCE = ("proved", "assumed", "sampled", "estimated")
VERDICTS = ("proved", "refuted", "undecided")
#: Quantities that a proof states, but for those that its form does not use; the second lot, where its architecture
#: has them.
STATED = {
    "sigma_A", "norm_A", "sigma_AJ", "norm_AJ", "norm_AJ_ball", "lipschitz_AJ", "lipschitz_grad", "gamma", "q", "omega",
    "rate", "loss_0", "psi_0", "rho", "S", "F_inf",
}  # fmt: skip
STATED_BY_SOME = architectures.STATED
UNUSED = {"residual": {"lipschitz_grad", "q", "omega", "rate"}}


@dataclass(frozen=True)
class Claim:
    """A claimed enclosure: two ends, exact floats or infinite, and the evidence for it."""

    lower: arb
    upper: arb
    evidence: str

    @classmethod
    def parse(cls, value: Any, name: str = "") -> Claim:
        """Read {"lower", "upper", "evidence"}; ``name`` is put before what is wrong with it.

        Raises:
            ValueError: anything else, or ends in the wrong order.
        """
        if not isinstance(value, dict) or not {"lower", "upper", "evidence"} <= set(value):
            raise ValueError(f"{name}found {_short(value)}, expected an object with lower, upper and evidence")
        high = _end(value["upper"], "inf", name)
        low = _end(value["lower"], "-inf" if high.is_finite() or value["lower"] == "-inf" else "inf", name)
        if not low <= high:
            raise ValueError(f"{name}found lower {value['lower']} above upper {value['upper']}")
        if value["evidence"] not in EVIDENCE:
            raise ValueError(f"{name}found evidence {_short(value['evidence'])}, expected one of {', '.join(EVIDENCE)}")
        return cls(low, high, value["evidence"])

    def holds(self, truth: arb, least: float = -math.inf) -> bool:
        """Whether every number of the recomputed ball that is at least ``least`` is between the ends.

        A claim from ``least`` to infinity says nothing, and holds also where the verifier's own bound is not finite.
        """
        if self.lower <= least and self.upper == arb.pos_inf():
            return True
        return bool((self.lower <= least or self.lower <= truth) and truth <= self.upper)

    def __str__(self) -> str:
        return f"[{float(self.lower):.10g}, {float(self.upper):.10g}]"


def _short(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 60 else text[:57] + "..."


def _end(value: Any, infinite: str, name: str) -> arb:
    # the string of the other infinity is no end; a number that overflows a float is refused as well
    if value == infinite and isinstance(value, str):
        return arb.pos_inf() if infinite == "inf" else arb.neg_inf()
    if is_number(value):
        return arb(value)
    raise ValueError(f"{name}found {_short(value)}, expected a finite number or '{infinite}'")


_LARGEST_JSON, _LARGEST_ARRAY = 2**26, 2**33
#: The state of a method, and how many iterations Adam has made.
STATE, STATE_KINDS, STEPS = "state/", ("velocity", "m", "v"), "state/t"
#: Names of the dimensions of the arrays that every certificate has, and of those that it may have.
_ALWAYS, _PERHAPS = {"A": ("m", "n"), "y": ("m",)}, {"x_true": ("n",)}


class Unreadable(Exception):
    """The certificate or its arrays cannot be read at all; the command line exits with code 2."""


@dataclass
class Document:
    """A certificate as read.

    Args:
        record: the JSON object. version: of the file's format.
        arrays: by key, as float64 (an exact conversion), or empty if they are unusable; A may be `SelectedRows`.
        findings: what is wrong with the arrays.
        malformed: what is wrong with the record, so that it cannot be examined.
    """

    record: Mapping[str, Any]
    version: int = VERSION
    arrays: dict[str, np.ndarray] = field(default_factory=dict)
    findings: list[str] = field(default_factory=list)
    malformed: list[str] = field(default_factory=list)


def read(path: Path) -> Document:
    """Read a certificate.

    Raises:
        Unreadable: no such file, no JSON, another format or version.
    """
    try:
        if path.stat().st_size > _LARGEST_JSON:
            raise Unreadable(f"{path.name}: found {path.stat().st_size} bytes, expected at most {_LARGEST_JSON}")
        record = json.loads(path.read_bytes(), parse_constant=_refuse, object_pairs_hook=_unique)
    except UnicodeDecodeError:
        raise Unreadable(f"{path.name}: found a file that is no text, expected a certificate in JSON") from None
    except OSError as error:
        why = (error.strerror or str(error)).lower()
        raise Unreadable(f"{path.name}: {why}, expected a certificate as certify --out writes it") from None
    except (ValueError, RecursionError) as error:
        raise Unreadable(f"{path.name}: expected a certificate in JSON; {error}") from None
    if not isinstance(record, dict):
        raise Unreadable(f"{path.name}: found a JSON {type(record).__name__}, expected an object")
    format, version = record.get("format"), record.get("version")
    if format != FORMAT or version not in VERSIONS or isinstance(version, bool):
        expected = f"{FORMAT!r} {' or '.join(map(str, VERSIONS))}"
        raise Unreadable(f"{path.name}: found format {format!r} version {version!r}, expected {expected}")
    return with_arrays(record, path.parent, version)


def _refuse(name: str) -> Any:
    raise ValueError(f"found the number {name}, expected finite numbers or the string 'inf'")


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    result = dict(pairs)
    if len(result) != len(pairs):
        raise ValueError("found a key twice in one object")
    return result


def with_arrays(record: Mapping[str, Any], folder: Path, version: int) -> Document:
    """Attach the arrays that a record of a version names; they must lie beside it."""
    document, entry = Document(record, version), record.get("arrays")
    if record.get("version") is not version:
        document.findings.append(f"version: found {record.get('version')!r}, expected {version}")
    if not isinstance(entry, dict):
        entry = {}
    name = entry.get("file")
    if not isinstance(name, str) or not name or Path(name).name != name or "\\" in name or "\0" in name:
        document.findings.append(
            f"arrays.file: found {name!r}, expected the plain name of a file beside the certificate"
        )
        return document
    network = record.get("network")
    kind = network.get("kind") if isinstance(network, dict) else None
    form = FORMATS.get(kind) if isinstance(kind, str) else None
    if form is None:
        document.malformed = [f"network.kind: found {kind!r}, expected {' or '.join(FORMATS)}"]
        return document
    try:
        with open(folder / name, "rb") as file:
            digest = hashlib.file_digest(file, "sha256").hexdigest()
        document.arrays, problems = _load(folder / name, form)
    except Exception as error:  # what a spoiled archive raises is not foreseeable: lzma, zip, the header's syntax
        raise Unreadable(f"{name}: expected the arrays of a certificate; {error}") from None
    if digest != entry.get("sha256"):
        document.findings.append(f"arrays.sha256: found {digest}, expected {entry.get('sha256')!r}: other bytes")
    if not problems:
        document.arrays, problems = _with_matrix(document.arrays, record.get("operator"), form)
    document.findings += problems
    if problems:
        document.arrays = {}
    document.malformed = _malformed(record, document.arrays, form)
    return document


def _malformed(record: Mapping[str, Any], arrays: Mapping[str, np.ndarray], form: NetworkFormat) -> list[str]:
    """Values of the wrong type, or none of the format's."""
    types = {
        "quantities": dict,
        "hypotheses": list,
        "guarantees": dict,
        "loss": dict,
        "network": dict,
        "schedule": dict,
    }
    found = [
        f"{key}: found {type(record.get(key)).__name__}, expected {kind.__name__}"
        for key, kind in types.items() if not isinstance(record.get(key), kind)
    ]  # fmt: skip
    network = record["network"] if isinstance(record.get("network"), dict) else {}
    choices: list[tuple[Mapping[str, Any], str, tuple[object, ...]]] = [
        (record, "verdict", VERDICTS),
        (record, "form", (*STATED_FORMS,)),
        (record, "profile", tuple(PROFILES)),
        (record, "arithmetic", ("proved", "estimated")),
    ]
    choices += [(network, key, valid) for key, valid in form.options.items()]
    sizes = _sizes(arrays, form)
    choices += [(network, key, (sizes[name],)) for key, name in form.sizes.items() if name in sizes]
    for where, key, valid in choices:
        if (value := where.get(key)) not in valid or isinstance(value, bool):
            found.append(f"{key}: found {value!r}, expected {' or '.join(map(str, valid))}")
    for key in form.numbers:
        if not is_number(number := network.get(key, 0.0)):
            found.append(f"network.{key}: found {number!r}, expected a finite number")
    if not is_count(record.get("iteration")):
        found.append(f"iteration: found {record.get('iteration')!r}, expected an integer ≥ 0")
    return found


def is_number(value: Any) -> bool:
    """Whether a JSON value is a number (and no boolean) in the range of floats."""
    return isinstance(value, int | float) and not isinstance(value, bool) and abs(value) <= sys.float_info.max


def is_count(value: Any) -> bool:
    """Whether a JSON value is an integer ≥ 0 (and no boolean)."""
    return isinstance(value, int) and not isinstance(value, bool) and 0 <= value < LARGEST_COUNT


def _about(key: str) -> str:
    """What a key is about: the state of a method has the arrays of the parameters, ``state/KIND/NAME``."""
    kind, _, name = key.removeprefix(STATE).partition("/")
    return name if key.startswith(STATE) and kind in STATE_KINDS and name else key


def _array(archive: zipfile.ZipFile, info: zipfile.ZipInfo) -> np.ndarray:
    with archive.open(info) as stream:
        return np.lib.format.read_array(stream, allow_pickle=False)


def _load(path: Path, form: NetworkFormat) -> tuple[dict[str, np.ndarray], list[str]]:
    arrays, problems = {}, []
    known = {**_ALWAYS, **_PERHAPS, **form.arrays}
    with zipfile.ZipFile(path) as archive:
        for info in archive.infolist():
            key = info.filename.removesuffix(".npy")
            bare = _about(key)
            part, free = key.startswith(PREFIX), bare.startswith(form.prefixes) or (bare != key and bool(form.prefixes))
            if key == STEPS and key not in arrays:
                counted = _array(archive, info)
                if counted.shape == () and counted.dtype.kind in "iu":
                    arrays[key] = counted.astype(np.int64)
                else:
                    problems.append(f"arrays.{key}: found {counted.dtype}, expected one integer")
                continue
            if (bare not in known and not part and not free) or key in arrays:
                expected = ", ".join((*known, *(f"{prefix}…" for prefix in form.prefixes)))
                problems.append(f"arrays: found the entry {info.filename!r}, expected one each of {expected}")
                continue
            with archive.open(info) as stream:
                shape, dtype = _header(stream, info)
            if dtype == np.int64 and ((part and len(shape) == 1) or key.startswith(form.integers)):
                arrays[key] = _array(archive, info)
                continue
            ndim = len(shape) if free or (part and len(shape) in (1, 2)) else len(known.get(bare, "mn"))
            if dtype.kind != "f" or dtype.itemsize not in (4, 8) or len(shape) != ndim or 0 in shape:
                expected = f"float32 or float64, {ndim}-D, not empty"
                problems.append(f"arrays.{key}: found {dtype} of shape {shape}, expected {expected}")
                continue
            array = _array(archive, info)
            if not np.isfinite(array).all():
                problems.append(f"arrays.{key}: found entries that are not finite, expected finite numbers")
            arrays[key] = np.asarray(array, dtype=np.float64, order="C")
    return arrays, problems


def _with_matrix(
    arrays: dict[str, np.ndarray], described: Any, form: NetworkFormat
) -> tuple[dict[str, np.ndarray], list[str]]:
    """Put the matrix of a described operator in the place of its parts."""
    parts = {key.removeprefix(PREFIX): array for key, array in arrays.items() if key.startswith(PREFIX)}
    if described is None and not parts:
        return arrays, _shape_problems(arrays, form)
    if "A" in arrays:
        return arrays, ["operator: found a structure beside the matrix A, expected one of them"]
    try:
        matrix = operator_of(described, parts)
    except ValueError as error:
        return arrays, [str(error)]
    arrays = {key: array for key, array in arrays.items() if not key.startswith(PREFIX)} | {
        "A": cast("np.ndarray", matrix)
    }
    return arrays, _shape_problems(arrays, form)


def _header(stream: Any, info: zipfile.ZipInfo) -> tuple[tuple[int, ...], np.dtype]:
    version = np.lib.format.read_magic(stream)
    read_header = np.lib.format.read_array_header_1_0 if version == (1, 0) else np.lib.format.read_array_header_2_0
    shape, _, dtype = read_header(stream)
    size = math.prod(shape) * dtype.itemsize
    if dtype.hasobject or size > _LARGEST_ARRAY or info.file_size != stream.tell() + size:
        raise ValueError(f"{info.filename}: a pickled array, or a size of {size} bytes that cannot be")
    return shape, dtype


def _sizes(arrays: Mapping[str, np.ndarray], form: NetworkFormat) -> dict[str, int]:
    """The dimensions by name, as the arrays have them in the order of the format."""
    sizes: dict[str, int] = {}
    for key, names in {**_ALWAYS, **form.arrays}.items():
        if key in arrays:
            sizes |= {name: size for name, size in zip(names, arrays[key].shape) if name not in sizes}
    return sizes


def _shape_problems(arrays: Mapping[str, np.ndarray], form: NetworkFormat) -> list[str]:
    needed = {**_ALWAYS, **form.arrays}
    if missing := [key for key in needed if key not in arrays]:
        return [f"arrays: found no {', '.join(missing)}, expected {', '.join(needed)}"]
    sizes = _sizes(arrays, form)
    expected = {key: tuple(sizes[name] for name in names) for key, names in {**needed, **_PERHAPS}.items()}
    return [
        f"arrays.{key}: found shape {arrays[key].shape}, expected {shape}"
        for key, shape in expected.items()
        if key in arrays and arrays[key].shape != shape
    ]
