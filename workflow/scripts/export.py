"""Database and dictionary."""

import sys

sys.stderr = open(snakemake.log[0], "w", buffering=1)

from pathlib import Path

from hladr.results import write_exports

write_exports(snakemake.params.has_arms, Path("results"))
