"""Gates of all tubes in one folder, stale ones removed."""

import sys

sys.stderr = open(snakemake.log[0], "w", buffering=1)

from pathlib import Path

from hladr.results import publish_gates

publish_gates([Path(p) for p in snakemake.input.tubes], [Path(p) for p in snakemake.params.beads], Path("results"))
