"""What comes from outside: keys of problem files, arrays, files and pictures, and one line when they do not fit.

The bottom layer beside the theory: operators, losses, networks and problems read their arguments through it.
"""

from dipproofs.arguments.arrays import exact_array, to_numpy
from dipproofs.arguments.files import read_arrays, take
from dipproofs.arguments.pictures import grey_values
from dipproofs.arguments.schema import Options, choice, count_or_fraction, integer, number, read_options, seed, text
from dipproofs.arguments.setting import Setting

__all__ = [
    "Options",
    "Setting",
    "choice",
    "count_or_fraction",
    "exact_array",
    "grey_values",
    "integer",
    "number",
    "read_arrays",
    "read_options",
    "seed",
    "take",
    "text",
    "to_numpy",
]
