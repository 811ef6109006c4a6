"""Phenotypes, reversal and what-if."""

import sys

sys.stderr = open(snakemake.log[0], "w", buffering=1)

from pathlib import Path

from hladr.results import write_calls
from hladr.study import load_study

write_calls(load_study(Path("."), snakemake.config), Path("results"))
