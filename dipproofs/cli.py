"""The command line: parses, calls, renders. JAX is imported only by commands that run a descent."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import wraps
from pathlib import Path
from typing import Annotated, Any

try:
    import typer
except KeyboardInterrupt:  # nothing runs yet that would say so in one word
    sys.stderr.write("interrupted\n")
    raise SystemExit(130) from None

from dipproofs.errors import InputError

app = typer.Typer(
    name="dipproofs",
    help="What is proved about this run? Certificates for untrained networks on inverse problems.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    context_settings={"help_option_names": ["-h", "--help"]},
)

Problem = Annotated[Path, typer.Argument(metavar="PROBLEM.toml", help="Problem file.")]
JsonOut = Annotated[str | None, typer.Option("--json", metavar="FILE", help="Write JSON there; - is standard output.")]


@app.callback(invoke_without_command=True)
def _root(version: Annotated[bool, typer.Option("--version", help="Print the version and exit.")] = False) -> None:
    if version:
        from dipproofs import __version__

        typer.echo(f"dipproofs {__version__}")
        raise typer.Exit()


@app.command()
def certify(
    problem: Problem,
    out: Annotated[
        str | None, typer.Option("--out", metavar="DIR", help="Write certificate.json, arrays.npz, report.html.")
    ] = None,
    json: JsonOut = None,
) -> None:
    """Run the descent and certify it, at the earliest iterate possible and again at the last.

    Exit status: 0 proved, 1 not proved, 2 bad input, 130 interrupted (Ctrl-C: what is proved about the run so far is
    printed and written).

    Example: dipproofs certify examples/gaussian.toml --out out
    """
    with _one_line_errors():
        _json_target(json)
        folder = _out_directory(out)
        spec, built = _load(problem)
        from dipproofs.certificate import write as save
        from dipproofs.certify import api

        options = built.descent
        with _progress(options.max_iterations) as (progress, announce):
            certificate = api.certify(
                built.problem,
                built.network,
                built.loss,
                options.step,
                options.schedule,
                options.max_iterations,
                options.tolerance,
                built.certificate.form,
                built.certificate.arithmetic,
                stop=options.stop,
                distance=built.certificate.distance,
                schedule_options=_schedule_options(options),
                origin=spec.to_json(),
                progress=progress,
                announce=announce,
            )
        if folder is not None:
            from dipproofs.report.html import certificate_html

            posed = built.problem
            shapes = {"image_shape": posed.image_shape, "data_shape": posed.operator.range_shape}
            save.save(certificate, folder, report=certificate_html(certificate, **shapes))
        if json is not None:
            record, _ = save.certificate_json(certificate, files=folder is not None)
            _write_json(json, record)
        if json != "-":
            from dipproofs.report.console import render_certificate

            _print(render_certificate(certificate))
            if folder is not None:
                typer.echo(f"written: {folder}/  (check again: dipproofs verify {folder / save.CERTIFICATE})")
    if certificate.run.stopped == "interrupted":
        raise typer.Exit(130)
    raise typer.Exit(0 if certificate.proved else 1)


@app.command()
def check(
    problem: Problem,
    json: JsonOut = None,
    widths: Annotated[bool, typer.Option(help="Also search the width at which each form holds.")] = True,
) -> None:
    """Decide the conditions of every form at initialisation, without a descent; the paper's own among them.

    Exit status: 0 if some form is proved, 1 if none is, 2 bad input.

    Example: dipproofs check examples/gaussian.toml
    """
    with _one_line_errors():
        _json_target(json)
        spec, built = _load(problem)
        from dipproofs.certificate import write as save
        from dipproofs.certify import api

        result = api.check(
            built.problem,
            built.network,
            built.loss,
            built.descent.step,
            built.certificate.arithmetic,
            widths=widths,
            origin=spec.to_json(),
        )
        if json is not None:
            _write_json(json, save.check_json(result))
        if json != "-":
            from dipproofs.report.console import render_check

            _print(render_check(result))
    raise typer.Exit(0 if result.proved else 1)


@app.command()
def verify(
    certificate: Annotated[Path, typer.Argument(metavar="CERTIFICATE.json", help="Certificate.")],
    table: Annotated[bool, typer.Option("--table", help="Every statement: claimed, recomputed, outcome.")] = False,
) -> None:
    """Check a certificate again, with independent arithmetic (Arb) and without the program that made it.

    Exit status: 0 valid, 1 not valid, 2 unreadable.

    Example: dipproofs verify out/certificate.json
    """
    with _one_line_errors():
        from dipproofs.verify import verify as run

        result = run(certificate)
        typer.echo(str(result) if table else result.summary())
    raise typer.Exit(result.exit_code)


@app.command()
def explain(
    name: Annotated[str | None, typer.Argument(help="Theorem form, profile, loss or activation.")] = None,
    latex: Annotated[bool, typer.Option("--latex", help="Formulas as LaTeX.")] = False,
) -> None:
    """Print statement, constants, proof sketch and source; without NAME, list what can be explained.

    Example: dipproofs explain residual
    """
    with _one_line_errors():
        from dipproofs.report.explain import explain as text

        typer.echo(text(name, latex=latex))


def main() -> None:
    """Entry point of the console script."""
    try:
        _plug_in()
        app()
    except KeyboardInterrupt:
        typer.echo("interrupted", err=True)
        sys.exit(130)


def _plug_in() -> None:
    """Add the commands that live in their own rooms."""
    from dipproofs.experiments.command import experiment
    from dipproofs.tables.command import table

    for name, function in (("table", table), ("experiment", experiment)):
        if not any(command.name == name for command in app.registered_commands):
            app.command(name=name)(one_line_errors(function))


# --- helpers --------------------------------------------------------------------------------------------


def one_line_errors(function: Callable[..., None]) -> Callable[..., None]:
    """Let a command print bad input as one line and exit with status 2."""

    @wraps(function)
    def command(*args: Any, **options: Any) -> None:
        with _one_line_errors():
            function(*args, **options)

    return command


@contextmanager
def _one_line_errors() -> Iterator[None]:
    try:
        yield
    except InputError as error:
        typer.echo(f"error: {error}", err=True)
        raise typer.Exit(2) from None
    except KeyboardInterrupt:
        typer.echo("interrupted", err=True)
        raise typer.Exit(130) from None
    except BrokenPipeError:
        raise typer.Exit(1) from None


def _load(path: Path) -> tuple[Any, Any]:
    """Read a problem file and build its problem; JAX runs in 64 bits from here on."""
    from dipproofs.problems import load_problem

    spec = load_problem(path)
    import jax

    jax.config.update("jax_enable_x64", True)
    return spec, spec.build()


def _schedule_options(options: Any) -> dict[str, Any]:
    given = {"polynomial": {"power": options.power}, "cosine": {"horizon": options.horizon or options.max_iterations}}
    return given.get(options.schedule, {})


def _json_target(target: str | None) -> None:
    """Refuse a target that cannot be written before any work is done."""
    if target is None or target == "-":
        return
    from dipproofs.certificate.write import require_writable

    try:
        require_writable(Path(target))
    except OSError as error:
        raise InputError(
            f"--json {target}: cannot write there ({error.strerror}), expected a file in an existing directory; "
            "create the directory first"
        ) from None


def _out_directory(out: str | None) -> Path | None:
    """Return the directory to write to; refuse one that cannot be written before any work is done."""
    if out is None:
        return None
    if not out:
        raise InputError("--out: found an empty name, expected a directory; use --out . for this one")
    from dipproofs.certificate.write import require_directory

    require_directory(out)
    return Path(out)


def _write_json(target: str, record: Any) -> None:
    from dipproofs.certificate.write import dumps, write_atomically

    text = dumps(record)
    if target == "-":
        sys.stdout.write(text)
        return
    try:
        write_atomically(Path(target), text.encode())
    except OSError as error:
        raise InputError(f"--json {target}: cannot write ({error.strerror})") from None


def _print(renderable: Any) -> None:
    """Print for a terminal; into a file or pipe without trailing spaces."""
    if sys.stdout.isatty():
        from rich.console import Console

        Console().print(renderable)
        return
    from dipproofs.report import to_text

    typer.echo(to_text(renderable).rstrip("\n"))


@contextmanager
def _progress(total: int) -> Iterator[tuple[Callable[[int, float], None] | None, Callable[[Any], None] | None]]:
    """Show a bar on standard error, on a terminal only; once certified, the guaranteed remaining iterations."""
    if not sys.stderr.isatty():
        yield None, None
        return
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

    columns = (TextColumn("{task.description}"), BarColumn(), TextColumn("{task.completed} steps"), TimeElapsedColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task("descending", total=total)

        def progress(iteration: int, loss: float) -> None:
            bar.update(task, completed=iteration, description=f"loss {loss:.3g}")

        def announce(certificate: Any) -> None:
            counts = [n for n in certificate.guarantees.iterations_to_loss.values() if n is not None]
            if counts:
                bar.update(task, total=min(total, certificate.iteration + max(counts)))
            bar.console.print(f"certified at iteration {certificate.iteration} ({certificate.form} form)")

        yield progress, announce
