"""The reference page of problem files is what the code says."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import pytest

from dipproofs.problems import OPERATORS, SIGNALS
from dipproofs.problems.network_options import NETWORKS
from dipproofs.problems.noise import NoiseOptions
from dipproofs.problems.reference import _meanings, problem_file_reference
from dipproofs.problems.run_options import CertificateOptions, DescentOptions, LossOptions

PAGE = Path(__file__).parents[1] / "docs" / "problem-file.md"
CLASSES = [*OPERATORS.values(), *SIGNALS.values(), *NETWORKS.values()]
CLASSES += [NoiseOptions, LossOptions, DescentOptions, CertificateOptions]


def test_the_page_is_up_to_date() -> None:
    assert PAGE.read_text(encoding="utf-8") == problem_file_reference()


@pytest.mark.parametrize("options", CLASSES, ids=lambda cls: cls.__name__)
def test_every_key_is_explained(options: type) -> None:
    names = {item.name for item in dataclasses.fields(options)}
    assert names <= set(_meanings(options))
