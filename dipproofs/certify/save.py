"""Certificates on disk: JSON and npz, complete or not at all (docs/theory.md §8; contract: file formats)."""

from __future__ import annotations

import hashlib
import io
import json
import os
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from ..errors import InputError
from .record import Certificate, Check

ARRAYS, FINAL_ARRAYS, CERTIFICATE, REPORT = "arrays.npz", "arrays-final.npz", "certificate.json", "report.html"


def arrays_bytes(arrays: Mapping[str, np.ndarray]) -> bytes:
    """Return the npz file of the arrays; the same arrays give the same bytes."""
    buffer = io.BytesIO()
    named: dict[str, Any] = {name: np.asarray(array) for name, array in sorted(arrays.items())}
    np.savez(buffer, **named)
    return buffer.getvalue()


def certificate_json(certificate: Certificate, *, files: bool = True) -> tuple[dict[str, Any], dict[str, bytes]]:
    """Return the contract's JSON value and the array files it refers to.

    Args:
        certificate: what to write.
        files: whether the files will be written beside it; otherwise ``arrays.file`` is null.
    """
    record = certificate.to_json()
    contents = {ARRAYS: arrays_bytes(certificate.arrays)}
    record["arrays"] = _entry(ARRAYS, contents[ARRAYS], files)
    if certificate.final is not None:
        contents[FINAL_ARRAYS] = arrays_bytes(certificate.final.arrays)
        record["final"]["arrays"] = _entry(FINAL_ARRAYS, contents[FINAL_ARRAYS], files)
    return record, contents


def _entry(name: str, content: bytes, files: bool) -> dict[str, Any]:
    return {"file": name if files else None, "sha256": hashlib.sha256(content).hexdigest()}


def dumps(record: Any) -> str:
    """Return a JSON value as text; floats in shortest form that reads back to the same bits."""
    return json.dumps(record, indent=1, ensure_ascii=False, allow_nan=False) + "\n"


def save(certificate: Certificate, directory: str | Path, *, report: str | None = None) -> Path:
    """Write ``certificate.json``, its arrays and, if given, ``report.html`` into a directory.

    Args:
        certificate: what to write.
        directory: made if it is missing.
        report: HTML text.

    Returns:
        Path of ``certificate.json``.

    Raises:
        InputError: the directory cannot be written.

    Notes:
        Each file is written under a temporary name and renamed; the certificate comes last, so that an
        interrupted write leaves no certificate that refers to missing arrays.
    """
    folder = Path(directory)
    record, contents = certificate_json(certificate)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for name, content in contents.items():
            write_atomically(folder / name, content)
        if report is not None:
            write_atomically(folder / REPORT, report.encode())
        write_atomically(folder / CERTIFICATE, dumps(record).encode())
    except OSError as error:
        raise InputError(f"{folder}: cannot write there ({error.strerror}); choose another directory") from None
    return folder / CERTIFICATE


def check_json(check: Check) -> dict[str, Any]:
    """Return the contract's JSON value of a check."""
    return check.to_json()


def write_atomically(path: Path, content: bytes) -> None:
    """Write a file completely or not at all.

    Raises:
        OSError: the file cannot be written.
    """
    descriptor, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(content)
        mask = os.umask(0)
        os.umask(mask)
        os.chmod(temporary, 0o666 & ~mask)
        os.replace(temporary, path)
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise
