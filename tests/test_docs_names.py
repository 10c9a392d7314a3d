"""Every public name has a docstring and a place in the reference."""

from __future__ import annotations

import inspect
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "docs" / "_ext"))
import api_pages

PACKAGES = list(api_pages.PACKAGES)


def test_every_package_is_in_the_reference() -> None:
    package = Path(api_pages.__file__).resolve().parents[2] / "dipproofs"
    packages = {f"dipproofs.{p.parent.name}" for p in package.glob("*/__init__.py")}
    assert packages <= set(PACKAGES)


@pytest.mark.parametrize("package", PACKAGES)
def test_every_public_name_is_documented(package: str) -> None:
    names = api_pages.public_names(package)
    missing = [name for name in names if not api_pages.description(package, name).strip()]
    assert names and not missing, f"{package}: no docstring (or #: comment, for data) for {', '.join(missing)}"


@pytest.mark.parametrize("package", [package for package in PACKAGES if package != "dipproofs"])
def test_public_methods_and_arguments_are_documented(package: str) -> None:
    missing = []
    for name in api_pages.public_names(package):
        value = getattr(sys.modules[package], name)
        if inspect.isclass(value) and value.__module__.startswith("dipproofs"):
            for key, member in vars(value).items():
                if not key.startswith("_") and (inspect.isroutine(member) or isinstance(member, property)):
                    missing += [] if inspect.getdoc(getattr(value, key)) else [f"{name}.{key}"]
    assert not missing, f"{package}: no docstring for {', '.join(missing)}"


def test_data_without_a_comment_is_noticed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "bare_module.py").write_text("#: said\nA = 1\nB = 2\nC = 3\n'''told'''\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    import bare_module

    assert [api_pages._beside_definition(bare_module, name) for name in "ABC"] == ["said", "", "told"]
