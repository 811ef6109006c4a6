"""A batch of bead runs: peaks, lines, pictures."""

import sys

sys.stderr = open(snakemake.log[0], "w", buffering=1)

from pathlib import Path

from hladr.plan import worker_memory_mb
from hladr.specimens import calibrate_batch

calibrate_batch(
    snakemake.params.rows,
    snakemake.params.labs,
    snakemake.params.settings,
    folder=Path("."),
    out=Path(snakemake.output[0]),
    memory_mb=worker_memory_mb(snakemake.resources.mem_mb, snakemake.resources.attempt),
)
