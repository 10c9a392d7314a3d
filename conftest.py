"""What is collected depends on what is installed (torch is optional); compiled JAX programs are kept between runs."""

import gc
from importlib.util import find_spec
from os import environ

import pytest

# a process that a test starts finds this package compiled, as users' do
environ.pop("PYTHONDONTWRITEBYTECODE", None)
collect_ignore_glob = [] if find_spec("torch") else ["dipproofs/graph/trace_torch/*"]


def pytest_configure(config: pytest.Config) -> None:
    """Keep what XLA compiles in `.pytest_cache`, for each worker its own: compiling is half of a small run."""
    if not hasattr(config, "cache") or config.option.collectonly:
        return
    import jax

    folder = config.cache.mkdir(f"xla-{environ.get('PYTEST_XDIST_WORKER', 'main')}")
    jax.config.update("jax_compilation_cache_dir", str(folder))
    jax.config.update("jax_persistent_cache_min_compile_time_secs", 0.05)
    jax.config.update("jax_persistent_cache_min_entry_size_bytes", 0)


def pytest_collection_finish() -> None:
    """Look no more at what was imported when garbage is collected: it stays until the end."""
    gc.collect()
    gc.freeze()
