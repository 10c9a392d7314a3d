"""Names and versions of the file format (docs/reference/certificate.md); imports nothing."""

from __future__ import annotations

FORMAT, CHECK_FORMAT = "dipproofs-certificate", "dipproofs-check"
#: The version that is written, and those that are read.
VERSION, VERSIONS = 2, (1, 2)
#: Counts are below this: what is larger is not stated, and not read.
LARGEST_COUNT = 10**300
