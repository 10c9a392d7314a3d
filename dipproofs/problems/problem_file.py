"""Reading a problem file: TOML in, checked options out, and from them the problem itself."""

from __future__ import annotations

import tomllib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

from dipproofs.arguments.arrays import sha256_of
from dipproofs.arguments.schema import nearest, read_kind, read_options, show
from dipproofs.arguments.setting import Setting
from dipproofs.errors import InputError, one_line
from dipproofs.operators import OPERATORS, Operator, OperatorOptions
from dipproofs.operators.options import DeterminedOptions
from dipproofs.problems.inverse_problem import InverseProblem
from dipproofs.problems.network_base import NetworkOptions
from dipproofs.problems.network_options import NETWORKS
from dipproofs.problems.noise import NoiseOptions, draw_noise
from dipproofs.problems.run_options import CertificateOptions, DescentOptions, LossOptions
from dipproofs.problems.signals import SIGNALS, SignalData, SignalOptions

SECTIONS = ("operator", "signal", "noise", "network", "loss", "descent", "certificate")


class BuiltProblem(NamedTuple):
    """What `ProblemSpec.build` gives."""

    problem: InverseProblem
    network: Any
    loss: Any
    descent: DescentOptions
    certificate: CertificateOptions

    @property
    def arguments(self) -> dict[str, Any]:
        """What the problem file asks for, by the names of `certify`'s arguments."""
        horizon = self.descent.claim_horizon
        shared = ("step", "schedule", "max_iterations", "tolerance", "relative_tolerance", "schedule_options", "stop")
        return {
            "problem": self.problem,
            "network": self.network,
            "loss": self.loss,
            **{name: getattr(self.descent, name) for name in (*shared, "polish")},
            **{name: getattr(self.certificate, name) for name in ("form", "arithmetic", "distance")},
            **self.descent.method_options,
            **({} if horizon is None else {"claim_horizon": horizon}),
        }


@dataclass(frozen=True)
class ProblemSpec:
    """A checked problem file.

    Args:
        name: the problem file's name; it starts every message.
        directory: where relative paths start.
        operator, signal, noise, network, loss, descent, certificate: the sections, with their defaults.
    """

    name: str
    directory: Path
    operator: OperatorOptions
    signal: SignalOptions
    noise: NoiseOptions
    network: NetworkOptions
    loss: LossOptions
    descent: DescentOptions
    certificate: CertificateOptions

    @classmethod
    def from_dict(cls, tables: Mapping[str, Any], *, directory: Path | str = ".", name: str = "problem") -> ProblemSpec:
        """Check the sections of a problem given as nested dictionaries, as TOML would give them.

        Raises:
            InputError: an unknown section, key or kind, or a value of the wrong type or range.

        Example:
            >>> spec = ProblemSpec.from_dict({"operator": {"kind": "gaussian", "rows": 5, "columns": 10}})
            >>> spec.network.width
            64
            >>> ProblemSpec.from_dict({"operator": {"kind": "gaussian", "rows": 0, "columns": 10}})
            Traceback (most recent call last):
            ...
            dipproofs.errors.InputError: problem: operator.rows: found 0, expected an integer ≥ 1
        """
        with _Prefix(name):
            spec = cls(name=name, directory=Path(directory), **_read_sections(tables))
            spec.build_loss()
            return spec

    def build_problem(self) -> InverseProblem:
        """Make the operator, the signal and the data."""
        with _Prefix(self.name):
            return self._problem(self._setting())

    def build_operator(self) -> Operator:
        """Make the operator alone."""
        with _Prefix(self.name):
            return self._operator(self._setting())

    def build(self) -> BuiltProblem:
        """Make the problem, the network and the loss.

        Raises:
            InputError: a file that is missing or does not fit, sections that contradict each other.
        """
        with _Prefix(self.name):
            setting = self._setting()
            problem = self._problem(setting)
            network = self.network.build(setting, problem.operator)
            return BuiltProblem(problem, network, self.build_loss(), self.descent, self.certificate)

    def build_loss(self) -> Any:
        """Make the loss."""
        from dipproofs.losses import make_loss

        return make_loss(self.loss.kind, **self.loss.parameters)

    def to_json(self) -> dict[str, Any]:
        """Give every section with its defaults, and the SHA-256 of the files it names."""
        kinds: dict[str, str] = {
            "operator": _kind_of(self.operator, OPERATORS),
            "signal": _kind_of(self.signal, SIGNALS),
            "network": _kind_of(self.network, NETWORKS),
        }
        result: dict[str, Any] = {}
        for section in SECTIONS:
            options = getattr(self, section)
            kind = {"kind": kinds[section]} if section in kinds else {}
            result[section] = kind | options.to_json()
            for key, entry in (("path", "sha256"), ("mask", "mask_sha256")):
                path = getattr(options, key, None)
                if path is not None and (self.directory / path).is_file():
                    result[section][entry] = sha256_of(self.directory / path)
        return result

    def _setting(self) -> Setting:
        return Setting(self.directory, self.signal.shape, getattr(self.operator, "path", None), self.descent.dtype)

    def _operator(self, setting: Setting) -> Operator:
        operator = self.operator.build(setting)
        return self.operator.checked(operator) if isinstance(self.operator, DeterminedOptions) else operator

    def _problem(self, setting: Setting) -> InverseProblem:
        operator = self._operator(setting)
        data = self.signal.build(setting, operator)
        y, noise = self._observe(operator, data)
        return InverseProblem(
            operator,
            y,
            data.x_true,
            noise,
            image_shape=self.signal.shape or operator.domain_shape or _square_image(self.signal, operator),
            name=Path(self.name).stem,
        )

    def _observe(self, operator: Operator, data: SignalData) -> tuple[Any, float | None]:
        if data.y is not None:
            if self.noise.level > 0:
                raise InputError(
                    f"noise.level: found {self.noise.level:g}, but y is read from a file and holds its noise "
                    "already; leave level out, or state ‖ε‖ as noise.norm"
                )
            return data.y, self.noise.norm
        if self.noise.norm is not None:
            raise InputError("noise.norm: is for measured data (y from a file); use noise.level for generated data")
        assert data.x_true is not None
        clean = operator.matvec(operator.signal_vector(data.x_true, "x_true"))
        y = clean + draw_noise(clean, self.noise.level, self.noise.seed)
        return y, None


def load_problem(path: Path | str) -> ProblemSpec:
    """Read and check a problem file.

    Args:
        path: a TOML file with the sections operator (required), signal, noise, network, loss, descent and
            certificate.

    Returns:
        The checked options; `build()` makes the problem, the network and the loss.

    Raises:
        InputError: one line naming the file, the key, what was found and what was expected.

    Example:
        >>> load_problem("missing.toml")
        Traceback (most recent call last):
        ...
        dipproofs.errors.InputError: missing.toml: no such file, expected a TOML problem file
    """
    try:
        file = Path(path)
    except TypeError:
        raise InputError(f"problem file: found {show(path)}, expected the path of a TOML file") from None
    if file == Path():
        raise InputError('problem file: found an empty path, or ".", expected the path of a TOML file')
    name = file.name or str(path)
    try:
        if not file.exists():
            raise InputError(f"{name}: no such file, expected a TOML problem file")
        if file.is_dir():
            raise InputError(f"{name}: found a directory, expected a TOML problem file")
        tables = tomllib.loads(file.read_text(encoding="utf-8-sig"))
    except tomllib.TOMLDecodeError as error:
        expected = 'expected lines such as kind = "gaussian", text in quotes'
        raise InputError(f"{name}: not valid TOML: {one_line(error)}; {expected}") from None
    except UnicodeDecodeError:
        raise InputError(f"{name}: not a text file in UTF-8, expected a TOML problem file") from None
    except (OSError, RecursionError) as error:
        raise InputError(f"{name}: cannot be read: {one_line(error)}") from None
    return ProblemSpec.from_dict(tables, directory=file.parent, name=name)


class _Prefix:
    """Put the problem file's name before the message of an `InputError`."""

    def __init__(self, name: str) -> None:
        self.name = name

    def __enter__(self) -> None:
        return None

    def __exit__(self, kind: Any, error: BaseException | None, trace: Any) -> None:
        if isinstance(error, InputError) and not str(error).startswith(f"{self.name}: "):
            raise InputError(f"{self.name}: {one_line(error)}") from None


def _read_sections(tables: Mapping[str, Any]) -> dict[str, Any]:
    for section, table in tables.items():
        rows = table if isinstance(table, list) and table else [table]
        if section not in SECTIONS and not all(isinstance(row, Mapping) for row in rows):
            raise InputError(f"{section}: found a key outside a section, expected keys below a line such as [operator]")
        if section not in SECTIONS:
            advice = nearest(section, SECTIONS) or f"; expected {', '.join(SECTIONS)}"
            raise InputError(f"[{section}]: unknown section{advice}")
        if not isinstance(table, Mapping):
            raise InputError(f"[{section}]: found {show(table)}, expected a section with keys")
    if "operator" not in tables:
        raise InputError("[operator]: section is missing, expected at least operator.kind")
    operator = read_kind("operator", tables["operator"], OPERATORS)
    default_signal = "none" if getattr(operator, "path", None) else "gaussian"
    return {
        "operator": operator,
        "signal": read_kind("signal", tables.get("signal", {}), SIGNALS, default_signal),
        "noise": read_options(NoiseOptions, tables.get("noise", {})),
        "network": read_kind("network", tables.get("network", {}), NETWORKS, "two-layer"),
        "loss": read_options(LossOptions, tables.get("loss", {})),
        "descent": read_options(DescentOptions, tables.get("descent", {})),
        "certificate": read_options(CertificateOptions, tables.get("certificate", {})),
    }


def _kind_of(options: Any, registry: Mapping[str, Callable[..., Any]]) -> str:
    return next(kind for kind, cls in registry.items() if cls is type(options))


def _square_image(signal: SignalOptions, operator: Operator) -> tuple[int, ...] | None:
    from dipproofs.arguments.setting import square
    from dipproofs.problems.signals import ImageSignal

    return square(operator.columns) if isinstance(signal, ImageSignal) else None
