"""What came out of checking a certificate."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Row:
    """One line of the table: a claim, what was recomputed, and the outcome.

    That is "ok", "wrong", "not confirmed" (wider bounds leave it open, and no proof rests on it), or why not checked.
    """

    name: str
    claimed: str
    recomputed: str
    outcome: str


@dataclass(frozen=True)
class Verification:
    """The outcome of `verify`.

    Args:
        valid: everything that the certificate claims as proved was proved again, but for bounds that are "not
            confirmed", with a note each: of a graph whose verdict is undecided, where no proof rests on them.
        readable: the files could be read.
        findings: one line each: what was found, what was expected.
        rows: claimed and recomputed enclosures.
        notes: what was taken as given or not checked.
        verdict: the verdict that the certificate states.
    """

    valid: bool
    readable: bool
    findings: tuple[str, ...]
    rows: tuple[Row, ...] = ()
    notes: tuple[str, ...] = ()
    verdict: str = ""

    @property
    def exit_code(self) -> int:
        """0 valid, 1 not valid, 2 unreadable."""
        return 0 if self.valid else 1 if self.readable else 2

    def __repr__(self) -> str:
        """One line: the table is what `str` gives."""
        return f"Verification({self.summary().splitlines()[0]})"

    def __bool__(self) -> bool:
        return self.valid

    def summary(self) -> str:
        """Say the outcome in one line, then the findings and notes; `str` gives the whole table."""
        head = "valid" if self.valid else "not valid" if self.readable else "unreadable"
        if self.readable:
            agreed = sum(row.outcome == "ok" for row in self.rows)
            head += f": the certificate states {self.verdict!r}; {agreed} of {len(self.rows)} statements proved again"
        said = [f"finding: {finding}" for finding in self.findings] + [f"note: {note}" for note in self.notes]
        return "\n".join([head, *said])

    def __str__(self) -> str:
        table = [("statement", "claimed", "recomputed", "")] if self.rows else []
        table += [(row.name, row.claimed, row.recomputed, row.outcome) for row in self.rows]
        widths = [max((len(line[i]) for line in table), default=0) for i in range(3)]
        lines = ["  ".join([*(cell.ljust(w) for cell, w in zip(line, widths)), line[3]]).rstrip() for line in table]
        head, *said = self.summary().split("\n")
        return "\n".join([head, *lines, *said])
