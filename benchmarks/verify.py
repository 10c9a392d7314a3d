"""What checking a certificate costs, against what making it cost, in one run.

    python benchmarks/verify.py                      # a minute
    python benchmarks/verify.py --sizes 300 1000 --photograph

Each row: seconds of processor time for certifying one iterate and for verifying the certificate, their ratio, the
path taken, and the peak memory of the process so far. BLAS runs on one thread unless OPENBLAS_NUM_THREADS says
otherwise.
"""

from __future__ import annotations

import argparse
import os
import resource
import tempfile
import time
from pathlib import Path

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")  # read when NumPy is imported

import numpy as np

from dipproofs.certificate.write import save
from dipproofs.certify.api import bound_operator_of
from dipproofs.certify.at_iterate import certify_at
from dipproofs.certify.search import Step
from dipproofs.losses import make_loss
from dipproofs.networks import TwoLayer
from dipproofs.problems import InverseProblem
from dipproofs.verify import verify


def one(m: int, n: int, width: int, *, mask: bool = False) -> None:
    """Certify an iterate near its data, verify the certificate, print a row."""
    rng = np.random.default_rng(0)
    A = np.eye(n)[rng.permutation(n)[:m]] if mask else rng.standard_normal((m, n)) / np.sqrt(n)
    network = TwoLayer.init(n=n, width=width, input_dimension=8, seed=1)
    problem = InverseProblem(A, A @ network.output() + 1e-4 * rng.standard_normal(m))
    start = time.process_time()
    certificate = certify_at(
        problem, network, make_loss("squared"), bound_operator_of(problem, network), Step(None, 0.9)
    )
    made = time.process_time() - start
    with tempfile.TemporaryDirectory() as folder:
        path = save(certificate, Path(folder))
        start = time.process_time()
        result = verify(path)
        checked = time.process_time() - start
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
    outcome = f"{certificate.verdict}, {'valid' if result.valid else 'NOT VALID'}"
    cost = f"certify {made:.1f} s, verify {checked:.1f} s ({checked / made:.1f} times)"
    print(f"{m}×{n}, width {width}: {outcome}; {cost}, {memory:.1f} GB", flush=True)


def main() -> None:
    """Run the rows that were asked for."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sizes", type=int, nargs="*", default=[10, 50, 100, 250, 300, 600])
    parser.add_argument("--photograph", action="store_true", help="a 64×64 photograph with half its pixels")
    parser.add_argument("--wide", action="store_true", help="5×10 with a million hidden units")
    arguments = parser.parse_args()
    for size in arguments.sizes:
        one(size, size, size)
    if arguments.wide:
        one(5, 10, 1_000_000)
    if arguments.photograph:
        one(2048, 4096, 1024, mask=True)


if __name__ == "__main__":
    main()
