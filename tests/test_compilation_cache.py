"""Where compiled descents are kept between processes."""

from __future__ import annotations

import os
import subprocess
import sys

from dipproofs import compilation_cache
from dipproofs.compilation_cache import keep_compilations


def test_folder_of_the_user_is_named_to_jax(tmp_path):
    environment = {"XDG_CACHE_HOME": str(tmp_path)}
    folder = keep_compilations(environment)
    assert folder is not None and folder.parent == tmp_path / "dipproofs" and folder.is_dir()
    assert environment["JAX_COMPILATION_CACHE_DIR"] == str(folder)
    assert keep_compilations({"XDG_CACHE_HOME": str(tmp_path)}) == folder


def test_choices_of_the_user_are_kept(tmp_path):
    chosen = {"XDG_CACHE_HOME": str(tmp_path), "JAX_COMPILATION_CACHE_DIR": "mine"}
    off = {"XDG_CACHE_HOME": str(tmp_path), "DIPPROOFS_CACHE": "off"}
    for environment in (chosen, off):
        before = dict(environment)
        assert keep_compilations(environment) is None
        assert environment == before
    assert not list(tmp_path.iterdir())


def test_a_place_that_cannot_be_written_means_no_cache(tmp_path):
    (tmp_path / "file").write_text("")
    environment = {"XDG_CACHE_HOME": str(tmp_path / "file")}
    assert keep_compilations(environment) is None
    assert "JAX_COMPILATION_CACHE_DIR" not in environment


def test_what_was_not_used_for_longest_goes_first(tmp_path, monkeypatch):
    folder = keep_compilations({"XDG_CACHE_HOME": str(tmp_path)})
    for age, name in enumerate(("new", "middle", "old")):
        (folder / name).write_bytes(bytes(100))
        os.utime(folder / name, (1e9 - age, 1e9 - age))
    monkeypatch.setattr(compilation_cache, "LARGEST_BYTES", 200)
    keep_compilations({"XDG_CACHE_HOME": str(tmp_path)})
    assert sorted(entry.name for entry in folder.iterdir()) == ["middle", "new"]


def test_the_fonts_of_a_first_report_leave_matplotlib_its_own_list(tmp_path):
    code = (
        "from dipproofs.report.style import import_figures; import_figures()\n"
        "from matplotlib import _afm, font_manager as found\n"
        "print(len(found.fontManager.afmlist), bool(found.findfont('DejaVu Sans')), _afm.AFM.__module__)"
    )
    kept = {name: value for name, value in os.environ.items() if name != "MPLCONFIGDIR"}
    where = kept | {"XDG_CACHE_HOME": str(tmp_path), "XDG_CONFIG_HOME": str(tmp_path / "settings")}
    done = subprocess.run([sys.executable, "-c", code], env=where, capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["0", "True", "matplotlib._afm"]
    assert [path.parent.parent.name for path in tmp_path.rglob("fontlist-*.json")] == ["dipproofs"]
