"""Facts of a record that several renderings show: the run, the setting, which quantities, the problem file."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from dipproofs.certificate.stored import forward_of
from dipproofs.report.facts import coarse_tolerance, described, problem_name
from dipproofs.report.numbers import count, number
from dipproofs.report.series import projection_constant, shown_convention
from dipproofs.theory import quantities

if TYPE_CHECKING:
    from dipproofs.certificate.record import Certificate

#: Quantities that answer most questions; `verbose` shows all.
KEY_QUANTITIES = (
    "loss_0", "psi_0", "gamma", "q", "omega", "rate", "sigma_A", "norm_A", "sigma_J", "sigma_AJ", "norm_AJ_ball",
    "lipschitz_AJ", "lipschitz_grad", "rho", "S", "F_inf", "R", "R_prime", "nu_1", "nu_2",
)  # fmt: skip


def problem_title(cert: Certificate) -> str:
    """Return the problem's name and its sizes, in one line."""
    name = problem_name(cert)
    y, A = cert.arrays.get("y"), forward_of(cert.arrays)
    unknowns = None if A is None else A.shape[1]
    sizes = [] if y is None else [f"{count(int(y.size))} observations"]
    if unknowns is not None:
        shape = described(cert).get("image_shape")
        picture = f" ({' × '.join(str(side) for side in shape)} pixels)" if shape else ""
        sizes.append(f"{count(int(unknowns))} unknowns{picture}")
    run = "" if cert.run is None else f"; {count(cert.run.iterations)} iterations"
    return f"{name + ': ' if name else ''}{', '.join(sizes)}; {network_text(cert.network)}{run}"


def quantity_names(certs: Sequence[Certificate], verbose: bool) -> list[str]:
    """Return the names to be shown, in the order of the theory's list of symbols."""
    present = {name for c in certs for name, bound in c.quantities.items() if bound is not None}
    order = list(quantities()) if verbose else list(KEY_QUANTITIES)
    extra = sorted(present - set(order)) if verbose else []
    return [name for name in [*order, *extra] if name in present]


def observed_iterations(cert: Certificate) -> dict[str, int]:
    """Return for each target the first iteration of the run whose loss is below it, where there is one."""
    if cert.run is None:
        return {}
    loss = cert.run.history.loss
    found = {}
    for target in cert.guarantees.iterations_to_loss:
        below = (loss <= float(target)).nonzero()[0]
        if below.size:
            found[target] = int(below[0])
    return found


def run_rows(cert: Certificate) -> list[tuple[str, str]]:
    """Return what there is to say about the run, the problem and the machine, as (name, value)."""
    rows: list[tuple[str, str]] = []
    if cert.run is not None:
        run: Mapping[str, Any] = cert.run.to_json()
        rows.append(("iterations", f"{count(int(run['iterations']))} ({run['stopped']}: {run['reason']})"))
        rows.append(("loss", f"{number(run['loss_first'])} at the start, {number(run['loss_last'])} at the end"))
        if coarse := coarse_tolerance(cert):
            rows.append(("note", coarse))
        rows.append(("path", f"length {number(run['path_length'])}, distance {number(run['distance'])}"))
        rows.append(("step size", steps_text(run["steps"], cert.schedule)))
    constant = projection_constant(cert)
    beside = "" if constant is None else f" (and the constant {number(constant)} of the part that A cannot produce)"
    rows.append(("loss function", f"{shown_convention(cert) or cert.loss.get('kind', '')}{beside}"))
    rows.append(("network", network_text(cert.network)))
    where = cert.provenance
    versions = ", ".join(
        f"{name} {where[name]}" for name in ("dipproofs", "jax", "numpy", "python-flint") if name in where
    )
    rows.append(("made with", f"{versions}; {where.get('device', '?')}, {where.get('dtype', '?')}"))
    return rows


def steps_text(steps: Sequence[Sequence[float]], schedule: Mapping[str, Any]) -> str:
    """Write the step sizes of a run, with the iterations from which they hold."""
    shown = [
        number(gamma, 6) if start == 0 else f"{number(gamma, 6)} from {count(int(start))}" for start, gamma in steps
    ]
    if len(shown) > 4:
        shown = [*shown[:2], "…", shown[-1]]
    kind = str(schedule.get("kind", "constant"))
    options = ", ".join(f"{key} = {value}" for key, value in schedule.items() if key != "kind")
    return f"{', '.join(shown)} ({kind}{': ' + options if options else ''})"


def network_text(network: Mapping[str, Any]) -> str:
    """Describe a network in words, from its JSON description."""
    from dipproofs.networks.record import record_of

    return record_of(network).sentence(network)


def toml_text(tables: Mapping[str, Any]) -> str:
    """Write sections of plain values as TOML; None is left out.

    Example:
        >>> print(toml_text({"signal": {"kind": "image", "shape": [64, 64], "seed": None}}))
        [signal]
        kind = "image"
        shape = [64, 64]
    """
    blocks = []
    loose = {key: value for key, value in tables.items() if not isinstance(value, Mapping)}
    for name, table in [("", loose), *((k, v) for k, v in tables.items() if isinstance(v, Mapping))]:
        lines = [f"[{name}]"] if name else []
        given = {key: value for key, value in table.items() if value is not None}
        lines += [f"{key} = {json.dumps(value, ensure_ascii=False)}" for key, value in given.items()]
        if lines:
            blocks.append("\n".join(lines))
    return "\n\n".join(blocks)
