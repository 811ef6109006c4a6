"""Batches of tubes and bead runs, from files to a folder of values and pictures: what the batch jobs call."""

import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from . import provenance
from .atomic import write_bytes, write_text
from .batch import run_batch, where
from .flags import Finding, finding

AUTOMATIC = "automatic"  # below gates: those of the tubes of which a reviewer's gate counts
DIED = "hladr could not finish this file ({}); the others of its batch are not touched"


def gate_batch(
    rows: Sequence[Mapping],
    labs: Mapping,
    config: Mapping,
    folder: Path,
    out: Path,
    progress: Path | None = None,
    memory_mb: int | None = None,
) -> None:
    """Gate a batch of tubes: `readings.jsonl`, `gates/SAMPLE_ID.xml` and `pictures/SAMPLE_ID.png` in `out`.

    Where a reviewer's gate counts, the automatic ones are kept in `gates/automatic/SAMPLE_ID.xml`.

    Parameters
    ----------
    rows : sequence of mapping
        sample_id, lab; fcs and override, paths inside the study, or None.
    labs : mapping
        The entries of labs.yaml that the rows name.
    config : mapping
        The sections quality, gating, quantify and run.
    folder, out : path
        The study; the batch's folder, made here.
    progress : path, optional
        Grows by one byte per finished tube.
    memory_mb : int, optional
        What one tube may take.
    """
    from .gatingml import write, write_automatic
    from .tube import failed_reading, read_tube

    def work(position: int) -> str:
        row = rows[position]
        reading, arrays = read_tube(folder, row, labs[row["lab"]], config)
        if arrays is not None:
            write_text(out / "gates" / f"{reading.sample_id}.xml", write(arrays))
            if arrays.override_xml is not None and arrays.gates.gates:  # the automatic gate is kept beside
                (out / "gates" / AUTOMATIC).mkdir(exist_ok=True)
                write_text(out / "gates" / AUTOMATIC / f"{reading.sample_id}.xml", write_automatic(arrays))
            if config["run"]["pictures"] and arrays.gates.gates:
                from .plots.tube import draw_tube

                _keep_picture(out / "pictures" / f"{reading.sample_id}.png", draw_tube, arrays, reading)
        return reading.to_json()

    def dead(position: int, how: str) -> str:
        return failed_reading(rows[position], _died(how)).to_json()

    _run(rows, "sample_id", work, dead, folder, out, "readings.jsonl", progress, memory_mb)


def calibrate_batch(
    rows: Sequence[Mapping],
    labs: Mapping,
    config: Mapping,
    folder: Path,
    out: Path,
    memory_mb: int | None = None,
) -> None:
    """Calibrate a batch of bead runs: `calibrations.jsonl` and `pictures/BEAD_ID.png` in `out`.

    Parameters
    ----------
    rows : sequence of mapping
        bead_id, lab, fcs, kit, lot; levels of the lot; other_lots of the kit.
    labs, config, folder, out, memory_mb
        As in `gate_batch`; the sections are quantify, beads, kits and run.
    """
    from .calibration import calibrate, failed_calibration
    from .study import BeadRun, Level, file_stem

    # Snakemake hands over plain values, so that it can tell when they change.
    def run_of(row: Mapping) -> BeadRun:
        return BeadRun(**{name: row[name] for name in ("bead_id", "lab", "fcs", "kit", "lot")})

    def levels_of(rows_of_lot: Sequence[Mapping]) -> tuple[Level, ...]:
        return tuple(Level(level["level"], level["value"]) for level in rows_of_lot)

    def work(position: int) -> str:
        row = rows[position]
        run, levels = run_of(row), levels_of(row["levels"])
        others = {lot: levels_of(rows_of_lot) for lot, rows_of_lot in row["other_lots"].items()}
        path = folder / run.fcs if run.fcs else None
        calibration, arrays = calibrate(path, run, levels, labs[run.lab], config, others)
        if arrays is not None and config["run"]["pictures"]:
            from .plots.beads import draw_beads

            path = out / "pictures" / f"{file_stem(calibration.bead_id)}.png"
            _keep_picture(path, draw_beads, arrays, calibration)
        return calibration.to_json()

    def dead(position: int, how: str) -> str:
        return failed_calibration(run_of(rows[position]), config, _died(how)).to_json()

    _run(rows, "bead_id", work, dead, folder, out, "calibrations.jsonl", None, memory_mb)


def _keep_picture(path: Path, draw: Callable[..., bytes], *values: object) -> None:
    """Draw a picture into a file; a mistake of ours in drawing must not cost the value beside it."""
    try:
        write_bytes(path, draw(*values))
    except (MemoryError, OSError):
        raise
    except Exception as error:
        print(f"{path.stem}: no picture: {where(error)}", file=sys.stderr, flush=True)


def _died(how: str) -> Finding:
    return finding("worker_died", DIED.format(how))


def _run(
    rows: Sequence[Mapping],
    key: str,
    work: Callable[[int], str],
    dead: Callable[[int, str], str],
    folder: Path,
    out: Path,
    name: str,
    progress: Path | None,
    memory_mb: int | None,
) -> None:
    """Run a batch between two looks at its files: digests of what was read prove later what the results are made of."""
    for part in ("gates", "pictures"):
        (out / part).mkdir(parents=True, exist_ok=True)
    if progress is not None:
        progress.unlink(missing_ok=True)
    files = {row[key]: folder / row["fcs"] if row["fcs"] else None for row in rows}
    digests = provenance.digest_files(files)
    lines = run_batch([row[key] for row in rows], work, dead, progress, memory_mb)
    write_text(out / name, "".join(line + "\n" for line in lines))
    provenance.write_digests(out / provenance.DIGESTS_NAME, files, digests)
