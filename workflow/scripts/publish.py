"""Gates of all tubes in one folder, stale ones removed."""

import sys

sys.stderr = open(snakemake.log[0], "w", buffering=1)

from pathlib import Path

from hladr.results import publish_gates
from hladr.study import load_study

publish_gates(load_study(Path("."), snakemake.config), Path("results"))
