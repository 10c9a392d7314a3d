"""Settings of the manual. Build:  sphinx-build -W --keep-going -b html docs docs/_build/html"""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent / "_ext"))

from dipproofs import __version__

project = "dipproofs"
author = "The dipproofs developers"
copyright = "the dipproofs developers"
version = release = __version__

extensions = [
    "myst_parser",
    "sphinx.ext.autodoc",
    "sphinx.ext.napoleon",
    "offline_math",
    "typeset",
    "generated_pages",
    "built_pages",
]

source_suffix = {".md": "markdown"}
exclude_patterns = ["_build", "_parts", "_generated", "experiments/README.md"]
suppress_warnings = ["myst.header"]  # fragments start at the level of the page that includes them

myst_enable_extensions = ["dollarmath", "colon_fence", "deflist"]
myst_heading_anchors = 4
myst_links_external_new_tab = False

autodoc_member_order = "bysource"
autodoc_typehints = "signature"
autodoc_typehints_format = "short"
autodoc_preserve_defaults = True
napoleon_google_docstring = True
napoleon_numpy_docstring = False
napoleon_use_rtype = False

html_theme = "furo"
html_title = f"dipproofs {version}"
html_static_path = ["_static"]
html_css_files = ["manual.css"]
html_show_sourcelink = False
html_copy_source = False
html_math_renderer = "offline"
