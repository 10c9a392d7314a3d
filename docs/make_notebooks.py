"""Run the notebooks among the tutorials and write their outputs again.

Run:  python docs/make_notebooks.py
"""

from __future__ import annotations

import contextlib
import json
import sys
import tempfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent / "_ext"))

import notebooks


def main() -> None:
    for path in notebooks.paths():
        notebook = notebooks.load(path)
        with tempfile.TemporaryDirectory() as folder, contextlib.chdir(folder):
            results = notebooks.run(notebook)
        for number, (cell, outputs) in enumerate(zip(notebooks.code(notebook), results, strict=True), start=1):
            cell["execution_count"] = number
            cell["outputs"] = [
                {**one, "execution_count": number} if one["output_type"] == "execute_result" else one for one in outputs
            ]
        path.write_text(json.dumps(notebook, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
        print(path.name)


if __name__ == "__main__":
    main()
