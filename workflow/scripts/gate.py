"""A batch of tubes: gates, PE of the monocytes, GatingML, pictures."""

import sys

sys.stderr = open(snakemake.log[0], "w", buffering=1)  # noqa: F821

from pathlib import Path

from hladr.plan import worker_memory_mb
from hladr.specimens import gate_batch

gate_batch(
    snakemake.params.rows,  # noqa: F821
    snakemake.params.labs,  # noqa: F821
    snakemake.params.settings,  # noqa: F821
    folder=Path("."),
    out=Path(snakemake.output[0]),  # noqa: F821
    progress=Path(snakemake.log[0]).with_suffix(".progress"),  # noqa: F821
    memory_mb=worker_memory_mb(snakemake.resources.mem_mb, snakemake.resources.attempt),  # noqa: F821
)
