"""The arms side by side."""

import sys

sys.stderr = open(snakemake.log[0], "w", buffering=1)

from pathlib import Path

from hladr.results import write_cohort
from hladr.study import load_study

write_cohort(load_study(Path("."), snakemake.config), Path("results"))
