"""Every public name has a docstring and a place in the reference."""

from __future__ import annotations

import inspect
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "docs" / "_ext"))
import api_pages

ROOMS = list(api_pages.ROOMS)


def test_every_room_is_in_the_reference() -> None:
    package = Path(api_pages.__file__).resolve().parents[2] / "dipproofs"
    rooms = {f"dipproofs.{p.parent.name}" for p in package.glob("*/__init__.py")}
    assert rooms <= set(ROOMS)


@pytest.mark.parametrize("room", ROOMS)
def test_every_public_name_is_documented(room: str) -> None:
    names = api_pages.public_names(room)
    missing = [name for name in names if not api_pages.description(room, name).strip()]
    assert names and not missing, f"{room}: no docstring (or #: comment, for data) for {', '.join(missing)}"


@pytest.mark.parametrize("room", [room for room in ROOMS if room != "dipproofs"])
def test_public_methods_and_arguments_are_documented(room: str) -> None:
    missing = []
    for name in api_pages.public_names(room):
        value = getattr(sys.modules[room], name)
        if inspect.isclass(value) and value.__module__.startswith("dipproofs"):
            for key, member in vars(value).items():
                if not key.startswith("_") and (inspect.isroutine(member) or isinstance(member, property)):
                    missing += [] if inspect.getdoc(getattr(value, key)) else [f"{name}.{key}"]
    assert not missing, f"{room}: no docstring for {', '.join(missing)}"


def test_data_without_a_comment_is_noticed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "bare_module.py").write_text("#: said\nA = 1\nB = 2\nC = 3\n'''told'''\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    import bare_module

    assert [api_pages._beside_definition(bare_module, name) for name in "ABC"] == ["said", "", "told"]
