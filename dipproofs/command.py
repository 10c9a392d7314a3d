"""What the command line does between reading a problem file and printing: one certificate."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from dipproofs.certify import api

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
    options = built.descent
    shown.expect(options.max_iterations, options.tolerance)
    return api.certify(
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
        schedule_options=options.schedule_options,
        origin=spec.to_json(),
        progress=shown.running,
        announce=shown.certified,
        say=lambda line: sys.stderr.write(f"{line}\n"),
        resume=resume,
    )
