"""The tables for Excel, and the list of problems."""

import sys

sys.stderr = open(snakemake.log[0], "w", buffering=1)

from pathlib import Path

from hladr.results import write_workbooks

write_workbooks(str(snakemake.params.settings["study"]), snakemake.params.replaced, Path("results"))
