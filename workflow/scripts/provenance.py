"""Checksums, versions and the audit chain."""

import sys

sys.stderr = open(snakemake.log[0], "w", buffering=1)

from pathlib import Path

from hladr.results import write_provenance
from hladr.study import load_study

write_provenance(load_study(Path("."), snakemake.config), Path("results"))
