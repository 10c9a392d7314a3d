"""Time and memory of photographs of growing size: certify and verify as new processes, and the growth with m.

    python benchmarks/size.py                           # 32×32, 64×64: half a minute
    python benchmarks/size.py --sides 32 64 128         # 128×128 with half the pixels: m = 8192
    python benchmarks/size.py --sides 32 64 128 --identity    # denoising, m = n = 16 384

Half the pixels (or all of them) of a photograph, a two-layer network of width m/2 unless --width says otherwise, the
other options as in examples/inpaint-camera.toml. Seconds on the wall and of processor, peak memory in GiB. At the end
the exponent p of a fit time ≈ c·mᵖ.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

ROOT = Path(__file__).resolve().parent.parent
PROBLEM = """
[operator]
{operator}
[signal]
kind = "image"
name = "camera"
shape = [{side}, {side}]
[network]
kind = "two-layer"
width = {width}
input_dimension = 16
activation = "tanh"
train = "both"
seed = 3
{rest}
"""
NOISE = """
[noise]
level = 0.05
seed = 1
"""


def process(arguments: list[str], folder: Path) -> tuple[float, float, float, str]:
    """Run the command line: seconds on the wall, of processor, peak GiB, the last line printed."""
    environment = os.environ | {"PYTHONPATH": os.pathsep.join([str(ROOT), os.environ.get("PYTHONPATH", "")])}
    start = time.perf_counter()
    with (folder / "output.txt").open("w+") as output:
        child = subprocess.Popen(
            [sys.executable, "-m", "dipproofs", *arguments], cwd=folder, env=environment, stdout=output, stderr=output
        )
        _, status, used = os.wait4(child.pid, 0)
        child.returncode = os.waitstatus_to_exitcode(status)
        wall = time.perf_counter() - start
        output.seek(0)
        lines = output.read().strip().splitlines() or [""]
    return wall, used.ru_utime + used.ru_stime, used.ru_maxrss / 2**20, f"exit {child.returncode}: {lines[-1]}"


def one(side: int, width: int | None, identity: bool) -> tuple[int, float]:
    """Certify and verify one photograph; give m and the seconds of the certificate."""
    n = side * side
    m = n if identity else n // 2
    operator = 'kind = "identity"' if identity else f'kind = "inpainting"\nrows = {m}\nseed = 0'
    made = width or max(64, m // 2)
    text = PROBLEM.format(operator=operator, side=side, width=made, rest=NOISE if identity else "")
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "problem.toml").write_text(text)
        wall, used, peak, said = process(["certify", "problem.toml", "--out", "out"], folder)
        print(f"m = {m}, n = {n}, k = {made}: certify {wall:.1f} s ({used:.1f} s of processor), {peak:.2f} GiB; {said}")
        size = sum(file.stat().st_size for file in (folder / "out").iterdir()) / 1e6
        again, used, peak, said = process(["verify", "out/certificate.json"], folder)
        print(
            f"    verify {again:.1f} s ({used:.1f} s of processor), {peak:.2f} GiB; folder {size:.0f} MB; {said}",
            flush=True,
        )
    return m, wall


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sides", type=int, nargs="*", default=[32, 64])
    parser.add_argument("--width", type=int, help="of the network; m/2 otherwise")
    parser.add_argument("--identity", action="store_true", help="denoising: every pixel is seen")
    options = parser.parse_args()
    found = np.log([one(side, options.width, options.identity) for side in options.sides])
    if len(found) > 1:
        print(f"time grows like m^{np.polyfit(found[:, 0], found[:, 1], 1)[0]:.2f}")


if __name__ == "__main__":
    main()
