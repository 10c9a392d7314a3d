"""What the device computes while a watcher looks at an iterate: the chunks that come next if nothing changes."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from dipproofs.descent.engine import Engine, Setting

#: Beyond this many parameters a spare iterate is too dear.
_PARAMETERS = 2**23


@dataclass(frozen=True)
class _Begun:
    before: Any
    setting: Setting
    count: int
    tolerance: float
    result: tuple[Any, Any]


class Ahead:
    """Chunks in the order in which they were begun; JAX gives the result of a call before it is computed.

    Args:
        engine: of the run.

    Notes:
        A chunk is taken for what it is: the same call with the same arguments, which nothing is asked of sooner. So a
        run has the same numbers with and without it. One that was guarded against a rise and saw none serves for one
        that is not.
    """

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._begun: list[_Begun] = []
        self._small = engine.parameter_count <= _PARAMETERS

    @property
    def idle(self) -> bool:
        """Whether nothing is begun."""
        return not self._begun

    def begin(self, before: Any, setting: Setting, counts: list[int], tolerance: float) -> None:
        """Let the device start chunks of these lengths, after those begun already, if there are any."""
        if not self._small:
            return
        for count in counts:
            start = self._begun[-1].result[0] if self._begun else before
            result = self._engine.begin(start, setting, count, tolerance)
            self._begun.append(_Begun(start, setting, count, tolerance, result))

    def take(self, before: Any, setting: Setting, count: int, tolerance: float) -> Any:
        """The result of a chunk if it was begun; else None, and everything begun is forgotten."""
        if self._begun:
            first = self._begun.pop(0)
            known = first.before is before and (first.count, first.tolerance) == (count, tolerance)
            if known and self._serves(first, setting):
                return first.result
            self._begun.clear()
        return None

    def _serves(self, begun: _Begun, setting: Setting) -> bool:
        if begun.setting == setting:
            return True
        unguarded = replace(begun.setting, guarded=False) == setting
        return unguarded and int(begun.result[0].status) != self._engine.loop.RISEN
