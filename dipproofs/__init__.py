"""dipproofs: what is proved about this run?"""

__version__ = "0.1.0"
