"""Compiled descents, kept between processes in the user's cache folder.

Set up by the command line, before JAX is imported; the library leaves JAX's settings to its caller. Only what JAX
compiles is kept, never a number: proofs use NumPy and Arb, and a run from the cache equals one without it bit for bit.
"""

from __future__ import annotations

import hashlib
import os
import platform
from collections.abc import Mapping, MutableMapping
from pathlib import Path

#: Set to "off", no folder is used.
SWITCH = "DIPPROOFS_CACHE"
#: Above this the files not used for longest are removed.
LARGEST_BYTES = 256 * 2**20


def keep_compilations(environment: MutableMapping[str, str] = os.environ) -> Path | None:
    """Tell JAX, which is not imported yet, where to keep what it compiles.

    Args:
        environment: the process's variables; a cache folder that JAX was given already is left alone.

    Returns:
        The folder, ``$XDG_CACHE_HOME/dipproofs/jax-…`` (``~/.cache`` without that variable), one for each kind of
        processor; None where there is none: switched off, chosen by the user, or not writable.

    Example:
        >>> keep_compilations({"DIPPROOFS_CACHE": "off"}) is None
        True
    """
    folder = None if "JAX_COMPILATION_CACHE_DIR" in environment else cache_folder(f"jax-{_processor()}", environment)
    if folder is None:
        return None
    try:
        _shorten(folder)
    except OSError:
        return None
    environment["JAX_COMPILATION_CACHE_DIR"] = str(folder)
    environment.setdefault("JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS", "0.05")
    return folder


def cache_folder(name: str, environment: Mapping[str, str] = os.environ) -> Path | None:
    """Make a folder in the user's cache; None where it is switched off or not ours to write."""
    if environment.get(SWITCH, "").lower() == "off":
        return None
    try:
        folder = Path(environment.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "dipproofs" / name
        folder.mkdir(parents=True, exist_ok=True)
    except (OSError, RuntimeError):  # no home
        return None
    return folder if os.access(folder, os.W_OK) else None


def _processor() -> str:
    """Name the processor: machine code for one may not run on another that shares the home folder."""
    facts = [platform.machine(), platform.processor()]
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
        facts += sorted({line for line in lines if line.startswith(("model name", "flags", "Features"))})
    except OSError:
        pass
    return hashlib.sha256("\n".join(facts).encode()).hexdigest()[:12]


def _shorten(folder: Path) -> None:
    files = sorted(((entry.stat(), entry) for entry in folder.iterdir()), key=lambda pair: pair[0].st_atime)
    total = sum(stat.st_size for stat, _ in files)
    for stat, entry in files:
        if total <= LARGEST_BYTES:
            return
        entry.unlink(missing_ok=True)
        total -= stat.st_size
