"""The tables for Excel, and the list of problems."""

import sys

sys.stderr = open(snakemake.log[0], "w", buffering=1)

from pathlib import Path

from hladr.results import write_workbooks
from hladr.study import load_study

write_workbooks(load_study(Path("."), snakemake.config), Path("results"))
