"""What is going on, on standard error of a terminal: from the first second, nothing in pipes and files."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from rich.progress import Progress as Bar

    from dipproofs.certificate.record import Certificate


class Progress:
    """One line on the terminal that says what is being done, and a bar where the end is known.

    Args:
        bar: rich's progress display, or None where nothing is shown.
        text: the first stage.
    """

    def __init__(self, bar: Bar | None, text: str) -> None:
        self._bar = bar
        self._task: Any = None if bar is None else bar.add_task(text, total=None)
        self._certified = ""
        self._tolerance = 0.0

    @property
    def shown(self) -> bool:
        """Whether anybody sees it."""
        return self._bar is not None

    def stage(self, text: str, total: int | None = None) -> None:
        """Say what is done from now on.

        Args:
            text: such as "compiling". total: number of units, where it is known.
        """
        if self._bar is not None:
            self._bar.update(self._task, description=text, total=total, completed=0)

    def step(self, text: str | None = None, done: int = 1) -> None:
        """Count units as done; ``text`` replaces what is said."""
        if self._bar is not None:
            self._bar.update(self._task, advance=done, description=text)

    def expect(self, iterations: int, tolerance: float) -> None:
        """A descent of at most so many iterations begins; it compiles first."""
        self._tolerance = tolerance
        self.stage("compiling", iterations)

    def running(self, iteration: int, loss: float) -> None:
        """Show where a descent is; the callback ``progress`` of `certify`."""
        if self._bar is not None:
            doing = "proving the last iterate" if loss <= self._tolerance else f"running, loss {loss:.3g}"
            self._bar.update(self._task, completed=iteration, description=f"{doing}{self._certified}")

    def certified(self, certificate: Certificate) -> None:
        """Say from which iteration on convergence is proved, and how many more are guaranteed to be enough."""
        if self._bar is None:
            return
        counts = [n for n in certificate.guarantees.iterations_to_loss.values() if n is not None]
        place = certificate.iteration
        said = f"proved from iteration {place} on"
        if counts:
            end = place + max(counts)
            self._bar.update(self._task, total=end)
            least = min(certificate.guarantees.iterations_to_loss, key=float)
            said += f"; loss ≤ {least} is guaranteed after at most {max(counts)} more"
        self._certified = f" (proved from {place})"
        self._bar.console.print(said, markup=False, highlight=False)

    def widths(self, form: str, width: int) -> None:
        """Show which width is tried for which form; the callback of the width search."""
        self.step(f"trying width {width} for form {form}")


@contextmanager
def progress(text: str) -> Iterator[Progress]:
    """Show progress on standard error while the block runs, if that is a terminal.

    Args:
        text: what is done first.

    Example:
        >>> with progress("starting") as shown:
        ...     shown.stage("compiling")
    """
    if not sys.stderr.isatty():
        yield Progress(None, text)
        return
    from rich import progress as rich
    from rich.console import Console

    columns = (
        rich.SpinnerColumn(),
        rich.TextColumn("{task.description}"),
        rich.BarColumn(20),
        rich.TaskProgressColumn(),
        rich.TimeElapsedColumn(),
    )
    with rich.Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        yield Progress(bar, text)


@contextmanager
def waiting(text: str) -> Iterator[None]:
    """Show that something of unknown length goes on."""
    with progress(text):
        yield
