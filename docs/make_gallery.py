"""Run examples and keep their certificates, for the gallery and for the tests of the terminal's text.

Run:  python docs/make_gallery.py [NAME ...]   (without names: every example; some minutes)
      python docs/make_gallery.py --texts      (only write the terminal's texts again, from what is kept)
"""

from __future__ import annotations

import sys
import time
from pathlib import Path

import jax

jax.config.update("jax_enable_x64", True)
sys.path.insert(0, str(Path(__file__).resolve().parent / "_ext"))

import gallery  # noqa: E402

import dipproofs as dp  # noqa: E402
from dipproofs.command import certified  # noqa: E402
from dipproofs.report.progress import progress  # noqa: E402


def main(names: list[str]) -> None:
    if names == ["--texts"]:
        for name in gallery.names():
            write_text(name)
        return
    for name in names or sorted(path.stem for path in gallery.EXAMPLES.glob("*.toml")):
        start = time.perf_counter()
        spec = dp.load_problem(gallery.EXAMPLES / f"{name}.toml")
        with progress(name) as shown:
            gallery.keep(name, certified(spec, spec.build(), shown))
        print(f"{write_text(name)}\n({time.perf_counter() - start:.0f} s)\n", flush=True)


def write_text(name: str) -> str:
    text = gallery.Kept(name).text
    (gallery.STORE / f"{name}.txt").write_text(f"{text}\n", encoding="utf-8")
    return text


if __name__ == "__main__":
    main(sys.argv[1:])
