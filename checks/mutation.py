"""Mutation testing: alter one formula at a time and see whether a check notices.

    python -m checks.mutation --fresh 200 --seed 7 --only rigor/   # a draw of new mutants from a room
    python -m checks.mutation --per-file 12                        # so many of every file
    python -m checks.mutation --per-file 0 --only rigor/norms.py   # every mutant of a file
    python -m checks.mutation --formulas                           # the registered formulas, fast
    python -m checks.mutation --again                              # unexplained survivors, with the checks of today
    python -m checks.mutation --report                             # only write checks/mutation-report.md

A mutant is one change in the syntax tree of a source file: a sign, + for −, · for /, an exponent, a factor, a
constant, max for min, lower for upper, < for ≤, a rounding direction. Sources on disk are never touched: a forked
process runs the fast checks that guard the file after it has loaded the altered module in place of the original
(theory: formulas are made at import), or has put the altered code into the functions already loaded (elsewhere).

A fresh draw takes mutants that no earlier run has recorded, so that no check was written for them; its score is kept
apart in checks/mutation-draws.json.
"""

from __future__ import annotations

import argparse
import importlib
import json
import random
from collections import Counter
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Any

from checks.mutation_explanations import explanation
from checks.mutation_guards import guards_of
from checks.mutation_runner import Runner, forked, run_theory
from checks.mutation_sites import ROOT, Mutant, mutants_of, source_line

HERE = Path(__file__).resolve().parent
REPORT, RECORD, DRAWS = HERE / "mutation-report.md", HERE / "mutation-record.json", HERE / "mutation-draws.json"


def key_of(mutant: Mutant, met: Counter[str]) -> str:
    """A name that survives edits elsewhere in the file: source line and change, numbered when they repeat."""
    plain = f"{mutant.file} | {source_line(mutant)} | {mutant.change}"
    met[plain] += 1
    return plain if met[plain] == 1 else f"{plain} ({met[plain]})"


def everything(only: list[str]) -> Iterator[tuple[str, Mutant]]:
    """Every guarded mutant whose file starts with one of the prefixes, with its name in the record."""
    for path in sorted((ROOT / "dipproofs").rglob("*.py")):
        file = path.relative_to(ROOT / "dipproofs").as_posix()
        if guards_of(file) and (not only or file.startswith(tuple(only))):
            met: Counter[str] = Counter()
            for mutant in mutants_of(file):
                yield key_of(mutant, met), mutant


def current(record: dict[str, Any]) -> dict[str, Any]:
    """The entries whose source line is still there; lines that were rewritten are new mutants."""
    known = {key: mutant.line for key, mutant in everything([])}
    kept = {key: entry for key, entry in record.items() if " | " not in key or key in known}
    for key in kept.keys() & known.keys():
        kept[key]["line"] = known[key]
    return kept


def chosen(options: argparse.Namespace, record: dict[str, Any]) -> list[tuple[str, Mutant]]:
    """The mutants to run: a fresh draw from all of them, or so many of every file."""
    population = list(everything(options.only))
    if options.again:
        drawn = [(key, m) for key, m in population if key in record and _open(record[key])]
    elif options.fresh:
        population = [(key, mutant) for key, mutant in population if key not in record]
        print(f"{len(population)} mutants without a record, {options.fresh} drawn with seed {options.seed}", flush=True)
        rng = random.Random(f"{options.seed}:{','.join(options.only)}")
        drawn = rng.sample(population, min(options.fresh, len(population)))
    else:
        drawn = []
        for file in dict.fromkeys(mutant.file for _, mutant in population):
            sites = [(key, mutant) for key, mutant in population if mutant.file == file]
            count = len(sites) if options.per_file == 0 else min(options.per_file, len(sites))
            drawn += random.Random(f"{options.seed}:{file}").sample(sites, count)
    return sorted(drawn, key=lambda pair: (not pair[1].file.startswith("theory/"), pair[1].file, pair[1].number))


def _open(entry: dict[str, Any]) -> bool:
    return entry["outcome"] != "killed" and not explanation(entry)


def run(options: argparse.Namespace, record: dict[str, Any]) -> None:
    """Run the chosen mutants and keep their outcomes."""
    pairs = chosen(options, record)
    names = {id(mutant): key for key, mutant in pairs}
    done: list[dict[str, Any]] = []

    def report(mutant: Mutant) -> None:
        entry = {**asdict(mutant), "source": source_line(mutant)}
        record[names[id(mutant)]] = entry
        done.append(entry)
        store(options.record, record)
        print(f"{mutant.outcome:9} {mutant.file}:{mutant.line} {mutant.change} {mutant.seconds:.1f} s", flush=True)

    mutants = [mutant for _, mutant in pairs]
    run_theory([m for m in mutants if m.file.startswith("theory/")], report)
    Runner([m for m in mutants if not m.file.startswith("theory/")], report).run()
    if options.fresh:
        keep_draw(options, ", ".join(options.only) or "everything", done)


def keep_draw(options: argparse.Namespace, room: str, done: list[dict[str, Any]]) -> None:
    """Add the outcome of a fresh draw to the draws."""
    draws = json.loads(Path(options.draws).read_text(encoding="utf-8")) if Path(options.draws).exists() else []
    survivors = [entry for entry in done if entry["outcome"] != "killed"]
    draws.append({"room": room, "seed": options.seed, "drawn": len(done), "survivors": survivors})
    store(options.draws, draws)


def store(path: str, data: Any) -> None:
    """Write JSON, one line a number."""
    Path(path).write_text(json.dumps(data, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")


def run_formulas(options: argparse.Namespace, record: dict[str, Any]) -> None:
    """Mutants of the registered formulas, see `checks.mutation_formulas`."""
    from checks import mutation_formulas as formulas
    from checks.registry import proofs_of
    from dipproofs import theory
    from dipproofs.theory import gaussian_moments, losses, width

    assert gaussian_moments and losses and width  # they register their formulas
    done = []
    for formula in list(theory.formulas(options.only[0] if options.only else "")):
        for test in sorted({test.split("::")[0][:-3] for test in proofs_of(formula.id)}):
            importlib.import_module(f"checks.{test}")
        met: Counter[str] = Counter()
        named = []
        for change, altered in formulas.alterations(formula.expr):
            met[change] += 1  # the same change at another node is another mutant
            again = f" ({met[change]})" if met[change] > 1 else ""
            named.append((f"{formula.id}#{change}{again}", change, altered))
        if options.fresh:
            named = [item for item in named if item[0] not in record]
        count = len(named) if options.per_file == 0 else min(options.per_file, len(named))
        for key, change, altered in random.Random(f"{options.seed}:{formula.id}").sample(named, count):
            outcome, noticed, seconds = forked(lambda w, f=formula.id, a=altered: _formula_child(f, a, w))
            mutant = Mutant("theory: " + formula.id.split(".")[0], 0, 0, change, outcome, noticed, seconds)
            record[key] = {**asdict(mutant), "source": formula.id}
            done.append(record[key])
            store(options.record, record)
            print(f"{outcome:9} {formula.id} {change} {seconds:.1f} s", flush=True)
    if options.fresh:
        keep_draw(options, "formulas of theory/", done)


def _formula_child(id: str, altered: Any, writer: int) -> int:
    import os

    from checks import mutation_formulas as formulas

    try:
        formulas.install(id, altered)
        failed = formulas.first_failure(id)
    except BaseException as error:
        failed = f"{type(error).__name__}"
    os.write(writer, failed.encode()[:200])
    return 1 if failed else 0


def main() -> None:
    """Run from the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--per-file", type=int, default=12, help="mutants per file or formula, 0 for all")
    parser.add_argument("--fresh", type=int, default=0, help="draw so many mutants that have no record yet")
    parser.add_argument("--only", nargs="*", default=[], help="only files that start with one of these")
    parser.add_argument("--record", default=str(RECORD), help="where outcomes are kept between runs")
    parser.add_argument("--draws", default=str(DRAWS), help="where the scores of fresh draws are kept")
    parser.add_argument("--formulas", action="store_true", help="alter registered formulas; --only is a prefix of ids")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--again", action="store_true", help="run the unexplained survivors of the record again")
    parser.add_argument("--report", action="store_true", help="only write the report from the record")
    options = parser.parse_args()
    kept = Path(options.record)
    record = current(json.loads(kept.read_text(encoding="utf-8")) if kept.exists() else {})
    if not options.report:
        (run_formulas if options.formulas else run)(options, record)
    from checks.mutation_report import write

    draws = json.loads(Path(options.draws).read_text(encoding="utf-8")) if Path(options.draws).exists() else []
    write(record, draws, REPORT)


if __name__ == "__main__":
    main()
