"""The command line: parses, calls, renders. JAX is imported only by commands that run a descent."""

from __future__ import annotations

import errno
import os
import sys
from collections.abc import Callable, Sequence
from functools import wraps
from pathlib import Path
from typing import Annotated, Any, NoReturn

try:
    import typer
    from typer.core import TyperGroup
except KeyboardInterrupt:  # nothing runs yet that would say so in one word
    sys.stderr.write("interrupted\n")
    raise SystemExit(130) from None

from dipproofs.collector import own_process, uncollected
from dipproofs.compilation_cache import keep_compilations
from dipproofs.errors import InputError, unwritable


class _Commands(TyperGroup):
    """The commands; a mistake in calling one is said in one line, like every other."""

    def main(self, args: Sequence[str] | None = None, *rest: Any, standalone_mode: bool = True, **options: Any) -> Any:
        """Parse and run."""
        try:
            found = super().main(*(args, *rest), **{**options, "standalone_mode": False})
        except typer.Abort:
            typer.echo("interrupted", err=True)
            sys.exit(_INTERRUPTED)
        except Exception as error:
            if not isinstance(error, typer.BadParameter.__bases__):  # an option that does not exist, a missing argument
                raise
            _say_usage(error)
            sys.exit(2)
        if standalone_mode:
            sys.exit(found if isinstance(found, int) else 0)
        return found


def _say_usage(error: Any) -> None:
    """Say in one line what is wrong with a call; one without a command gets the help."""
    text, context = error.format_message(), error.ctx
    if "\n" not in text:
        text = f"error: {text.rstrip('.')}; {context.command_path if context else 'dipproofs'} -h says what there is"
    typer.echo(text, err=True)


app = typer.Typer(
    name="dipproofs",
    cls=_Commands,
    help="What is proved about this run? Certificates for untrained networks on inverse problems.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    context_settings={"help_option_names": ["-h", "--help"]},
)

#: A full or broken device.
_FULL = (errno.ENOSPC, errno.EIO)
#: Exit status after Ctrl-C.
_INTERRUPTED = 130

Problem = Annotated[Path, typer.Argument(metavar="PROBLEM.toml", help="Problem file.")]
#: What `check` needs of a problem file: the setting, and what decides about forms and iterations.
_CHECKED = (
    *("problem", "network", "loss", "step", "arithmetic"),
    *("form", "schedule", "schedule_options", "tolerance", "relative_tolerance", "method"),
)
JsonOut = Annotated[str | None, typer.Option("--json", metavar="FILE", help="Write JSON there; - is standard output.")]


def one_line_errors(function: Callable[..., None]) -> Callable[..., None]:
    """Let a command print bad input as one line and exit with status 2."""

    @wraps(function)
    def command(*args: Any, **options: Any) -> None:
        try:
            function(*args, **options)
        except InputError as error:
            typer.echo(f"error: {error}", err=True)
            raise typer.Exit(2) from None
        except KeyboardInterrupt:
            typer.echo("interrupted", err=True)
            raise typer.Exit(130) from None
        except BrokenPipeError:
            raise typer.Exit(1) from None
        except OSError as error:
            if error.errno not in _FULL:
                raise
            typer.echo(f"error: standard output: cannot write there ({error.strerror}); make room", err=True)
            raise typer.Exit(2) from None

    return command


@app.callback(invoke_without_command=True)
def _root(version: Annotated[bool, typer.Option("--version", help="Print the version and exit.")] = False) -> None:
    if version:
        from dipproofs import __version__

        typer.echo(f"dipproofs {__version__}")
        raise typer.Exit()


@app.command()
@one_line_errors
def certify(
    problem: Problem,
    out: Annotated[
        str | None, typer.Option("--out", metavar="DIR", help="Write certificate.json, arrays.npz, report.html.")
    ] = None,
    json: JsonOut = None,
    at: Annotated[
        Path | None,
        typer.Option("--at", metavar="FILE", help="No run: certify the parameters in FILE (.npz, safetensors, torch)."),
    ] = None,
    resume: Annotated[
        Path | None, typer.Option("--resume", metavar="DIR", help="Go on with the run saved in DIR (by --out).")
    ] = None,
    verbose: Annotated[bool, typer.Option("--verbose", "-v", help="The long text: hypotheses, quantities.")] = False,
) -> None:
    """Run the descent and certify it, at the earliest iterate possible and again at the last.

    Prints what is proved about the signal, the convergence and the existence of an exact fit. Exit status: 0 if what
    was asked for is proved (convergence; with stop = "guaranteed" its bound; where only existence can be claimed,
    that), 1 if not, 2 bad input, 130 interrupted (Ctrl-C: what is proved about the run so far is printed and written).

    Example: dipproofs certify examples/gaussian.toml --out out
    """
    with uncollected():
        _json_target(json)
        folder = _out_directory(out) or resume
        if at is not None and resume is not None:
            raise InputError("--at, --resume: found both, expected one of them; --at certifies without a run")
        from dipproofs.report.progress import progress

    with progress("importing") as shown:
        with uncollected():
            spec, built = _load(problem, shown.stage)
            from dipproofs.command import certified

        certificate = certified(spec, built, shown, at=at, resume=resume)
    with uncollected():
        _show(certificate, built, folder, json, verbose)
    from dipproofs.report import words

    if certificate.run is not None and certificate.run.stopped == "interrupted":
        raise typer.Exit(130)
    raise typer.Exit(0 if words.answered(certificate) else 1)


@app.command()
@one_line_errors
def check(
    problem: Problem,
    json: JsonOut = None,
    widths: Annotated[
        bool, typer.Option("--widths/--no-widths", help="Afterwards search the width at which each form holds.")
    ] = False,
) -> None:
    """Decide the conditions of every form at initialisation, without a descent; the paper's own among them.

    Exit status: 0 if some form is proved, 1 if none is, 2 bad input.

    Example: dipproofs check examples/gaussian.toml
    """
    _json_target(json)
    from dipproofs.report.progress import progress

    with progress("importing") as shown:
        with uncollected():
            spec, built = _load(problem, shown.stage)
            from dipproofs.certify import api

        shown.stage("proving")
        asked = {name: value for name, value in built.arguments.items() if name in _CHECKED}
        result = api.check(**asked, widths=False, origin=spec.to_json())
    from dipproofs.certificate import write as save
    from dipproofs.report.console import render_check, render_widths

    if json != "-":
        _print(render_check(result))
    if widths:
        with progress("trying widths") as shown:
            result = api.with_widths(result, *(asked[name] for name in _CHECKED[:5]), tried=shown.widths)
        if json != "-":
            _print(render_widths(result))
    if json is not None:
        _write_json(json, save.check_json(result))
    raise typer.Exit(0 if result.proved else 1)


@app.command()
@one_line_errors
def verify(
    certificate: Annotated[
        Path, typer.Argument(metavar="CERTIFICATE.json", help="Certificate, or the directory that it lies in.")
    ],
    table: Annotated[bool, typer.Option("--table", help="Every statement: claimed, recomputed, outcome.")] = False,
) -> None:
    """Check a certificate again, with independent arithmetic (Arb) and without the program that made it.

    Exit status: 0 valid, 1 not valid, 2 unreadable.

    Example: dipproofs verify out/certificate.json
    """
    from dipproofs.report.progress import waiting

    with waiting("proving again"):
        with uncollected():
            from dipproofs.verify import verify as run

        result = run(_certificate_file(certificate))
    if not result.readable:
        raise InputError(f"unreadable: {'; '.join(result.findings)}")
    typer.echo(str(result) if table else result.summary())
    raise typer.Exit(result.exit_code)


@app.command()
@one_line_errors
def test(
    problem: Problem,
    examples: Annotated[int, typer.Option("--examples", min=1, help="How many instances to draw.")] = 50,
    seed: Annotated[int, typer.Option("--seed", min=0, help="Of the drawing; the same seed, the same instances.")] = 0,
    json: JsonOut = None,
    case: Annotated[
        str | None, typer.Option("--case", help="Try this instance alone, as a violation names it.")
    ] = None,
    jobs: Annotated[
        int | None, typer.Option("--jobs", "--workers", min=1, help="Number of processes; by default this one alone.")
    ] = None,
    scheduler: Annotated[
        str | None, typer.Option("--scheduler", metavar="ADDRESS", help="A Dask scheduler: its workers run.")
    ] = None,
    out: Annotated[
        Path | None, typer.Option("--out", metavar="DIR", help="Keep what is done there; started again, go on.")
    ] = None,
) -> None:
    """Test the theorem's claims on your own problem: draw initialisations, noise and steps, follow the runs.

    Where the hypotheses are proved, the loss has to fall at every step, at the guaranteed rate, and path, limit and
    signal have to stay within their bounds. Exit status: 0 no violation, 1 a violation (shrunk, with the command that
    repeats it) or hypotheses proved for fewer than half of the instances, 2 bad input.

    Example: dipproofs test examples/gaussian.toml --examples 20
    """
    _json_target(json)
    from dipproofs.report.progress import progress

    with progress("importing") as shown:
        spec, _ = _load(problem, shown.stage)
        try:
            from dipproofs.testing.problem import Case, run_tests
        except ImportError as error:
            raise InputError(str(error)) from None
        one = None if case is None else Case.parse(case)
        shown.stage("testing", examples)
        elsewhere = None
        if jobs is not None or scheduler is not None or out is not None:
            if one is not None:
                raise InputError(
                    "--case: found --jobs, --scheduler or --out as well, expected none of them: one "
                    "instance is examined here and not kept"
                )
            from dipproofs.testing.parallel import examine_elsewhere

            elsewhere = examine_elsewhere(problem, jobs, scheduler=scheduler, folder=out, advance=shown.step)
        how: dict[str, Any] = {"advance": shown.step, "case": one, "elsewhere": elsewhere}
        result = run_tests(spec, examples, seed, command=f"dipproofs test {problem}", **how)
    if json is not None:
        _write_json(json, result.to_json())
    if json != "-":
        typer.echo(str(result))
    raise typer.Exit(0 if result.passed else 1)


@app.command()
@one_line_errors
def report(
    directories: Annotated[list[Path], typer.Argument(metavar="DIR…", help="Directories written by certify --out.")],
    out: Annotated[Path, typer.Option("--out", metavar="FILE", help="The page to write.")],
) -> None:
    """Write one page that shows saved certificates side by side.

    Exit status: 0 written, 2 bad input.

    Example: dipproofs report out-a out-b --out comparison.html
    """
    from dipproofs.certificate.write import require_writable, write_atomically

    with unwritable(f"--out {out}: cannot write there", "; choose another file"):
        require_writable(out)
    from dipproofs.report.progress import waiting

    with waiting("reading"):
        from dipproofs.report.compare import comparison_html
        from dipproofs.report.saved import load_saved

        text = comparison_html([load_saved(directory) for directory in directories])
    write_atomically(out, text.encode())
    typer.echo(f"written: {out}")


@app.command()
@one_line_errors
def explain(
    name: Annotated[str | None, typer.Argument(help="Theorem form, profile, loss or activation.")] = None,
    latex: Annotated[bool, typer.Option("--latex", help="Formulas as LaTeX.")] = False,
) -> None:
    """Print statement, constants, proof sketch and source; without NAME, list what can be explained.

    Example: dipproofs explain residual
    """
    from dipproofs.report.explain import explain as text

    typer.echo(text(name, latex=latex))


def main() -> None:
    """Entry point of the console script."""
    try:
        own_process()
        with uncollected():
            keep_compilations()
            _plug_in()
        app()
    except KeyboardInterrupt:
        typer.echo("interrupted", err=True)
        _leave()
    except SystemExit as end:
        if end.code == _INTERRUPTED:
            _leave()
        raise


def _leave() -> NoReturn:
    """Exit after Ctrl-C: where a device still computes, the interpreter's own way out waits for it or crashes."""
    if "jax" in sys.modules:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(_INTERRUPTED)
    sys.exit(_INTERRUPTED)


def _plug_in() -> None:
    """Add the commands that live in their own subpackages."""
    from dipproofs.experiments.command import experiment
    from dipproofs.tables.command import table

    for name, function in (("table", table), ("experiment", experiment)):
        if not any(command.name == name for command in app.registered_commands):
            app.command(name=name)(one_line_errors(function))


# --- helpers --------------------------------------------------------------------------------------------


@app.command()
@one_line_errors
def operator(
    source: Annotated[Path, typer.Argument(metavar="PROBLEM.toml|FILE", help="Problem file, or a file with a matrix.")],
    key: Annotated[str, typer.Option("--key", metavar="NAME", help="The matrix's name in a file of several.")] = "A",
    json: JsonOut = None,
) -> None:
    """Prove norm, smallest singular value, rank and condition number of an operator.

    Exit status: 0 enclosed, 2 bad input.

    Example: dipproofs operator examples/gaussian.toml
    """
    _json_target(json)
    from dipproofs.operators import command

    facts = command.facts_of(source, key)
    if json is not None:
        _write_json(json, facts.to_json())
    if json != "-":
        typer.echo(command.render(facts))


def _load(path: Path, stage: Callable[[str], None]) -> tuple[Any, Any]:
    """Read a problem file and build its problem; JAX runs in 64 bits from here on."""
    from dipproofs.problems import load_problem

    if path.suffix.lower() == ".json" and path.exists():
        raise InputError(f"{path}: found JSON, expected a TOML problem file; certificates are for dipproofs verify")
    spec = load_problem(path)
    stage("importing JAX")
    import jax

    stage("building")

    jax.config.update("jax_enable_x64", True)
    return spec, spec.build()


def _show(certificate: Any, built: Any, folder: Path | None, json: str | None, verbose: bool) -> None:
    """Write and print what `certify` found."""
    from dipproofs.certificate import write as save

    written = ""
    if folder is not None:
        from dipproofs.report.html import certificate_html
        from dipproofs.report.style import import_figures

        import_figures()
        shapes = {"image_shape": built.problem.image_shape, "data_shape": built.problem.data_shape}
        save.save(certificate, folder, report=certificate_html(certificate, **shapes))
        if certificate.run is not None and certificate.run.snapshot is not None:
            certificate.run.snapshot.save(folder)
        written = f"{folder}/ (report.html; check again: dipproofs verify {folder / save.CERTIFICATE})"
    if json is not None:
        record, _ = save.certificate_json(certificate, files=folder is not None)
        _write_json(json, record)
    if json != "-":
        from dipproofs.report.console import render_certificate

        _print(render_certificate(certificate, verbose=verbose, written=written))


def _certificate_file(path: Path) -> Path:
    """Return the certificate in a directory; say what a file is that cannot be one."""
    if path.suffix.lower() == ".toml":
        raise InputError(f"{path}: found a problem file, expected a certificate; dipproofs certify --out makes one")
    if not path.is_dir():
        return path
    from dipproofs.certificate.write import CERTIFICATE

    if not (path / CERTIFICATE).exists():
        raise InputError(f"{path}: found no {CERTIFICATE}, expected a directory written by dipproofs certify --out")
    return path / CERTIFICATE


def _json_target(target: str | None) -> None:
    """Refuse a target that cannot be written before any work is done."""
    if target is None or target == "-":
        return
    from dipproofs.certificate.write import require_writable

    cure = ", expected a file in an existing directory; create the directory first"
    with unwritable(f"--json {target}: cannot write there", cure):
        require_writable(Path(target))


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
        sys.stdout.flush()
        return
    with unwritable(f"--json {target}: cannot write"):
        write_atomically(Path(target), text.encode())


def _print(renderable: Any) -> None:
    """Print for a terminal; into a file or pipe without trailing spaces."""
    if sys.stdout.isatty():
        from rich.console import Console

        Console().print(renderable)
        return
    from dipproofs.report import to_text

    typer.echo(to_text(renderable).rstrip("\n"))
