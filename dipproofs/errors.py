"""The one exception type that users meet for wrong input."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from difflib import get_close_matches
from functools import wraps
from typing import ParamSpec, TypeVar

_P = ParamSpec("_P")
_R = TypeVar("_R")


class InputError(ValueError):
    """Input that cannot be used: one line saying what was found, what was expected and what to do.

    The command line prints the message without a traceback and exits with code 2.

    Example:
        >>> raise InputError("operator.rows: found 0, expected an integer ≥ 1")
        Traceback (most recent call last):
        ...
        dipproofs.errors.InputError: operator.rows: found 0, expected an integer ≥ 1
    """


def one_line(error: Exception, most: int | None = None) -> str:
    """Give what an exception says on one line, at most so many characters; its type where it says nothing.

    Example:
        >>> one_line(ValueError("a\\nb")), one_line(KeyError())
        ('a b', 'KeyError')
    """
    return " ".join(str(error).split())[:most] or type(error).__name__


#: What others call it, and what it is called here.
OTHER_WORDS = {
    **dict.fromkeys(("lr", "learning_rate", "gamma", "step_size", "stepsize"), "step"),
    **dict.fromkeys(("epochs", "iterations", "num_iter", "iters", "steps"), "max_iterations"),
    **dict.fromkeys(("tol", "atol"), "tolerance"),
    **dict.fromkeys(("rtol", "rel_tol"), "relative_tolerance"),
    **dict.fromkeys(("optimizer", "optimiser", "solver"), "method"),
    **dict.fromkeys(("gd", "sgd"), "gradient-descent"),
    **dict.fromkeys(("momentum", "polyak"), "heavy-ball"),
    **dict.fromkeys(("mse", "l2", "least-squares"), "squared"),
    **dict.fromkeys(("l1", "mae"), "huber"),
    **dict.fromkeys(("hidden", "hidden_size", "k"), "width"),
    **dict.fromkeys(("sigma", "std"), "level"),
    **dict.fromkeys(("file", "filename"), "path"),
}


def closest(word: str, names: Iterable[str]) -> str:
    """Give the name that was probably meant: under another word for it, or misspelt; empty if there is none.

    Example:
        >>> closest("lr", ["step", "stop"]), closest("colums", ["rows", "columns"]), closest("epochs", ["polish"])
        ('step', 'columns', '')
    """
    known = list(names)
    other = OTHER_WORDS.get(word.lower(), "")
    near = get_close_matches(word.lower(), known, 1)
    return other if other in known else near[0] if near else ""


@contextmanager
def unwritable(what: str, cure: str = "") -> Iterator[None]:
    """Say in one line which file could not be written.

    Args:
        what: the file, as it was asked for, and that it cannot be written. cure: what to do instead.

    Example:
        >>> with unwritable("--out x: cannot write", "; choose another file"):
        ...     raise PermissionError(13, "Permission denied")
        Traceback (most recent call last):
        ...
        dipproofs.errors.InputError: --out x: cannot write (Permission denied); choose another file
    """
    try:
        yield
    except OSError as error:
        raise InputError(f"{what} ({error.strerror}){cure}") from None


class ArgumentError(InputError, TypeError):
    """A call with an argument that the function does not have; the message names the nearest one that it has."""


def named_arguments(function: Callable[_P, _R]) -> Callable[_P, _R]:
    """Let a function answer an unknown keyword argument with the nearest valid one.

    Example:
        >>> @named_arguments
        ... def run(max_iterations: int = 5) -> int:
        ...     return max_iterations
        >>> run(max_iteration=3)
        Traceback (most recent call last):
        ...
        dipproofs.errors.ArgumentError: run: found argument 'max_iteration', expected ...; did you mean max_iterations?
    """
    known = [name for name in inspect.signature(function).parameters if name not in ("self", "cls")]

    @wraps(function)
    def checked(*args: _P.args, **kwargs: _P.kwargs) -> _R:
        for name in kwargs:
            if name not in known:
                near = closest(name, known)
                hint = f"; did you mean {near}?" if near else ""
                called = function.__qualname__.removesuffix(".__init__")
                raise ArgumentError(f"{called}: found argument {name!r}, expected one of {', '.join(known)}{hint}")
        return function(*args, **kwargs)

    return checked
