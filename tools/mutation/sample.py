"""Keep a random sample of a Cosmic Ray session, in random order: `python sample.py SESSION CONFIG`.

The strata of `[sample.strata]` are drawn one by one, so that the large files do not crowd out the small ones. Operators
that no slip of the pen makes (`+` for `>>`) are left out by `[sample] operators`; formulas are mutated where
formulas stand.
"""

from __future__ import annotations

import random
import re
import sys
import tomllib
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

from cosmic_ray.work_db import use_db


def sample(items: list[tuple[str, str, str]], options: dict[str, Any]) -> set[str]:
    """Return the ids that are kept, of (id, operator, path)."""
    wanted = re.compile("|".join(options["operators"]))
    formulas = options["formulas"]
    fitting = [
        item
        for item in sorted(items)
        if wanted.fullmatch(item[1]) and (not item[1].startswith("formula/") or fnmatchcase(item[2], formulas))
    ]
    kept: set[str] = set()
    for number, stratum in enumerate(options["strata"]):
        own = [i for i in fitting if any(fnmatchcase(i[2], p) for p in stratum["files"]) and i[0] not in kept]
        chosen = random.Random(options["seed"] + number).sample(own, min(stratum["count"], len(own)))
        print(f"{len(chosen):4d} of {len(own):5d} mutants of {', '.join(stratum['files'])}")
        kept.update(item[0] for item in chosen)
    return kept


def main(session: str, config: str) -> None:
    """Leave the sample alone in the session, in random order, so that a run stopped early is a sample."""
    options = tomllib.loads(Path(config).read_text(encoding="utf-8"))["sample"]
    with use_db(session) as db:
        items = {}
        for item in db.work_items:
            mutation = item.mutations[0]
            key = f"{mutation.module_path}:{mutation.start_pos}:{mutation.operator_name}:{mutation.occurrence:06d}"
            items[key] = item
        places = [(k, i.mutations[0].operator_name, i.mutations[0].module_path.as_posix()) for k, i in items.items()]
        kept = sorted(sample(places, options))
        random.Random(options["seed"]).shuffle(kept)
        db.clear()
        db.add_work_items(items[key] for key in kept)


if __name__ == "__main__":
    main(*sys.argv[1:])
