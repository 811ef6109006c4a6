"""The study of the throughput benchmark: tubes of 60,000 events and 7 channels on four kinds of cytometers.

    python benchmarks/throughput_study.py FOLDER [--tubes 600] [--events 60000] [--distinct 600]

One bead run per four tubes, five draws per patient. Beyond `--distinct` tubes the files are hard links to the first
ones: 10,000 tubes then take the disk space of 600.
"""

import argparse
import time
from pathlib import Path

from hladr.simulate.study import write_study

MODELS = ("canto", "navios", "calibur", "cytoflex")
DRAWS = (1, 2, 4, 7, 15)


def make_study(folder: Path, tubes: int = 600, events: int = 60_000, distinct: int = 600, seed: int = 1) -> Path:
    """Write a study with this many tubes (rounded up to whole patients); returns its folder."""
    return write_study(
        folder,
        n_patients=-(-tubes // len(DRAWS)),
        draws=DRAWS,
        seed=seed,
        n_events=events,
        models=MODELS,
        tubes_per_bead_run=4,
        distinct_patients=max(min(tubes, distinct) // len(DRAWS), len(MODELS)),
    )


def main() -> None:
    """Write the study and say how long it took and how large it is."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--tubes", type=int, default=600)
    parser.add_argument("--events", type=int, default=60_000)
    parser.add_argument("--distinct", type=int, default=600)
    parser.add_argument("--seed", type=int, default=1)
    arguments = parser.parse_args()
    start = time.perf_counter()
    make_study(arguments.folder, arguments.tubes, arguments.events, arguments.distinct, arguments.seed)
    seconds = time.perf_counter() - start
    files = {path.stat().st_ino: path.stat().st_size for path in arguments.folder.rglob("*.fcs")}
    print(f"{arguments.tubes} tubes of {arguments.events:,} events: {len(files)} files on disk, ", end="")
    print(f"{sum(files.values()) / 1e6:,.0f} MB, {seconds:.1f} s")


if __name__ == "__main__":
    main()
