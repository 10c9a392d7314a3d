"""Results of finished cells on disk: one line each, complete or absent, whenever the process is killed."""

from __future__ import annotations

import contextlib
import hashlib
import json
import math
import os
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from dipproofs.errors import InputError, unwritable

FILE = "cells.jsonl"


def cell_key(cell: Mapping[str, Any]) -> str:
    """Return the name of a cell: its parameters as JSON with sorted keys.

    Example:
        >>> cell_key({"n": 10, "k": 4})
        '{"k":4,"n":10}'
    """
    return json.dumps(cell, sort_keys=True, separators=(",", ":"), ensure_ascii=False)


def derived_seed(root: int, *parts: Any) -> int:
    """Return a seed that depends on every argument and on nothing else.

    Example:
        >>> derived_seed(0, "rates", 3) == derived_seed(0, "rates", 3) != derived_seed(1, "rates", 3)
        True
    """
    text = json.dumps([root, *parts], ensure_ascii=False)
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:6], "big")


def plain(value: Any) -> Any:
    """Return a value as JSON can hold it: NaN becomes None, infinities "inf" and "-inf".

    Example:
        >>> plain({"a": float("inf"), "b": [float("nan"), 1.5]})
        {'a': 'inf', 'b': [None, 1.5]}
    """
    if isinstance(value, Mapping):
        return {str(key): plain(entry) for key, entry in value.items()}
    if isinstance(value, (list, tuple)):
        return [plain(entry) for entry in value]
    if hasattr(value, "item") and getattr(value, "ndim", 0) == 0:
        value = value.item()
    if isinstance(value, float) and not math.isfinite(value):
        return None if math.isnan(value) else ("inf" if value > 0 else "-inf")
    return value


class Store:
    """Rows by cell in a folder; opening it drops what a killed process left half-written.

    Args:
        folder: made if missing.
        settings: of the sweep; a folder that holds another sweep is refused.

    Raises:
        InputError: the folder cannot be written, holds another sweep, or is in use by another process.
    """

    def __init__(self, folder: Path, settings: Mapping[str, Any]) -> None:
        self.folder, self.rows = folder, {}  # type: Path, dict[str, list[dict[str, Any]]]
        header = json.dumps({"settings": plain(settings)}, sort_keys=True, ensure_ascii=False)
        with unwritable(f"--out {folder}: cannot write"):
            folder.mkdir(parents=True, exist_ok=True)
            self._file = os.open(folder / FILE, os.O_RDWR | os.O_CREAT, 0o644)
        _lock(self._file, folder)
        text = (folder / FILE).read_bytes()
        lines = text.split(b"\n")
        # what follows the last newline was being written when the process was killed
        if len(lines) > 1 and lines[0].decode("utf-8", "replace") != header:
            self.close()
            raise InputError(
                f"--out {folder}: holds results of other settings or of another version; "
                "use another directory, or delete this one"
            )
        good = 0
        for line in lines[:-1]:
            try:
                record = json.loads(line)
            except ValueError:
                break
            good += len(line) + 1
            if "cell" in record:
                self.rows[cell_key(record["cell"])] = record["rows"]
        os.ftruncate(self._file, good)
        os.lseek(self._file, 0, os.SEEK_END)
        if good == 0:
            self._append(header)

    def __contains__(self, cell: Mapping[str, Any]) -> bool:
        return cell_key(cell) in self.rows

    def add(self, cell: Mapping[str, Any], rows: Iterable[Mapping[str, Any]]) -> None:
        """Keep the rows of a cell: on disk when this returns."""
        found = [plain(row) for row in rows]
        self._append(json.dumps({"cell": plain(cell), "rows": found}, ensure_ascii=False))
        self.rows[cell_key(plain(cell))] = found

    def _append(self, line: str) -> None:
        data = line.encode() + b"\n"
        while data:
            data = data[os.write(self._file, data) :]
        os.fsync(self._file)

    def close(self) -> None:
        """Let the folder go."""
        with contextlib.suppress(OSError):
            os.close(self._file)


def _lock(file: int, folder: Path) -> None:
    try:
        import fcntl
    except ImportError:  # no such locks on this system
        return
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        os.close(file)
        raise InputError(f"--out {folder}: another process is writing there; wait, or use another directory") from None
