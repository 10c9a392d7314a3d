"""Tables: records, renderings, files, options, bad input."""

from __future__ import annotations

import csv
import io
import json
import subprocess
import sys
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from dipproofs.errors import InputError
from dipproofs.tables import FORMATS, Column, Table, make_table
from dipproofs.tables.figures import save_figure, varying_axis, width_figure
from dipproofs.tables.options import integers, names, numbers
from dipproofs.tables.render import short

SMALL: dict[str, dict[str, Any]] = {
    "width": {"n": "10,20", "kappa": "1,10", "bound": "all", "train": "all"},
    "constants": {"q": "0.5,1"},
    "activations": {"activation": "tanh,sin"},
    "losses": {"loss": "squared,huber"},
    "rates": {"loss": "squared,huber:delta=1"},
}


@cache
def small(name: str) -> Table:
    return make_table(name, **SMALL[name])


@pytest.fixture(scope="module")
def alone() -> Any:
    """Every table in every format as another process writes it, and what it had imported after the last."""
    code = f"""
import json, sys
from dipproofs.tables import make_table

tables = {{name: make_table(name, **options) for name, options in {SMALL!r}.items()}}
texts = [(name, format, table.render(format)) for name, table in tables.items() for format in {[*FORMATS]!r}]
print(json.dumps([texts, sorted({{"jax", "matplotlib"}} & sys.modules.keys())]))
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=300)
    return json.loads(done.stdout)


@pytest.mark.parametrize("name", SMALL)
def test_every_table_renders_deterministically(name: str, alone: Any) -> None:
    again = {format: text for table, format, text in alone[0] if table == name}
    for format in FORMATS:
        first = small(name).render(format)
        assert first == again[format] and len(first) > 100
        assert "nan" not in first.lower().replace("unnamed", "")


@pytest.mark.parametrize("name", SMALL)
def test_json_and_csv_have_every_record(name: str) -> None:
    table = small(name)
    cells = json.loads(table.render("json"))
    assert [dict(record) for record in table.records] == cells
    rows = list(csv.reader(io.StringIO(table.render("csv"))))
    assert len(rows) == len(cells) + 1 and all(len(row) == len(rows[0]) for row in rows)


def test_contract_of_width_json() -> None:
    cells = json.loads(small("width").render("json"))
    wanted = {
        "n", "m", "d", "kappa", "y_norm", "noise", "loss", "form", "q", "delta", "train", "activation", "bound", "k",
    }  # fmt: skip
    for cell in cells:
        assert wanted <= cell.keys()
        assert isinstance(cell["k"], int) or (cell["k"] is None and cell["reason"])
    assert {cell["bound"] for cell in cells} == {
        "paper-order", "baseline", "rank", "block", "split", "sparse", "best",
    }  # fmt: skip


def test_units_and_evidence_are_in_the_header() -> None:
    header = make_table("width", n=10).render("csv").splitlines()[0]
    assert "k [hidden units, proved]" in header and "κ(A) [‖A‖ = 1]" in header


def test_latex_is_booktabs_and_escaped() -> None:
    text = make_table("width", n=10, bound="paper-order,block").render("latex")
    assert all(rule in text for rule in (r"\toprule", r"\midrule", r"\bottomrule"))
    body = make_table("width", n=10, bound="block,split").render("latex")
    body = body[body.index(r"\midrule") :]
    assert "_" not in body.replace(r"\_", "").replace("_1", "").replace("_2", "")
    assert r"\begin{cases}" in make_table("losses", loss="huber", latex=True).render("latex")


@pytest.mark.parametrize("name", SMALL)
def test_latex_needs_no_unicode(name: str) -> None:
    options = {"losses": {"loss": "all", "latex": True}, "activations": {}}.get(name, SMALL[name])
    text = make_table(name, **options).render("latex")
    lines = [line for line in text.splitlines() if not line.startswith("%")]
    assert all(line.isascii() for line in lines)
    assert not any("?" in line for line in lines), "a character without a LaTeX equivalent"


def test_common_parameters_are_stated_once_in_markdown() -> None:
    text = make_table("width", n="10,20", m=5).render("md")
    assert "all rows: " in text and "δ [probability] = 0.05" in text
    assert "| law of V" not in text


def test_ratio_and_flow() -> None:
    for cell in make_table("width", n=50, form="all", q="0.5,1", bound="block,split").records:
        if cell["k"] is None:
            assert cell["form"] == "residual"
            continue
        assert cell["k"] >= cell["k_flow"] or cell["form"] == "flow"
        assert cell["ratio"] == pytest.approx(cell["k"] / cell["k_flow"], rel=1e-5)
        assert cell["form"] != "flow" or cell["q"] == 0


def test_best_is_the_smallest() -> None:
    records = make_table("width", n=100, train="all", bound="all").records
    for train in ("both", "inner", "outer"):
        rows = [r for r in records if r["train"] == train]
        best = next(r for r in rows if r["bound"] == "best")
        others = {r["bound"]: r["k"] for r in rows if r["k"] is not None and r["bound"] != "best"}
        assert best["k"] == min(others.values()) == others[best["chosen"]]


@pytest.mark.parametrize(
    ("loss", "word"),
    [
        ("cross-entropy", "impossible"),
        ("poisson", "impossible"),
        ("poisson:background=1", "not derived"),
        ("huber:delta=1", "not applicable"),
    ],
)
def test_reasons(loss: str, word: str) -> None:
    (cell,) = make_table("width", n=5, m=10 if loss.startswith("huber") else 5, loss=loss, bound="block").records
    assert cell["k"] is None and word in cell["reason"]


def test_gaussian_entries_have_no_textbook_bound() -> None:
    (cell,) = make_table("width", n=10, law="gaussian", bound="baseline").records
    assert "bounded entries" in cell["reason"]


def test_rank_one_has_condition_number_one() -> None:
    (cell,) = make_table("width", n=10, m=1, kappa=3, bound="block").records
    assert cell["reason"] == "rank one: kappa(A) is 1"


BAD = [
    ({"kappa": 0.5}, "--kappa: found 0.5"),
    ({"delta": 0}, "--delta: found 0"),
    ({"delta": 1}, "--delta: found 1"),
    ({"q": 1.5, "form": "paper"}, "--q: found 1.5, form paper allows ]0,1]"),
    ({"q": 2, "form": "concave"}, "form concave allows ]0,2["),
    ({"q": 2, "form": "residual"}, "form residual allows ]0,1]"),
    ({"q": 0}, "--q: found 0"),
    ({"m": 0}, "--m: found 0, expected an integer ≥ 1"),
    ({"n": 2.5}, "--n: found 2.5"),
    ({"n": "10:1:1"}, "--n: found the range 10:1:1"),
    ({"n": ""}, "--n: found ''"),
    ({"n": "nan"}, "--n: found 'nan'"),
    ({"kappa": "inf"}, "--kappa: found 'inf'"),
    ({"kappa": float("nan")}, "--kappa: found nan"),
    ({"kappa": "1e400"}, "--kappa: found 1e400, expected 0 or a number of size 1e-300 to 1e300"),
    ({"kappa": "1e999999999"}, "--kappa: found 1e999999999"),
    ({"delta": "1e-400"}, "--delta: found 1e-400"),
    ({"y_norm": "1e-300:1e300:x3"}, "--y-norm: found 1e-300:1e300:x3"),
    ({"loss": "squard"}, "did you mean 'squared'?"),
    ({"loss": "huber"}, "found no delta"),
    ({"loss": "huber:delta=0"}, "expected > 0"),
    ({"loss": "huber:width=1"}, "found parameter 'width'"),
    ({"loss": "logit-cross-entropy:y-min=0.7"}, "≤ 0.5"),
    ({"activation": "relu"}, "not Lipschitz"),
    ({"activation": "tan"}, "did you mean 'tanh'?"),
    ({"bound": "blok"}, "did you mean 'block'?"),
    ({"train": "none"}, "--train"),
    ({"noise": -1}, "--noise"),
    ({"widht": 3}, "found 'widht'"),
    ({"n": "1:2000000:1"}, "expected at most 1000000"),
]


@pytest.mark.parametrize(("options", "message"), BAD)
def test_bad_input_is_one_line(options: dict[str, Any], message: str) -> None:
    with pytest.raises(InputError) as caught:
        make_table("width", **options)
    assert message in str(caught.value) and "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("name", "options", "message"),
    [
        ("widths", {}, "did you mean 'width'?"),
        ("constants", {"q": 1.5}, "form paper allows"),
        ("rates", {"target": 2}, "--target: found 2"),
        ("rates", {"f_inf": 3}, "--f-inf: found 3"),
        ("losses", {"loss": "l7"}, "--loss"),
    ],
)
def test_bad_input_of_other_tables(name: str, options: dict[str, Any], message: str) -> None:
    with pytest.raises(InputError, match=message.replace("?", r"\?").replace("]", r"\]")):
        make_table(name, **options)


def test_options_are_exact_decimals() -> None:
    assert str(numbers(0.1, "q")[0]) == "1/10" and str(numbers("1e-3", "q")[0]) == "1/1000"
    assert integers([3, "5:7:1"], "n") == (3, 5, 6, 7)
    assert integers("1:1000000:x7", "n") == tuple(10**i for i in range(7))
    assert names("all", "t", ("a", "b")) == ("a", "b")


def test_rates_agree_with_the_closed_form() -> None:
    """Squared loss: Ψ = −½ ln e, so τ = ⌈ln(f_0/target)/(2F²γκ̃)⌉."""
    import math

    for cell in make_table("rates", form="concave,paper", q="0.5").records:
        rate = 0.75 if cell["form"] == "concave" else 1 / 3
        assert cell["iterations"] == math.ceil(math.log(1 / cell["target"]) / (2 * 0.01 * 0.5 * rate))


def test_write_is_whole_or_nothing(tmp_path: Path) -> None:
    table = make_table("constants", q=1)
    target = tmp_path / "t.csv"
    table.write(target)
    assert target.read_text(encoding="utf-8") == table.render("csv")
    with pytest.raises(InputError, match="no known suffix"):
        table.write(tmp_path / "t.dat")
    with pytest.raises(InputError, match="cannot write"):
        table.write(tmp_path / "nowhere" / "t.csv")
    with pytest.raises(InputError, match="the suffix of csv"):
        table.write(tmp_path / "u.csv", "latex")
    assert [p.name for p in tmp_path.iterdir()] == ["t.csv"]
    with pytest.raises(InputError, match="format"):
        table.render("pdf")


def test_short_rounds_widths_up() -> None:
    assert short(1234567 * 10**9 + 1) == "1.23457e+15"
    assert short(9999999999999) == "1.00000e+13"
    assert short(10**12 - 1) == "999999999999"


def test_markdown_escapes() -> None:
    table = Table("t", "T", (Column("a", "a|b"),), ({"a": "x|y"},))
    assert "a\\|b" in table.render("md") and "x\\|y" in table.render("md")


def test_tables_do_not_import_jax(alone: Any) -> None:
    assert len(alone[0]) == len(SMALL) * len(FORMATS) and alone[1] == []


def test_figures_come_from_the_records(tmp_path: Path) -> None:
    table = make_table("width", n=100, m=10, kappa="1,10,100", form="concave,flow", bound="block,split")
    assert varying_axis(table) == "kappa"
    figure = width_figure(table, "kappa")
    lines = figure.axes[0].get_lines()
    drawn = sorted(float(k) for line in lines for k in line.get_ydata())
    assert drawn == sorted(float(r["k"]) for r in table.records) and len(lines) == 4
    assert figure.axes[0].get_xscale() == figure.axes[0].get_yscale() == "log"
    first = save_figure(figure, tmp_path / "k.png").read_bytes()
    assert save_figure(width_figure(table, "kappa"), tmp_path / "k2.png").read_bytes() == first
    for bad in (tmp_path / "k.bmp", tmp_path / "no" / "k.png"):
        with pytest.raises(InputError):
            save_figure(figure, bad)


def test_figures_refuse_mixed_records() -> None:
    table = make_table("width", n="10,20", m=5, delta="0.1,0.05", bound="block")
    with pytest.raises(InputError, match="several values of delta"):
        width_figure(table, "n")
    with pytest.raises(InputError, match="--plot"):
        varying_axis(make_table("width", n=10, bound="block"))
