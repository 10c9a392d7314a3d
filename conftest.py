"""What is collected depends on what is installed: torch is optional."""

from importlib.util import find_spec

collect_ignore_glob = [] if find_spec("torch") else ["dipproofs/graph/trace_torch/*"]
