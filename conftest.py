"""What is collected depends on what is installed (torch is optional); compiled JAX programs are kept between runs."""

import gc
import sys
from contextlib import suppress
from importlib.metadata import version
from importlib.util import find_spec
from os import environ, link
from pathlib import Path

import pytest

# a process that a test starts finds this package compiled, as users' do; so does the next run these tests
environ.pop("PYTHONDONTWRITEBYTECODE", None)
sys.dont_write_bytecode = False
# most programs of the tests run for less long than XLA optimises them: optimise little, in child processes as well
if environ.setdefault("JAX_DISABLE_MOST_OPTIMIZATIONS", "1") == "1" and version("jaxlib").startswith("0.10."):
    # XLA ends a process that names an option it does not know, hence the version
    environ["XLA_FLAGS"] = f"{environ.get('XLA_FLAGS', '')} --xla_cpu_use_fusion_emitters=false"
collect_ignore_glob = [] if find_spec("torch") else ["dipproofs/graph/trace_torch/*"]


def pytest_configure(config: pytest.Config) -> None:
    """Keep what XLA compiles in `.pytest_cache`, for each worker its own: compiling is most of a small run."""
    if not hasattr(config, "cache") or config.option.collectonly:
        return
    import jax

    worker = environ.get("PYTEST_XDIST_WORKER")
    if worker is None:  # before there are workers, all of which find what each compiled in earlier runs
        _share([config.cache.mkdir(f"xla-{name}") for name in ("main", "gw0", "gw1", "gw2", "gw3")])
    folder = config.cache.mkdir(f"xla-{worker or 'main'}")
    jax.config.update("jax_compilation_cache_dir", str(folder))
    jax.config.update("jax_persistent_cache_min_compile_time_secs", 0.05)
    jax.config.update("jax_persistent_cache_min_entry_size_bytes", 0)


def _share(folders: list[Path]) -> None:
    entries = {entry.name: entry for folder in folders for entry in folder.glob("*-cache")}
    for folder in folders:
        for name, entry in entries.items():
            with suppress(OSError):  # it is there, or the file system has no links
                link(entry, folder / name)


def pytest_collection_finish() -> None:
    """Look no more at what was imported when garbage is collected: it stays until the end."""
    gc.collect()
    gc.freeze()


@pytest.hookimpl(trylast=True)
def pytest_sessionfinish() -> None:
    """Collect garbage once, for what warns when it goes; pytest's own five collections find little left to look at."""
    gc.collect()
    gc.freeze()
