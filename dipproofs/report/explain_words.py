"""The words that certificates, reports and the terminal print, each in a sentence or two, from `glossary.toml`."""

from __future__ import annotations

import tomllib
from functools import cache
from pathlib import Path

from dipproofs.theory import quantities
from dipproofs.theory.architectures import FORMATS
from dipproofs.theory.methods import METHOD_THEOREMS


@cache
def glossary() -> dict[str, dict[str, str]]:
    """Return the tables of the glossary."""
    return tomllib.loads(Path(__file__).with_name("glossary.toml").read_text(encoding="utf-8"))


def groups() -> dict[str, dict[str, str]]:
    """Return the words by group, in the order in which later ones win where a word stands for several things."""
    told = glossary()
    of_networks = {key: text for kind in FORMATS.values() for key, text in kind.meanings.items()}
    setting = told["setting"] | of_networks | told["run"]
    of_methods = {
        condition.id: f"in the theorem about {theorem.kind}: {condition.statement}.".replace("\\", "")
        for theorem in reversed(list(METHOD_THEOREMS.values()))
        for condition in theorem.hypotheses
    }
    known = told["hypothesis"] | told["proof"]
    return {
        "setting": setting,
        "proof": told["proof"],
        "record": told["record"],
        "structure": told["structure"],
        "of the signal": told["signal"],
        "of computed iterates": told["computed"],
        "hypothesis of a method": {name: text for name, text in of_methods.items() if name not in known},
        "verdict": told["verdict"],
        "claim": told["claim"],
        "hypothesis": {name: text for name, text in told["hypothesis"].items() if name not in setting | told["record"]},
        "guarantee": told["guarantee"],
        "method": told["method"],
    }


def _capital(text: str) -> str:
    """Start a sentence with a capital, unless it starts with a symbol."""
    return text[:1].upper() + text[1:] if text[:1].isascii() and text[1:2].isalpha() else text


def words() -> dict[str, str]:
    """Return every word with its explanation, quantities of certificates among them.

    Example:
        >>> words()["rank"].startswith("hypothesis rank")
        True
    """
    found: dict[str, str] = {}
    for group, entries in groups().items():
        found |= {name: f"{group} {name}\n\n{_capital(text)}" for name, text in entries.items()}
    return {name: f"quantity {name}\n\n{quantity.meaning}" for name, quantity in quantities().items()} | found
