"""Database and dictionary."""

import sys

sys.stderr = open(snakemake.log[0], "w", buffering=1)

from pathlib import Path

from hladr.results import write_exports
from hladr.study import load_study

write_exports(load_study(Path("."), snakemake.config), Path("results"))
