"""Garbage collection: off while a command loads, never touched for library users."""

from __future__ import annotations

import gc

import pytest

from dipproofs import collector


def test_the_library_leaves_the_collector_alone() -> None:
    frozen = gc.get_freeze_count()
    with collector.uncollected():
        assert gc.isenabled()
    assert gc.get_freeze_count() == frozen


@pytest.mark.parametrize("fails", [False, True])
def test_a_process_of_ours_collects_again_after_loading(monkeypatch: pytest.MonkeyPatch, fails: bool) -> None:
    monkeypatch.setattr(collector, "_OURS", True)
    try:
        with collector.uncollected():
            assert not gc.isenabled()
            with collector.uncollected():
                pass
            assert not gc.isenabled(), "the outer one ends it"
            if fails:
                raise ValueError
    except ValueError:
        assert fails
    assert gc.isenabled() and gc.get_freeze_count() > 0
    gc.unfreeze()
