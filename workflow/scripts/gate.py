"""A batch of tubes: gates, PE of the monocytes, GatingML, pictures."""

import sys

sys.stderr = open(snakemake.log[0], "w", buffering=1)

from pathlib import Path

from hladr.plan import worker_memory_mb
from hladr.specimens import gate_batch

gate_batch(
    snakemake.params.rows,
    snakemake.params.labs,
    snakemake.params.settings,
    folder=Path("."),
    out=Path(snakemake.output[0]),
    progress=Path(snakemake.log[0]).with_suffix(".progress"),
    memory_mb=worker_memory_mb(snakemake.resources.mem_mb, snakemake.resources.attempt),
)
