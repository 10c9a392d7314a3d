"""Certificates on disk: JSON and npz, complete or not at all (docs/theory.md §8; contract: file formats)."""

from __future__ import annotations

import errno
import hashlib
import io
import json
import math
import os
import stat
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from dipproofs.certificate.record import Certificate, Check
from dipproofs.certificate.stored import StoredArrays
from dipproofs.errors import InputError

ARRAYS, FINAL_ARRAYS, CERTIFICATE, REPORT = "arrays.npz", "arrays-final.npz", "certificate.json", "report.html"


def arrays_bytes(arrays: Mapping[str, np.ndarray]) -> bytes:
    """Return the npz file of the arrays; the same arrays give the same bytes."""
    buffer = io.BytesIO()
    written = arrays.written() if isinstance(arrays, StoredArrays) else arrays
    named: dict[str, Any] = {name: np.asarray(array) for name, array in sorted(written.items())}
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
    if certificate.later is not None:
        contents[FINAL_ARRAYS] = arrays_bytes(certificate.later.arrays)
        record["final"]["arrays"] = _entry(FINAL_ARRAYS, contents[FINAL_ARRAYS], files)
        _describe_operator(record["final"], certificate.later.arrays)
    _describe_operator(record, certificate.arrays)
    return record, contents


def _describe_operator(record: dict[str, Any], arrays: Mapping[str, np.ndarray]) -> None:
    if isinstance(arrays, StoredArrays):
        record["operator"] = arrays.operator


def _entry(name: str, content: bytes, files: bool) -> dict[str, Any]:
    return {"file": name if files else None, "sha256": hashlib.sha256(content).hexdigest()}


def dumps(record: Any) -> str:
    """Return a JSON value as text; floats in shortest form that reads back to the same bits.

    Raises:
        InputError: a number in it is not finite.

    Example:
        >>> dumps({"loss": {"delta": float("nan")}})
        Traceback (most recent call last):
        ...
        dipproofs.errors.InputError: certificate: found nan at loss.delta, expected a finite number; rescale the problem
    """
    try:
        return json.dumps(record, indent=1, ensure_ascii=False, allow_nan=False) + "\n"
    except ValueError:
        found = next(_not_finite(record, ""), None)
        if found is None:
            raise
        place, number = found
        raise InputError(
            f"certificate: found {number} at {place}, expected a finite number; rescale the problem"
        ) from None


def _not_finite(value: Any, place: str) -> Iterator[tuple[str, float]]:
    if isinstance(value, float) and not math.isfinite(value):
        yield place, value
    inner = value.items() if isinstance(value, Mapping) else enumerate(value) if isinstance(value, list | tuple) else ()
    for key, item in inner:
        yield from _not_finite(item, f"{place}.{key}" if place else str(key))


def save(certificate: Certificate, directory: str | Path, *, report: str | None = None) -> Path:
    """Write ``certificate.json``, its arrays and, if given, ``report.html`` into a directory.

    Args:
        certificate: what to write.
        directory: made if it is missing.
        report: HTML text.

    Returns:
        Path of ``certificate.json``.

    Raises:
        InputError: the directory cannot be written, or a number is not finite.

    Notes:
        Everything is serialised before anything is written. Each file is written under a temporary name and
        renamed; the certificate comes last, so that an interrupted write leaves no certificate that refers to
        missing arrays.
    """
    folder = Path(directory)
    record, contents = certificate_json(certificate)
    if report is not None:
        contents[REPORT] = report.encode()
    contents[CERTIFICATE] = dumps(record).encode()
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for name, content in contents.items():
            write_atomically(folder / name, content)
    except OSError as error:
        raise _refused(folder, error) from None
    return folder / CERTIFICATE


def require_directory(directory: str | Path) -> None:
    """Refuse a directory that `save` could not write, before any work is done; nothing is made.

    Raises:
        InputError: it cannot be made, or a file in it cannot be written.
    """
    folder = Path(directory)
    try:
        try:
            os.stat(folder)
        except FileNotFoundError:
            above = (folder.absolute(), *folder.absolute().parents)
            with tempfile.TemporaryFile(dir=next(part for part in above if os.path.lexists(part))):
                return
        for name in (ARRAYS, FINAL_ARRAYS, REPORT, CERTIFICATE):
            require_writable(folder / name)
    except OSError as error:
        raise _refused(folder, error) from None


def _refused(folder: Path, error: OSError) -> InputError:
    return InputError(f"{folder}: cannot write there ({error.strerror}); choose another directory")


def check_json(check: Check) -> dict[str, Any]:
    """Return the contract's JSON value of a check."""
    return check.to_json()


def write_atomically(path: Path, content: bytes) -> None:
    """Write a file completely or not at all.

    Raises:
        OSError: the file cannot be written.

    Notes:
        A link stays a link: the file that it points to is replaced. What is no regular file, such as a device or a
        pipe, is written to and not replaced.
    """
    target = _replaceable(path)
    if target is None:
        path.write_bytes(content)
        return
    descriptor, temporary = tempfile.mkstemp(dir=target.parent, prefix=".dipproofs-")
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(content)
        mask = os.umask(0)
        os.umask(mask)
        os.chmod(temporary, 0o666 & ~mask)
        os.replace(temporary, target)
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise


def require_writable(path: Path) -> None:
    """Find out, without touching a file, whether `write_atomically` can write it.

    Raises:
        OSError: it cannot.
    """
    target = _replaceable(path)
    if target is not None:
        with tempfile.TemporaryFile(dir=target.parent):
            return
    if path.is_dir() or not os.access(path, os.W_OK):
        code = errno.EISDIR if path.is_dir() else errno.EACCES
        raise OSError(code, os.strerror(code), str(path))


def _replaceable(path: Path) -> Path | None:
    """Return the regular file, perhaps not made yet, that a path leads to; None for a device, a pipe, a directory."""
    try:
        regular = stat.S_ISREG(os.stat(path).st_mode)
    except FileNotFoundError:
        regular = True
    return Path(os.path.realpath(path)) if regular else None
