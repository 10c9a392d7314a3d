"""The command ``dipproofs experiment``."""

from pathlib import Path
from typing import Annotated
import typer
from ..errors import InputError


def experiment(
    name: Annotated[str, typer.Argument(help="Name of the experiment.")],
    out: Annotated[Path, typer.Option("--out", metavar="DIR", help="Where data and figures go.")],
    quick: Annotated[bool, typer.Option("--quick", help="Under a minute.")] = False,
) -> None:
    """Run one of the experiments and write its data and figures."""
    raise InputError(f"experiment: found {name!r}, expected one of the experiments (none installed yet)")
