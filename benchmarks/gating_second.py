"""The gates judged by a second opinion: `python benchmarks/gating_second.py [--quick | --set NAME]`.

`benchmarks/gating.py` judges the gates by hladr's own simulator, whose habits they may have learnt. The blood here
(`second_simulator`) was written by somebody who had not read that simulator: 24 regimes, six authors' ways to draw a
cloud, four cytometers' scales and files. Files are written and read as a study's are. The gates were partly developed
against the sets `quick` and `large`; `held` has other seeds, of which some failures were looked at once; `fresh` has
seeds that nobody looked at before its figures were taken: to check, not to tune on.

Columns, over the tubes with at least 100 true monocytes (with a platelet they count, with another cell they do not):

- F1 against the truth, median and worst decile; 0 where no gate was found (refused)
- ceiling: a supervised classifier that knows the tube's truth; behind: tubes more than 0.03 under it
- error of AB/C: of the median PE against the tube's own true monocytes, gain known; refused tubes have none
- F1 < 0.9 flagged: tubes that are `gate_uncertain` or failed, of those; F1 >= 0.97 flagged: `gate_uncertain`, of those
- covered: 95 % intervals (gate and sampling, gain known) that hold the population's value, of the tubes that are not
  `gate_uncertain` and whose compensation is right

For research use only, not for diagnostic use.
"""

import argparse
import csv
import math
import sys
import tempfile
from collections import Counter
from collections.abc import Callable, Iterable
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from pathlib import Path

import numpy as np
import yaml
from second_simulator.ceiling import ceiling, f1
from second_simulator.fcs_file import write_fcs
from second_simulator.populations import KINDS, MONOCYTES
from second_simulator.sets import SETS, Plan, plan
from second_simulator.tube import Tube, make_tube
from threadpoolctl import threadpool_limits

from hladr.tube import TubeReading, read_tube

ROOT = Path(__file__).resolve().parents[1]
ENOUGH = 100
RIGHT = ("none", "right", "precomp")
HEAD = (
    f"{'':12}{'n':>5}{'F1 median':>11}{'decile':>8}{'ceiling':>9}{'behind':>8}{'|error| median':>16}{'95th pct':>10}"
    f"{'refused':>9}{'F1 < 0.9 flagged':>18}{'F1 >= 0.97 flagged':>20}{'covered':>10}"
)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter, allow_abbrev=False
    )
    parser.add_argument("--quick", action="store_true", help="the set quick: 60 tubes")
    parser.add_argument("--set", choices=SETS, default="large", help="60, 426, 228 or 228 tubes (default large)")
    parser.add_argument("--only", default="", metavar="TEXT", help="only tubes whose name contains the text")
    parser.add_argument("--worst", type=int, default=10, metavar="N", help="tubes to list (default 10)")
    parser.add_argument("--out", type=Path, metavar="FOLDER", help="keep rows.csv, the files and the labels there")
    parser.add_argument("--cores", type=int, default=1)
    options = parser.parse_args()
    chosen = [tube for tube in plan("quick" if options.quick else options.set) if options.only in tube.tube_id]
    if not chosen:
        parser.error("no tube of the set has such a name")
    config = yaml.safe_load((ROOT / "config" / "config.yaml").read_text(encoding="utf-8"))
    with tempfile.TemporaryDirectory() as name:
        folder = options.out or Path(name)
        folder.mkdir(parents=True, exist_ok=True)
        rows = scored(chosen, partial(one, folder=folder, config=config, keep=options.out is not None), options.cores)
    if options.out:
        write_rows(options.out / "rows.csv", rows)
    report(rows, options.worst)


def scored(chosen: list[Plan], work: Callable[[Plan], dict], cores: int) -> list[dict]:
    """Do the work for each tube; the order, and with it what is printed, does not depend on the cores."""
    if cores == 1:
        return counted(map(work, chosen), len(chosen))
    with ProcessPoolExecutor(cores) as pool:
        return counted(pool.map(work, chosen), len(chosen))


def counted(results: Iterable[dict], total: int) -> list[dict]:
    rows = []
    for row in results:
        rows.append(row)
        if sys.stderr.isatty():
            print(f"\r{len(rows)} of {total}", end="", file=sys.stderr)
    return rows


def one(planned: Plan, folder: Path, config: dict, keep: bool) -> dict:
    """Make a tube, write it, read it as a study's tube, compare it with its truth."""
    with threadpool_limits(1):
        tube = make_tube(planned.regime, planned.author, planned.seed)
        path = folder / f"{planned.tube_id}.fcs"
        write_fcs(path, tube.file.form, tube.file.channels, tube.file.data, tube.file.keywords)
        listed = {"sample_id": planned.tube_id, "fcs": path.name, "override": None}
        lab = {"markers": tube.file.markers, "compensation": "from_file"}
        reading, arrays = read_tube(folder, listed, lab, config)
        top = ceiling(tube.file.gating, tube.labels)
    if keep:
        np.save(path.with_suffix(".npy"), tube.labels)
    else:
        path.unlink()
    return {
        "tube": planned.tube_id,
        "regime": planned.regime,
        "author": planned.author,
        "cytometer": tube.blood.cytometer,
        "compensation": tube.blood.compensation,
        "events": len(tube.labels),
        "monocytes": int(np.isin(tube.labels, MONOCYTES).sum()),
        "ceiling": top,
        "failed": any(finding.status == "failed" for finding in reading.findings),
        "uncertain": any(finding.code == "gate_uncertain" for finding in reading.findings),
        "codes": ";".join(finding.code for finding in reading.findings),
        "refused": arrays is None,
        **compared(tube, reading, arrays),
    }


def compared(tube: Tube, reading: TubeReading, arrays) -> dict:
    """Compare a gate with the truth; what cannot be said is None."""
    row = dict.fromkeys(("precision", "recall", "error", "covered", "foreign"))
    if arrays is None:
        return {"f1": 0.0, **row}
    truth, gated = np.isin(tube.labels, MONOCYTES), arrays.masks["monocytes"]
    both = int((gated & truth).sum())
    row |= {"f1": f1(gated, truth), "precision": both / max(gated.sum(), 1), "recall": both / max(truth.sum(), 1)}
    foreign = Counter(tube.labels[gated & ~truth].tolist()).most_common(3)
    row["foreign"] = ", ".join(f"{count} {KINDS[code]}" for code, count in foreign)
    found = reading.pe["median"]["main"]
    own = float(np.median(arrays.values["hladr"][truth])) if truth.any() else 0.0
    if not found or found <= 0 or own <= 0:
        return row
    row["error"] = found / own - 1
    if reading.pe_sd_ln is not None:
        doubt = reading.gate_doubt["median"]
        sampling = math.sqrt(math.pi / 2) * reading.pe_sd_ln / math.sqrt(reading.n_monocytes)
        half = 1.96 * math.hypot(doubt["bias_ln"], doubt["sd_ln"], sampling)
        row["covered"] = abs(math.log(found / tube.population_pe)) <= half
    return row


def write_rows(path: Path, rows: list[dict]) -> None:
    with open(path, "w", encoding="utf-8", newline="") as handle:
        writer = csv.DictWriter(handle, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)


def report(rows: list[dict], worst: int) -> None:
    used = [row for row in rows if row["monocytes"] >= ENOUGH]
    few = [row for row in rows if row["monocytes"] < ENOUGH]
    print(f"{len(rows)} tubes, {len(used)} with at least {ENOUGH} true monocytes")
    if few:
        print(f"tubes with fewer: {len(few)}, of which {sum(row['failed'] for row in few)} failed")
    if not used:
        return
    for key in ("regime", "author", "cytometer"):
        print(f"\n{HEAD}")
        for name in sorted({row[key] for row in used}):
            print(line(name, [row for row in used if row[key] == name]))
        print(line("all", used))
    print(f"\nthe {worst} furthest behind the ceiling")
    for row in sorted(used, key=behind, reverse=True)[:worst]:
        print(description(row))


def behind(row: dict) -> float:
    return row["ceiling"] - row["f1"]


def line(name: str, rows: list[dict]) -> str:
    scores = [row["f1"] for row in rows]
    errors = [100 * abs(row["error"]) for row in rows if row["error"] is not None]
    median, high = np.percentile(errors, [50, 95]) if errors else (math.nan, math.nan)
    bad = [row["uncertain"] or row["failed"] for row in rows if row["f1"] < 0.9]
    good = [row["uncertain"] for row in rows if row["f1"] >= 0.97]
    known = [row for row in rows if row["covered"] is not None and not row["uncertain"]]
    covered = [row["covered"] for row in known if row["compensation"] in RIGHT]
    far = sum(behind(row) > 0.03 for row in rows)
    return (
        f"{name:12}{len(rows):5}{np.median(scores):11.3f}{np.percentile(scores, 10):8.3f}"
        f"{np.median([row['ceiling'] for row in rows]):9.3f}{far:8}{median:14.2f} %{high:8.1f} %"
        f"{sum(row['refused'] for row in rows):9}{share(bad):>18}{share(good):>20}{share(covered):>10}"
    )


def share(answers: list[bool]) -> str:
    return f"{sum(answers)}/{len(answers)}"


def description(row: dict) -> str:
    error = "no value" if row["error"] is None else f"error {100 * row['error']:+.1f} %"
    return (
        f"{row['tube']:28} F1 {row['f1']:.3f} (ceiling {row['ceiling']:.3f}), {row['cytometer']}, "
        f"{row['monocytes']} monocytes of {row['events']:,} events, {error}"
        + (f"; {row['codes']}" if row["codes"] else "")
        + (f"; gated too: {row['foreign']}" if row["foreign"] else "")
    )


if __name__ == "__main__":
    main()
