"""The report."""

import sys

sys.stderr = open(snakemake.log[0], "w", buffering=1)

from pathlib import Path

from hladr.results import write_report
from hladr.study import load_study

write_report(load_study(Path("."), snakemake.config), Path("results"))
