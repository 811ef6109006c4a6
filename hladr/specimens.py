"""Batches of tubes and bead runs, from files to a folder of values and pictures; what the workflow's batch jobs call."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path

from .batch import run_batch
from .flags import finding

WORKER_DIED = "hladr could not finish this file: {}; the others of its batch are not touched"


def gate_batch(
    rows: Sequence[Mapping], labs: Mapping, config: Mapping, folder: Path, out: Path, progress: Path | None = None
) -> None:
    """Gate a batch of tubes: `readings.jsonl`, `gates/SAMPLE_ID.xml` and `pictures/SAMPLE_ID.png` in `out`.

    Parameters
    ----------
    rows : sequence of mapping
        sample_id, fcs (relative to the study, or None), lab, override (or None).
    labs : mapping
        The entries of labs.yaml that the rows name.
    config : mapping
        The sections quality, gating, quantify and run.
    folder, out : path
        The study; the batch's folder, made here.
    progress : path, optional
        Grows by one byte per finished tube.
    """
    from .gatingml import write
    from .plots import draw_tube
    from .tube import failed_reading, read_tube

    def work(position: int) -> str:
        row = rows[position]
        reading, arrays = read_tube(folder, row, labs[row["lab"]], config)
        if arrays is not None:
            _write_text(gates / f"{reading.sample_id}.xml", write(arrays))
            if config["run"]["pictures"]:
                (pictures / f"{reading.sample_id}.png").write_bytes(draw_tube(arrays, reading))
        return reading.to_json()

    def dead(position: int, how: str) -> str:
        return failed_reading(rows[position], finding("worker_died", WORKER_DIED.format(how))).to_json()

    gates, pictures = _folders(out, "gates", "pictures")
    if progress is not None:
        progress.unlink(missing_ok=True)
    lines = run_batch([row["sample_id"] for row in rows], work, dead, progress)
    _write_text(out / "readings.jsonl", "".join(line + "\n" for line in lines))
