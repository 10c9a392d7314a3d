"""What the command line does between reading a problem file and printing: one certificate."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from dipproofs.certify import api
from dipproofs.errors import InputError

if TYPE_CHECKING:
    from dipproofs.certificate.record import Certificate
    from dipproofs.report.progress import Progress


def certified(
    spec: Any, built: Any, shown: Progress, *, at: Path | None = None, resume: Path | None = None
) -> Certificate:
    """Certify the problem of a problem file.

    Args:
        spec: `ProblemSpec`. built: what it builds.
        shown: progress.
        at: a file with parameters that are certified without a run.
        resume: a directory with the certificate of an interrupted run.

    Raises:
        InputError: files that do not fit the problem.
    """
    if at is not None:
        shown.stage("proving")
        return at_point(spec, built, at)
    shown.expect(built.descent.max_iterations, built.descent.tolerance)
    return api.certify(
        **built.arguments,
        origin=spec.to_json(),
        progress=shown.running,
        announce=shown.certified,
        say=_say,
        resume=resume,
    )


def at_point(spec: Any, built: Any, path: Path) -> Certificate:
    """Certify the parameters in a file, without a run.

    A problem file that names its method and step claims that this method converges from there; else only the existence
    of an exact fit nearby is claimed.

    Args:
        spec: `ProblemSpec`. built: what it builds. path: of the parameters.

    Raises:
        InputError: a file that does not fit the problem.
    """
    from dataclasses import replace

    from dipproofs.certify.point import certify_point
    from dipproofs.networks.point_file import read_point

    options, named = built.descent, not isinstance(built.descent.step, str)
    _refuse_idle(spec.name, built, named)
    point = read_point(path)
    wanted = {"problem", "loss", "form", "distance", "claim_horizon"}
    if named:
        wanted |= {"step", *options.method_options}
    asked = {name: value for name, value in built.arguments.items() if name in wanted}
    if named and options.method != "gradient-descent" and (point.state or point.foreign):
        asked["state"] = point.state_for(asked)
    made = certify_point(**asked, network=point.of(built.network))
    where = {**made.provenance, "problem": spec.to_json(), "parameters": path.name}
    return replace(made, provenance=where)


def _refuse_idle(name: str, built: Any, named: bool) -> None:
    """Refuse what a point without a run would not use; options of the run that ended there are left alone."""
    schedule = built.descent.schedule
    idle = [
        ("certificate.arithmetic", built.certificate.arithmetic, "proved"),
        ("descent.polish", built.descent.polish, "none"),
        ("descent.schedule", schedule if named else "constant", "constant"),
    ]
    for key, found, expected in idle:
        if found != expected:
            raise InputError(f"{name}: found {key} = {found}, expected {expected} with --at; leave it out")


def _say(line: str) -> None:
    sys.stderr.write(f"{line}\n")
