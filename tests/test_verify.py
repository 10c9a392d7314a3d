"""The verifier: accepts what is true, rejects what is not, and says which."""

from __future__ import annotations

import json
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from helpers import gaussian_problem, network
from verify_cases import Record, hand_made, load, tamperings, write

import dipproofs.verify
from dipproofs.certificate.claims import derive
from dipproofs.certificate.write import save
from dipproofs.certify.api import certify
from dipproofs.verify import exit_code, verify


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A certified run on disk, with its certificate at the last iterate."""
    return save(certify(gaussian_problem(3, 6), network(6, 32), tolerance=1e-8), tmp_path_factory.mktemp("run")).parent


def alone(folder: Path) -> tuple[Record, dict[str, np.ndarray]]:
    """A saved certificate without the one at the end of its run, with the claims that then follow."""
    record, arrays = load(folder / "certificate.json")
    record.pop("final")
    record["claims"] = derive(record)
    return record, arrays


def test_a_certificate_computed_by_hand_is_valid(tmp_path: Path) -> None:
    result = verify(hand_made(tmp_path))
    assert result.valid, str(result)
    assert result.exit_code == 0
    assert {row.outcome for row in result.rows} == {"ok"}


@pytest.mark.parametrize("name", ["rho", "gamma"])
def test_hand_made_with_another_radius_or_step_is_not_valid(tmp_path: Path, name: str) -> None:
    record, arrays = load(hand_made(tmp_path))
    for side in ("lower", "upper"):
        record["quantities"][name][side] *= 1.001
    assert verify(write(tmp_path, record, arrays)).exit_code == 1


def test_every_tampering_of_the_hand_made_certificate_is_found(tmp_path: Path) -> None:
    record, _ = load(hand_made(tmp_path))
    kept = _kept(tmp_path, record)
    # at 1×1 these two profiles are one function, so that naming the other one claims nothing false
    assert kept == ["profile = row-space"]


def test_the_module_is_callable_and_prints_a_table(folder: Path) -> None:
    result = dipproofs.verify(folder / "certificate.json")
    assert result.valid, str(result)
    text = str(result)
    assert "sigma_AJ" in text and "final.quantities.S" in text and "valid" in text.splitlines()[0]


def test_every_tampering_of_a_run_is_found(folder: Path, tmp_path: Path) -> None:
    record, arrays = alone(folder)  # the last one is as large as this one; its tampering is the next test's
    assert verify(write(tmp_path, record, arrays)).valid
    record["arrays"] = json.loads((tmp_path / "certificate.json").read_text())["arrays"]
    assert not _kept(tmp_path, record)


def test_tampering_with_the_last_certificate_is_found(folder: Path, tmp_path: Path) -> None:
    record = json.loads((folder / "certificate.json").read_text())
    for name in ("arrays.npz", "arrays-final.npz"):
        (tmp_path / name).write_bytes((folder / name).read_bytes())
    spoiled = json.loads(json.dumps(record))
    spoiled["final"]["quantities"]["S"] = {"lower": 0.0, "upper": 1e-30, "evidence": "proved"}
    assert any(finding.startswith("final.") for finding in verify(write(tmp_path, spoiled)).findings)
    spoiled = json.loads(json.dumps(record))
    spoiled["final"]["arrays"] = record["arrays"]
    assert verify(write(tmp_path, spoiled)).exit_code == 1
    spoiled = json.loads(json.dumps(record))
    spoiled["final"]["iteration"] += 1
    assert any(f.startswith("final.iteration") for f in verify(write(tmp_path, spoiled)).findings)


def _kept(folder: Path, record: dict) -> list[str]:
    return [name for name, spoiled in tamperings(record) if verify(write(folder, _with_claims(spoiled))).valid]


def _with_claims(record: dict) -> dict:
    """Claims that agree with a record where it has them, so that it is not their disagreement that is found."""
    if "claims" not in record:
        return record
    with suppress(Exception):  # of junk nothing can be derived
        return {**record, "claims": derive(record)}
    return record


@pytest.mark.parametrize("mend", [True, False])
@pytest.mark.parametrize("key", ["A", "y", "W", "V"])
def test_a_changed_array_entry_is_found(folder: Path, tmp_path: Path, key: str, mend: bool) -> None:
    record, arrays = alone(folder)
    arrays[key] = arrays[key].copy()
    arrays[key].flat[0] *= 1 + 1e-6
    assert verify(write(tmp_path, record, arrays, mend=mend)).exit_code == 1


def test_one_bit_of_an_array_is_found_by_its_hash(folder: Path, tmp_path: Path) -> None:
    record, arrays = alone(folder)
    arrays["V"][0, 0] = np.nextafter(arrays["V"][0, 0], 9.0)
    assert "sha256" in verify(write(tmp_path, record, arrays, mend=False)).findings[0]


@pytest.mark.parametrize(
    "change",
    [
        lambda a: a.pop("V"),
        lambda a: a.update(V=a["V"].T),
        lambda a: a.update(V=a["V"].astype(np.float16)),
        lambda a: a.update(V=a["V"].astype(complex)),
        lambda a: a.update(V=np.full_like(a["V"], np.nan)),
        lambda a: a.update(y=np.full_like(a["y"], np.inf)),
        lambda a: a.update(y=np.zeros(0)),
        lambda a: a.update(extra=a["y"]),
        lambda a: a.update(B=np.eye(6)),
    ],
)
def test_arrays_of_the_wrong_kind_are_found(folder: Path, tmp_path: Path, change) -> None:
    record, arrays = alone(folder)
    change(arrays)
    assert verify(write(tmp_path, record, arrays)).exit_code == 1


def test_it_shows_itself_in_one_line(folder: Path) -> None:
    found = verify(folder / "certificate.json")
    assert repr(found) == f"Verification({found.summary().splitlines()[0]})" and "\n" not in repr(found)
    assert repr(verify("nowhere.json")) == "Verification(unreadable)"


@pytest.mark.parametrize("keep", [0, 1, 100, 0.5, -1])
@pytest.mark.parametrize("name", ["certificate.json", "arrays.npz", "arrays-final.npz"])
def test_a_truncated_file_is_unreadable(folder: Path, tmp_path: Path, name: str, keep: float) -> None:
    for file in folder.iterdir():
        (tmp_path / file.name).write_bytes(file.read_bytes())
    content = (folder / name).read_bytes()
    length = int(len(content) * keep) if isinstance(keep, float) else keep
    # the last byte of the JSON is a line end
    (tmp_path / name).write_bytes(content[:length] if keep != -1 else content[:-2])
    assert verify(tmp_path / "certificate.json").exit_code == 2


@pytest.mark.parametrize(
    "text",
    ["", "null", "[]", "{}", "{", '{"a": NaN}', '{"format": 1, "format": 2}', "[" * 100000, '"x"', "\x00", "1e999"],
)
def test_what_is_no_certificate_is_unreadable(tmp_path: Path, text: str) -> None:
    path = tmp_path / "certificate.json"
    path.write_text(text)
    assert verify(path).exit_code == 2


@pytest.mark.parametrize("change", [{"format": "dipproofs-check"}, {"version": 3}, {"version": True}, {"version": "1"}])
def test_an_unknown_format_or_version_is_unreadable(folder: Path, tmp_path: Path, change: dict) -> None:
    record, arrays = load(folder / "certificate.json")
    assert verify(write(tmp_path, {**record, **change}, arrays)).exit_code == 2


def test_pickled_and_missing_arrays_are_unreadable(folder: Path, tmp_path: Path) -> None:
    record, arrays = alone(folder)
    pickled = {**arrays, "V": np.array([{"a": 1}], dtype=object)}
    assert verify(write(tmp_path, record, pickled)).exit_code == 2
    (tmp_path / "arrays.npz").unlink()
    assert verify(tmp_path / "certificate.json").exit_code == 2
    assert verify(tmp_path / "nothing.json").exit_code == 2


def test_a_header_that_promises_too_much_is_unreadable(folder: Path, tmp_path: Path) -> None:
    import io
    import zipfile

    record, _ = load(folder / "certificate.json")
    header = io.BytesIO()
    np.lib.format.write_array_header_1_0(header, {"descr": "<f8", "fortran_order": False, "shape": (2**40, 2**20)})
    write(tmp_path, record)
    with zipfile.ZipFile(tmp_path / "arrays.npz", "w") as archive:
        archive.writestr("A.npy", header.getvalue() + b"\0" * 64)
    assert verify(tmp_path / "certificate.json").exit_code == 2


def test_exit_code_prints_the_outcome(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert exit_code(folder / "certificate.json") == 0
    assert capsys.readouterr().out.startswith("valid")
    assert exit_code(folder / "none.json") == 2


def test_findings_are_single_lines_that_say_what_was_found(folder: Path, tmp_path: Path) -> None:
    record, arrays = alone(folder)
    record["quantities"]["lipschitz_AJ"]["upper"] *= 0.5
    record["quantities"]["lipschitz_AJ"]["lower"] *= 0.5
    findings = verify(write(tmp_path, record, arrays)).findings
    assert len(findings) == 1 and "lipschitz_AJ" in findings[0]
    assert all("\n" not in finding and "found" in finding for finding in findings)


def test_the_verifier_imports_neither_jax_nor_the_producer() -> None:
    import subprocess
    import sys

    code = (
        "import sys, dipproofs.verify\n"
        "bad = [m for m in sys.modules if m.startswith(('jax', 'scipy', 'dipproofs.enclosures', 'dipproofs.certify', "
        "'dipproofs.problems', 'dipproofs.networks'))]\n"
        "sys.exit(str(bad) if bad else 0)"
    )
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, check=False).returncode == 0


def _nodes(value: object, path: tuple = ()) -> list[tuple]:
    children = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return [path] + [node for key, child in children for node in _nodes(child, (*path, key))]


def test_junk_anywhere_in_the_record_never_raises(tmp_path: Path) -> None:
    record, _ = load(hand_made(tmp_path))
    record["run"] = {"iterations": 9, "steps": [[0, 0.03125]]}
    nodes, rng = [node for node in _nodes(record) if node], np.random.default_rng(0)
    junk = [
        None,
        True,
        -1,
        0,
        1e300,
        -2.5,
        10**40,
        2**1024 - 1,
        "",
        "inf",
        "x" * 99,
        [],
        {},
        [[]],
        {"lower": 1},
        [1, 2],
        {"kind": []},
    ]
    for index in rng.choice(len(nodes), 150, replace=False):
        spoiled = json.loads(json.dumps(record))
        *way, last = nodes[index]
        place = spoiled
        for key in way:
            place = place[key]
        place[last] = junk[int(rng.integers(len(junk)))]
        assert verify(write(tmp_path, spoiled)).exit_code in (0, 1, 2)


def test_a_dependent_row_is_refuted_and_an_independent_one_is_not(tmp_path: Path) -> None:
    from dipproofs.verify.arithmetic.spectra import exact_rank

    assert exact_rank(np.array([[0.1, 0.2], [0.2, 0.4]])) == 1
    assert exact_rank(np.diag([1.0, 1.0, 1e-20])) == 3


@pytest.mark.parametrize("value", [1e308, 1e200, 1e-160, 5e-324, 0.0])
@pytest.mark.parametrize("key", ["A", "y", "u", "W", "V"])
def test_extreme_entries_are_neither_accepted_nor_a_hang(tmp_path: Path, key: str, value: float) -> None:
    record, arrays = load(hand_made(tmp_path))
    arrays[key].flat[0] = value
    assert verify(write(tmp_path, record, arrays)).exit_code == 1
    for name, claim in record["quantities"].items():
        if claim and name not in ("gamma", "rho"):
            claim.update(lower=0.0, upper="inf")  # claims nothing; the hypotheses are still decided
    assert verify(write(tmp_path, record, arrays)).exit_code == 1


PROFILES = [
    "sqrt(1 + r**2) - 1",
    "log(cosh(r))",
    "r**4/4",
    "r - log(1 + r)",
    "cosh(r) - 1",
    "r**2/2 + r**4",
    "Piecewise((r**2/2, r < 1/2), (r/2 - 1/8, True))",
    "r*atan(r) - log(1 + r**2)/2",
]


#: No profiles; `test_a_profile_without_the_assumptions_is_refused` has all kinds.
NO_PROFILES: list[dict[str, Any]] = [
    {"profile": "r"},
    {"profile": "__import__('os').system('true')"},
    {"profile": None},
]


@pytest.mark.parametrize("profile", PROFILES)
def test_a_loss_of_ones_own_is_verified(tmp_path: Path, profile: str) -> None:
    from dipproofs.losses import Loss

    certificate = certify(gaussian_problem(3, 6), network(6, 64), Loss.custom(profile), tolerance=1e-6)
    assert certificate.proved and certificate.final is not None
    result = verify(save(certificate, tmp_path))
    assert result.valid, str(result)
    record, arrays = alone(tmp_path)
    spoiled = [{"profile": f"({profile}) * 1.01"}, {"scale": 2.0}]  # another loss
    if profile == PROFILES[0]:
        spoiled += NO_PROFILES
    for change in spoiled:
        assert verify(write(tmp_path, {**record, "loss": {**record["loss"], **change}}, arrays)).exit_code == 1, change
    counts = record["guarantees"]["iterations_to_loss"]
    assert verify(write(tmp_path, record, arrays)).valid
    record["guarantees"]["iterations_to_loss"] = {key: count and count * 9 // 10 for key, count in counts.items()}
    assert verify(write(tmp_path, record, arrays)).exit_code == 1


def test_a_kernel_of_dependent_atoms_refutes_nothing(tmp_path: Path) -> None:
    """AB has a kernel because B has one: that says nothing about A on Im B."""
    from dipproofs.networks import TwoLayer
    from dipproofs.problems import InverseProblem

    rng = np.random.default_rng(2)
    atoms = rng.standard_normal((6, 2))
    basis = np.column_stack([atoms, 2 * atoms[:, 0]])  # exactly dependent, as floats too
    net = TwoLayer.init(n=3, width=64, input_dimension=3, seed=1, basis=basis)
    A = rng.standard_normal((2, 6))
    certificate = certify(InverseProblem(A, A @ net.output() + 0.1), net, tolerance=1e-8)
    assert certificate.proved
    save(certificate, tmp_path)
    record, arrays = alone(tmp_path)
    assert verify(write(tmp_path, record, arrays)).valid
    found = record["guarantees"]["recovery"]["restricted_injectivity"]
    assert found["verdict"] == "undecided"
    found["verdict"] = "refuted"
    assert verify(write(tmp_path, record, arrays)).exit_code == 1


@pytest.mark.parametrize(
    "profile",
    [
        "r",  # h'(0) is not 0
        "1 + r**2",
        "sin(r)**2",
        "Piecewise((r**2/2, r < 1/2), (r - 3/8, True))",  # h jumps in slope
        "Piecewise((r**2/2, r < 1/2), (r/2, True))",  # h jumps
        "Piecewise((0*r, r < 1), ((r - 1)**2, True))",  # 0 on an interval
        "Piecewise((r**2/2, r < 2), (2 + 2*(r - 2) + (r - 2)**2, r < 1), (1 + 3*(r - 1)**2/2, True))",  # not in order
        "r**2/2 - r**3/6",  # h'' is monotone, but negative from 1 on
        "r**2/2 + r*log(1 + r**2)/2 - r + atan(r)",  # h'' = 1 + r/(1 + r**2) is positive, but not monotone
        "r**(3/2)",  # h'' is infinite at 0
    ],
)
def test_a_profile_without_the_assumptions_is_refused(profile: str) -> None:
    from flint import arb

    from dipproofs.verify.profiles import Profile

    with pytest.raises(ValueError, match="profile"):
        Profile({"kind": "custom", "profile": profile}).check(arb("0.1"))
    Profile({"kind": "custom", "profile": "r**2/2"}).check(arb("0.1"))
