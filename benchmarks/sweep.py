"""Throughput of the sweep engine in runs·steps per second, against loops over seeds in NumPy and PyTorch.

Every contender does the same descent: ½‖A g(u,θ) − y‖², tanh, both layers, constant step, float64. The engine runs
batches of seeds in one process per core, as `dipproofs experiment` does; NumPy and PyTorch (CPU, one
thread, autograd with SGD, as a user would write it) loop over seeds and steps. ``lax.map`` and ``vmap`` over the
engine's loop are timed in one process, with lanes that stop at different times, as in a real sweep.

    python benchmarks/sweep.py            # PyTorch is optional: without it that column stays empty
"""

from __future__ import annotations

import argparse
import multiprocessing
import os
import time

for _name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ.setdefault(_name, "1")

import numpy as np  # noqa: E402  (after the number of threads is set)

SIZES = ((10, 5, 10), (10, 5, 100), (20, 10, 100), (10, 5, 1000), (100, 50, 100))
GAMMA = 1e-2
#: What must hold at n·k ≤ 10⁴.
REQUIRED = {"PyTorch": 10.0, "NumPy": 3.0}


def instances(n: int, m: int, k: int, count: int):
    """Draw problems and networks."""
    from dipproofs.experiments.instances import Size, random_instance

    return zip(*(random_instance(Size(n, m, k), seed) for seed in range(count)))


def engine_worker(size, count, steps, rounds, barrier, results) -> None:
    """Time ``rounds`` batches in one process, all processes starting together."""
    import jax

    jax.config.update("jax_enable_x64", True)
    from dipproofs.experiments.batch import run_batch

    problems, networks = instances(*size, count)
    run_batch(problems, networks, GAMMA, steps, 0.0)
    barrier.wait()
    start = time.perf_counter()
    for _ in range(rounds):
        found = run_batch(problems, networks, GAMMA, steps, 0.0)
    results.put((time.perf_counter() - start, int(found.iterations.sum()) * rounds, float(found.loss[0])))


def engine(size, count: int, steps: int, rounds: int, jobs: int) -> tuple[float, float]:
    """Return runs·steps per second of the engine on all cores, and the first run's last loss."""
    context = multiprocessing.get_context("spawn")
    barrier, results = context.Barrier(jobs), context.Queue()
    workers = [
        context.Process(target=engine_worker, args=(size, count, steps, rounds, barrier, results)) for _ in range(jobs)
    ]
    for worker in workers:
        worker.start()
    found = [results.get() for _ in workers]
    for worker in workers:
        worker.join()
    return sum(done for _, done, _ in found) / max(seconds for seconds, _, _ in found), found[0][2]


def numpy_loop(size, count: int, steps: int) -> tuple[float, float]:
    """Return runs·steps per second of a plain NumPy loop over seeds."""
    problems, networks = instances(*size, count)
    root, first = np.sqrt(size[2]), 0.0
    start = time.perf_counter()
    for index, (problem, network) in enumerate(zip(problems, networks)):
        A, y, u, W, V = problem.operator.to_dense(), problem.y, network.u, network.W.copy(), network.V.copy()
        loss = 0.0
        for _ in range(steps):
            phi = np.tanh(W @ u)
            r = A @ (V @ phi) / root - y
            loss = 0.5 * (r @ r)
            z = A.T @ r / root
            step = (1 - phi * phi) * (V.T @ z)
            V -= GAMMA * np.outer(z, phi)
            W -= GAMMA * np.outer(step, u)
        r = A @ (V @ np.tanh(W @ u)) / root - y
        loss = 0.5 * (r @ r)
        first = loss if index == 0 else first
    return count * steps / (time.perf_counter() - start), first


def torch_loop(size, count: int, steps: int) -> tuple[float, float] | None:
    """Return runs·steps per second of a PyTorch loop over seeds, None without PyTorch."""
    try:
        import torch
    except ImportError:
        return None
    torch.set_num_threads(1)
    problems, networks = instances(*size, count)
    root, first = size[2] ** 0.5, 0.0
    start = time.perf_counter()
    for index, (problem, network) in enumerate(zip(problems, networks)):
        A, y, u = (torch.from_numpy(np.array(x)) for x in (problem.operator.to_dense(), problem.y, network.u))
        W, V = (torch.from_numpy(np.array(x)).requires_grad_() for x in (network.W, network.V))
        optimizer = torch.optim.SGD([W, V], lr=GAMMA)
        for _ in range(steps):
            optimizer.zero_grad()
            r = A @ (V @ torch.tanh(W @ u)) / root - y
            loss = 0.5 * (r @ r)
            loss.backward()
            optimizer.step()
        with torch.no_grad():
            r = A @ (V @ torch.tanh(W @ u)) / root - y
            first = float(0.5 * (r @ r)) if index == 0 else first
    return count * steps / (time.perf_counter() - start), first


def map_against_vmap(size, count: int) -> float:
    """Return time(vmap)/time(lax.map) of the engine's loop on runs that stop at different times."""
    import jax
    import jax.numpy as jnp

    jax.config.update("jax_enable_x64", True)
    from dipproofs.experiments.batch import Lanes, one_lane, stack

    problems, networks = instances(*size, count)
    # steps of very different length, so that the lanes stop at different times
    gammas = [0.3 * 0.75 ** (i % 12) for i in range(count)]
    lanes = Lanes(*(jnp.asarray(part) for part in stack(problems, networks, gammas)[0]))

    def lane(one):
        return one_lane("tanh", False, one, jnp.asarray(1e-7), jnp.asarray(2000))

    times = []
    for function in (jax.jit(lambda x: jax.lax.map(lane, x)), jax.jit(jax.vmap(lane))):
        jax.block_until_ready(function(lanes))
        start = time.perf_counter()
        for _ in range(3):
            jax.block_until_ready(function(lanes))
        times.append(time.perf_counter() - start)
    return times[1] / times[0]


def main() -> None:
    """Print a Markdown table; exit with 1 if a required ratio is missed."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--jobs", type=int, default=len(os.sched_getaffinity(0)))
    parser.add_argument("--steps", type=int, default=500)
    options = parser.parse_args()
    from dipproofs.sweeps.pools import cores

    print(f"{options.jobs} processes, {cores()} cores, {options.steps} steps a run; runs·steps per second, float64\n")
    print("| n, m, k | n·k | engine | NumPy | PyTorch | engine/NumPy | engine/PyTorch | vmap/lax.map (time) |")
    print("|---|---|---|---|---|---|---|---|")
    missed = []
    for size in SIZES:
        n, _, k = size
        own, loss = engine(size, 32, options.steps, 3, options.jobs)
        other, numpy_loss = numpy_loop(size, 4, options.steps)
        torched = torch_loop(size, 2, options.steps)
        losses = [numpy_loss] + ([torched[1]] if torched else [])
        if not np.allclose(losses, loss, rtol=1e-6):
            raise SystemExit(f"the contenders differ at {size}: {loss}, {losses}")
        ratios = {"NumPy": own / other} | ({"PyTorch": own / torched[0]} if torched else {})
        missed += [f"{size}: {name}" for name, ratio in ratios.items() if n * k <= 10_000 and ratio < REQUIRED[name]]
        lanes = map_against_vmap(size, 48)
        torch_rate, torch_ratio = (f"{torched[0]:.3g}", f"{ratios['PyTorch']:.1f}") if torched else ("–", "–")
        print(
            f"| {', '.join(map(str, size))} | {n * k} | {own:.3g} | {other:.3g} | "
            f"{torch_rate} | {ratios['NumPy']:.1f} | {torch_ratio} | {lanes:.1f} |",
            flush=True,
        )
    if missed:
        raise SystemExit(f"below the required ratio: {'; '.join(missed)}")


if __name__ == "__main__":
    main()
