"""The command-line reference: the help texts of the commands themselves."""

from __future__ import annotations

import os

from typer.testing import CliRunner


def command_page() -> str:
    """Return the reference of all commands as Markdown."""
    from dipproofs import cli

    cli._plug_in()
    names = [command.name or command.callback.__name__ for command in cli.app.registered_commands if command.callback]
    parts = [
        "# Command line\n\nThe help texts as the commands print them (`dipproofs COMMAND --help`).\n",
        "Exit status: 0 proved or valid, 1 not, 2 bad input with one line that says what is wrong, 130 interrupted.\n",
        _block([]),
    ]
    parts += [f"## dipproofs {name}\n\n{_block([name])}" for name in names]
    return "\n".join(parts)


def _block(arguments: list[str]) -> str:
    from dipproofs import cli

    os.environ["COLUMNS"] = "100"
    result = CliRunner().invoke(cli.app, [*arguments, "--help"], prog_name="dipproofs")
    return f"```text\n{result.output.rstrip()}\n```\n"
