"""Typed options: what a key of a problem file may hold, and one-line messages when it does not.

An options class is a frozen dataclass whose fields are made by `integer`, `number`, `choice`, … The same
rules hold for a TOML file and for the constructor in Python.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, TypeVar

from dipproofs.errors import InputError, closest

LARGEST_SEED = 2**63 - 1


@dataclass(frozen=True)
class Rule:
    """What a key accepts: `convert` gives the stored value, or None for another; `names` are those it may be."""

    expected: str
    convert: Callable[[Any], Any]
    names: tuple[str, ...] = ()

    def check(self, value: Any, name: str) -> Any:
        """Give the stored value, or raise `InputError` naming the key, what was found and expected."""
        result = self.convert(value)
        if result is None:
            near = nearest(value, self.names) if isinstance(value, str) else ""
            raise InputError(f"{name}: found {show(value)}, expected {self.expected}{near}")
        return result


class Options:
    """Base of the options classes: checks every field by its rule when an instance is made."""

    section: ClassVar[str] = ""

    def __post_init__(self) -> None:
        for item in dataclasses.fields(self):  # type: ignore[arg-type]
            value = getattr(self, item.name)
            if value is None and item.default is None:
                continue
            name = f"{self.section}.{item.name}" if self.section else item.name
            object.__setattr__(self, item.name, item.metadata["rule"].check(value, name))
        self.check()

    def check(self) -> None:
        """Check what involves several keys at once; nothing by default."""

    def to_json(self) -> dict[str, Any]:
        """Give the keys and values, in order, without those that are not set."""
        values = {item.name: getattr(self, item.name) for item in dataclasses.fields(self)}  # type: ignore[arg-type]
        return {k: list(v) if isinstance(v, tuple) else v for k, v in values.items() if v is not None}


O = TypeVar("O", bound=Options)
Registry = Mapping[str, type[O]]


def rule_field(rule: Rule, default: Any = dataclasses.MISSING) -> Any:
    """Make a dataclass field with a rule; without a default the key is required."""
    return dataclasses.field(default=default, metadata={"rule": rule})


def integer(default: Any = dataclasses.MISSING, *, minimum: int, maximum: int | None = None) -> Any:
    """An integer (never a boolean) of at least `minimum`."""
    bound = f" ≥ {minimum}" if maximum is None else f" from {minimum} to {maximum}"

    def convert(value: Any) -> int | None:
        good = _is_int(value) and value >= minimum and (maximum is None or value <= maximum)
        return int(value) if good else None

    return rule_field(Rule(f"an integer{bound}", convert), default)


def seed(default: Any = 0) -> Any:
    """The seed of a random generator."""
    return integer(default, minimum=0, maximum=LARGEST_SEED)


def number(
    default: Any = dataclasses.MISSING,
    *,
    minimum: float | None = None,
    above: float | None = None,
    below: float | None = None,
) -> Any:
    """A finite number, ≥ `minimum` or > `above`, and < `below`, if given."""
    return rule_field(Rule("a finite number" + _range(minimum, above, below), _number(minimum, above, below)), default)


def _number(minimum: float | None, above: float | None, below: float | None) -> Callable[[Any], float | None]:
    def convert(value: Any) -> float | None:
        found = finite(value, minimum, above)
        return found if found is None or below is None or found < below else None

    return convert


def _range(minimum: float | None, above: float | None, below: float | None) -> str:
    if below is not None:
        return f" in {'[' if minimum is not None else ']'}{minimum if minimum is not None else above:g}, {below:g}["
    return f" ≥ {minimum:g}" if minimum is not None else f" > {above:g}" if above is not None else ""


def choice(default: Any = dataclasses.MISSING, *, options: Iterable[str]) -> Any:
    """One of a few names."""
    names = tuple(options)
    return rule_field(
        Rule("one of " + ", ".join(names), lambda v: v if isinstance(v, str) and v in names else None, names),
        default,
    )


def text(default: Any = dataclasses.MISSING, *, expected: str = "a non-empty text") -> Any:
    """A non-empty text on one line."""

    def convert(value: Any) -> str | None:
        return value if isinstance(value, str) and value.strip() and value.isprintable() else None

    return rule_field(Rule(expected, convert), default)


def number_or_word(
    default: Any,
    *,
    words: tuple[str, ...],
    above: float | None = None,
    minimum: float | None = None,
    below: float | None = None,
) -> Any:
    """A finite number > `above` or ≥ `minimum`, and < `below`, or one of a few words."""
    listed = " or ".join(f'"{w}"' for w in words)
    as_number = _number(minimum, above, below)

    def convert(value: Any) -> float | str | None:
        return value if isinstance(value, str) and value in words else as_number(value)

    return rule_field(Rule(f"{listed} or a finite number{_range(minimum, above, below)}", convert), default)


def count_or_fraction(default: Any = dataclasses.MISSING) -> Any:
    """A count (an integer ≥ 1) or a fraction of the whole (a number with a decimal point in ]0, 1])."""

    def convert(value: Any) -> int | float | None:
        if _is_int(value):
            return int(value) if value >= 1 else None
        fraction = finite(value, None, 0.0)
        return fraction if fraction is not None and fraction <= 1 else None

    return rule_field(Rule("an integer ≥ 1 or a fraction such as 0.5 (at most 1.0)", convert), default)


def integers(default: Any = dataclasses.MISSING, *, lengths: tuple[int, ...], minimum: int, expected: str) -> Any:
    """A short list of integers, stored as a tuple."""

    def convert(value: Any) -> tuple[int, ...] | None:
        if not isinstance(value, list | tuple) or len(value) not in lengths:
            return None
        return tuple(int(v) for v in value) if all(_is_int(v) and v >= minimum for v in value) else None

    return rule_field(Rule(expected, convert), default)


def read_options(cls: type[O], table: Mapping[str, Any], registry: Registry[O] | None = None) -> O:
    """Read one section of a problem file into an options class.

    Args:
        cls: the options class.
        table: the section's keys and values, without `kind`.
        registry: the section's other kinds, so that messages can say to which kind a key belongs.

    Raises:
        InputError: an unknown key (the nearest valid one is named), a missing key, a wrong type or range.
    """
    fields = {item.name: item for item in dataclasses.fields(cls)}  # type: ignore[arg-type]
    for key in table:
        if key not in fields:
            raise InputError(f"{cls.section}.{key}: unknown key; {_advice(key, cls, fields, registry)}")
    for key, item in fields.items():
        if item.default is dataclasses.MISSING and key not in table:
            raise InputError(f"{cls.section}.{key}: missing, expected {item.metadata['rule'].expected}")
    return cls(**table)


def read_kind(section: str, table: Mapping[str, Any], registry: Registry[O], default: str | None = None) -> O:
    """Read a section whose key `kind` chooses the options class from a registry."""
    kind = table.get("kind", default)
    if kind is None:
        raise InputError(f"{section}.kind: missing, expected one of {', '.join(registry)}")
    if not isinstance(kind, str) or kind not in registry:
        near = nearest(kind, registry) if isinstance(kind, str) else ""
        raise InputError(f"{section}.kind: found {show(kind)}, expected one of {', '.join(registry)}{near}")
    rest = {key: value for key, value in table.items() if key != "kind"}
    return read_options(registry[kind], rest, registry)


def finite(value: Any, minimum: float | None = None, above: float | None = None) -> float | None:
    """Give a finite number as a float, or None for anything else, and for one out of range.

    Example:
        >>> finite(3, minimum=1.0), finite("3"), finite(0.0, above=0.0)
        (3.0, None, None)
    """
    if isinstance(value, bool) or not hasattr(value, "__float__") or getattr(value, "ndim", False):
        return None
    try:
        result = float(value)
    except (OverflowError, TypeError, ValueError):
        return None
    good = math.isfinite(result) and (minimum is None or result >= minimum) and (above is None or result > above)
    return result if good else None


def nearest(word: str, names: Iterable[str]) -> str:
    """Give `"; did you mean …?"` for the closest of some names, or an empty text."""
    close = closest(word, names)
    return f"; did you mean {close}?" if close else ""


def show(value: Any) -> str:
    """Show a value as a problem file would write it, on one short line."""
    if isinstance(value, bool):
        shown = str(value).lower()
    elif isinstance(value, str):
        shown = '"' + value.encode("unicode_escape").decode("ascii") + '"' if not value.isprintable() else f'"{value}"'
    elif isinstance(value, dict):
        shown = "a table"
    else:
        shown = " ".join(str(value).split())
    return shown if len(shown) <= 60 else shown[:57] + "..."


def _advice(key: str, cls: type[O], fields: Mapping[str, Any], registry: Registry[O] | None) -> str:
    for kind, other in (registry or {}).items():
        if other is not cls and any(item.name == key for item in dataclasses.fields(other)):  # type: ignore[arg-type]
            return f"it belongs to kind {kind}, expected here {_listed(fields, registry)}"
    close = closest(key, [*fields, "kind"])
    if close:
        return f"did you mean {close}?"
    return f"expected {_listed(fields, registry)}"


def _listed(fields: Mapping[str, Any], registry: Any) -> str:
    return ", ".join((["kind"] if registry else []) + list(fields)) or "no further keys"


def _is_int(value: Any) -> bool:
    return not isinstance(value, bool) and hasattr(value, "__index__")
