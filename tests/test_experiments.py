"""The machinery of the experiments: store, sweep, statistics, batches of runs, command."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from helpers import run

from dipproofs.errors import InputError
from dipproofs.experiments import EXPERIMENTS
from dipproofs.experiments.batch import run_batch
from dipproofs.experiments.command import listing
from dipproofs.experiments.instances import Size, random_instance
from dipproofs.experiments.statistics import clopper_pearson, fitted_power, half_boundary
from dipproofs.sweeps.store import FILE, Store, derived_seed, plain
from dipproofs.sweeps.sweep import run_cells

# --- store ----------------------------------------------------------------------------------------------


def test_store_keeps_rows(tmp_path: Path) -> None:
    cell, rows = {"k": 4, "n": 10}, [{"loss": 0.1, "x": float("inf")}, {"loss": float("nan")}]
    store = Store(tmp_path / "a", {"seed": 0})
    assert cell not in store
    store.add(cell, rows)
    store.close()
    again = Store(tmp_path / "a", {"seed": 0})
    assert cell in again and list(again.rows.values()) == [[{"loss": 0.1, "x": "inf"}, {"loss": None}]]
    again.close()


@pytest.mark.parametrize("cut", [1, 5, 17])
def test_store_drops_a_torn_line(tmp_path: Path, cut: int) -> None:
    store = Store(tmp_path, {"seed": 0})
    for k in (1, 2):
        store.add({"k": k}, [{"value": k}])
    store.close()
    path = tmp_path / FILE
    whole = path.read_bytes()
    path.write_bytes(whole[:-cut])
    store = Store(tmp_path, {"seed": 0})
    assert {"k": 1} in store and {"k": 2} not in store
    store.add({"k": 2}, [{"value": 2}])
    store.close()
    assert path.read_bytes() == whole


def test_store_survives_a_torn_header(tmp_path: Path) -> None:
    (tmp_path / FILE).write_bytes(b'{"sett')
    store = Store(tmp_path, {"seed": 0})
    store.close()
    assert json.loads((tmp_path / FILE).read_text()) == {"settings": {"seed": 0}}


def test_store_refuses_other_settings_and_second_writers(tmp_path: Path) -> None:
    store = Store(tmp_path, {"seed": 0})
    if sys.platform != "win32":
        with pytest.raises(InputError, match="another process"):
            Store(tmp_path, {"seed": 0})
    store.close()
    with pytest.raises(InputError, match="other settings"):
        Store(tmp_path, {"seed": 1})
    (tmp_path / "file").write_text("x")
    with pytest.raises(InputError, match="cannot write"):
        Store(tmp_path / "file", {"seed": 0})


def test_seeds_and_plain_values() -> None:
    seeds = {derived_seed(root, "x", i) for root in range(3) for i in range(50)}
    assert len(seeds) == 150 and max(seeds) < 2**48
    assert plain(np.float64(2.5)) == 2.5 and plain((np.int64(3), float("-inf"))) == [3, "-inf"]


# --- sweep ----------------------------------------------------------------------------------------------

_MODULE = """
import json, os, time
from pathlib import Path


def run_cell(cell):
    if cell.get("fail"):
        raise ValueError("no")
    time.sleep(cell.get("pause", 0.0))
    return [{"k": cell["k"], "square": cell["k"] ** 2, "threads": os.environ["OMP_NUM_THREADS"]}]


def cells(quick, seed):
    return [{"k": k, "pause": 0.05} for k in range(40)]


def figures(rows):
    return {}


def result(rows):
    return str(sum(row["square"] for row in rows))
"""


@pytest.fixture
def module(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    (tmp_path / "a_sweep_of_squares.py").write_text(_MODULE)
    monkeypatch.syspath_prepend(str(tmp_path))
    return "a_sweep_of_squares"


def test_cells_run_in_workers(module: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OMP_NUM_THREADS", "3")
    found = dict(run_cells([(module, {"k": k}) for k in range(7)], jobs=2))
    assert [found[i][0]["square"] for i in range(7)] == [k * k for k in range(7)]
    assert {rows[0]["threads"] for rows in found.values()} == {"1"}
    assert os.environ["OMP_NUM_THREADS"] == "3"
    assert list(run_cells([])) == []


def test_a_failing_cell_is_named(module: str) -> None:
    with pytest.raises(RuntimeError, match=r"'k': 1.*failed: no"):
        dict(run_cells([(module, {"k": 1, "fail": True})], jobs=1))


def test_cells_of_a_killed_process_run_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "a_deadly_sweep.py").write_text(_DEADLY)
    monkeypatch.syspath_prepend(str(tmp_path))
    cells = [{"k": k, "mark": str(tmp_path / "mark")} for k in range(6)]
    found = dict(run_cells([("a_deadly_sweep", cell) for cell in cells], jobs=2))
    assert (tmp_path / "mark").exists()
    assert [found[i][0]["k"] for i in range(6)] == list(range(6))


def test_a_cell_that_always_kills_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "a_deadly_sweep.py").write_text(_DEADLY)
    monkeypatch.syspath_prepend(str(tmp_path))
    cells = [{"k": 0, "mark": str(tmp_path / "mark")}, {"k": 9, "mark": ""}]
    with pytest.raises(InputError, match=r"killed 3 times in a row, lastly with .*'k': 9"):
        list(run_cells([("a_deadly_sweep", cell) for cell in cells], jobs=1))


def test_cells_run_on_a_dask_cluster(module: str) -> None:
    distributed = pytest.importorskip("distributed")
    tasks = [(module, {"k": k}) for k in range(5)]
    with distributed.LocalCluster(
        n_workers=1, threads_per_worker=1, processes=False, dashboard_address=None
    ) as cluster:
        found = dict(run_cells(tasks, 2, cluster.scheduler_address))
        assert [found[i][0]["square"] for i in range(5)] == [0, 1, 4, 9, 16]
        with pytest.raises(RuntimeError, match=r"'k': 1.*failed: no"):
            list(run_cells([(module, {"k": 1, "fail": True})], 1, cluster.scheduler_address))


def test_without_dask_a_scheduler_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "distributed", None)
    with pytest.raises(InputError, match=r"--scheduler tcp://h:1: Dask is not installed"):
        list(run_cells([("m", {})], 1, "tcp://h:1"))


_DEADLY = """
import os, signal
from pathlib import Path


def run_cell(cell):
    first = cell["mark"] and not Path(cell["mark"]).exists()
    if (cell["k"] == 2 and first) or cell["k"] == 9:
        if first:
            Path(cell["mark"]).touch()
        os.kill(os.getpid(), signal.SIGKILL)
    return [{"k": cell["k"]}]
"""

_DRIVER = """
import sys
from pathlib import Path
from dipproofs.experiments import EXPERIMENTS, program

if __name__ == "__main__":
    EXPERIMENTS["squares"] = "a sweep of squares"
    program._path = lambda name: "a_sweep_of_squares"
    for text in program.run_experiments(["squares"], Path(sys.argv[1]), jobs=2):
        print(text)
"""


@pytest.mark.skipif(sys.platform == "win32", reason="SIGKILL")
def test_killed_sweeps_go_on_to_the_same_data(module: str, tmp_path: Path) -> None:
    """Kill a sweep at its first cell and again in the middle; compare with an undisturbed one."""
    driver = tmp_path / "driver.py"
    driver.write_text(_DRIVER)
    environment = {**os.environ, "PYTHONPATH": str(tmp_path)}
    command = [sys.executable, str(driver)]
    subprocess.run([*command, str(tmp_path / "whole")], check=True, env=environment, capture_output=True)
    expected = (tmp_path / "whole" / "squares" / "data.csv").read_bytes()
    assert expected.count(b"\n") == 41
    store = tmp_path / "killed" / "squares" / FILE
    counts = []
    for wanted in (0, 11):
        process = subprocess.Popen(
            [*command, str(tmp_path / "killed")], env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        while process.poll() is None and (not store.exists() or store.read_bytes().count(b"\n") <= wanted):
            time.sleep(0.01)  # leave the processor to the sweep
        assert process.poll() is None, "the sweep ended before it could be killed"
        process.kill()
        process.wait()
        counts.append(store.read_bytes().count(b"\n"))
        assert not (store.parent / "data.csv").exists()
    assert counts == sorted(counts) and counts[-1] > 11
    subprocess.run([*command, str(tmp_path / "killed")], check=True, env=environment, capture_output=True)
    assert (store.parent / "data.csv").read_bytes() == expected
    whole, killed = (
        json.loads((tmp_path / name / "squares" / "settings.json").read_text()) for name in ("whole", "killed")
    )
    assert whole == killed


# --- statistics -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(("k", "n"), [(0, 5), (1, 5), (5, 5), (7, 20), (50, 100)])
def test_exact_intervals_cover_as_they_say(k: int, n: int) -> None:
    from scipy.stats import binom

    low, high = clopper_pearson(k, n)
    assert 0 <= low <= k / n <= high <= 1
    if k > 0:
        assert binom.sf(k - 1, n, low) == pytest.approx(0.025)
    if k < n:
        assert binom.cdf(k, n, high) == pytest.approx(0.025)


def test_boundaries_and_powers() -> None:
    assert half_boundary([1, 2, 4], [0.6, 0.4, 0.8]) == pytest.approx(2 * 2**0.25)
    assert half_boundary([1, 2], [0.5, 1.0]) == 1
    assert fitted_power([1, 2], [1, 2]) is None
    assert fitted_power([1, 2, 4], [np.inf, 2, 4]) is None
    rng = np.random.default_rng(0)
    x = np.geomspace(1, 100, 200)
    slope, error = fitted_power(x, x**1.5 * np.exp(0.1 * rng.standard_normal(200)))
    assert abs(slope - 1.5) < 4 * error and error < 0.01


# --- batches --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("activation", "train"), [("tanh", "both"), ("tanh", "inner"), ("tanh", "outer"), ("sigmoid", "both")]
)
def test_batches_do_what_descend_does(activation: str, train: str) -> None:
    from dipproofs.descent import descend

    sizes = [Size(9, 3, 20, train, activation=activation), Size(9, 3, 13, train, 1.0, activation=activation)]
    problems, networks = zip(*(random_instance(size, seed) for seed, size in enumerate(sizes)))
    for step in ("auto", 0.05):
        batch = run_batch(problems, networks, step, 300, 1e-6, ends=True)
        for i, (problem, network) in enumerate(zip(problems, networks)):
            alone = descend(problem, network, None, step, max_iterations=300, tolerance=1e-6)
            if step == 0.05:
                assert batch.iterations[i] == alone.iterations
                assert batch.reached[i] == alone.converged
                assert batch.loss[i] == pytest.approx(alone.history.loss[-1], rel=1e-8)
                assert batch.path_length[i] == pytest.approx(alone.history.path_length[-1], rel=1e-8)
                np.testing.assert_allclose(batch.networks[i].V, alone.network.V, rtol=1e-9, atol=1e-9)
                np.testing.assert_allclose(batch.networks[i].W, alone.network.W, rtol=1e-9, atol=1e-9)
            else:
                assert batch.loss[i] == pytest.approx(alone.history.loss[-1], rel=0.3)


def test_batches_notice_overflow_and_count_rises() -> None:
    problem, network = random_instance(Size(6, 3, 8), 1)
    good, bad = run_batch([problem], [network], 0.05, 5000, 1e-6), run_batch([problem], [network], 1e9, 500, 1e-6)
    assert good.rises[0] == 0 and good.reached[0]
    assert not bad.reached[0] and bad.rises[0] >= 1


def test_runs_are_certified_only_by_proof() -> None:
    from dipproofs.experiments.measured import certified_text, measured_runs

    rows = measured_runs(Size(8, 4, 32), [1, 2, 3], 2000, 1e-7)
    assert all(row["reached"] and row["certified"] == 1 for row in rows)
    assert "3 of 3" in certified_text(rows)
    stuck = measured_runs(Size(8, 4, 2, "inner"), [1], 200, 1e-7)
    assert stuck[0]["reached"] == 0 and stuck[0]["certified"] is None
    rows[0] |= {"certified": 0, "reason": "a made-up reason"}
    assert "2 of 3" in certified_text(rows) and "a made-up reason" in certified_text(rows)


# --- command --------------------------------------------------------------------------------------------


def test_the_command_lists_experiments() -> None:
    code, text, _ = run("experiment")
    assert code == 0 and text.strip() == listing()
    assert all(name in text for name in EXPERIMENTS)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("ratse", "--out", "x"), "did you mean 'rates'?"),
        (("rates",), "--out"),
        (("rates", "--all", "--out", "x"), "both"),
    ],
)
def test_bad_input_is_one_line(arguments: tuple[str, ...], words: str) -> None:
    code, text, error = run("experiment", *arguments)
    assert code == 2 and text == "" and words in error and error.count("\n") == 1


def test_listing_imports_nothing_heavy() -> None:
    code = "import sys, dipproofs.experiments.command as c; c.listing(); "
    code += "sys.exit(any(name in sys.modules for name in ('jax', 'sympy', 'matplotlib', 'numpy')))"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


@pytest.mark.parametrize("name", list(EXPERIMENTS))
def test_grids_are_plain_and_distinct(name: str) -> None:
    from importlib import import_module

    module = import_module(f"dipproofs.experiments.{name}")
    for quick in (True, False):
        grid = module.cells(quick, 0)
        keys = [json.dumps(cell, sort_keys=True) for cell in grid]
        assert len(set(keys)) == len(keys) > 0
        assert [json.loads(key) for key in keys] == grid
        assert module.cells(quick, 1) != grid
    assert module.__doc__ and "Source:" in module.__doc__
