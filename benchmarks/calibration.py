"""How good the calibration is, and what it refuses: python benchmarks/calibration.py [--quick] [--runs N] [--seed N].

Prints, in order: clean runs over the grid; FlowCal beside it on the same files (if installed: the extra `bench`); the
fault matrix; a wrong lot seen in its series; coverage of the intervals; time per run; the real FluoroSpheres (if
HLADR_REAL_DATA or ../shared/data has them). For research use only, not for diagnostic use.
"""

import argparse
import os
import sys
import tempfile
import time
from collections import Counter
from datetime import datetime
from pathlib import Path

import numpy as np
from calibration_parts import beside, coverage, faults, runs, series

from hladr import calibration, study
from hladr.simulate import CYTOMETERS, LOTS, BeadRun, simulate_beads
from hladr.simulate.fcs_write import write_fcs

DAKO = (None, 1500.0, 4400.0, 14_500.0, 43_800.0, 131_200.0)


def bands(case: runs.Case) -> dict[str, str]:
    """Say in which cells of the grid a run lies."""
    run = case.sim.run

    def band(value: float, edges: tuple[float, ...], unit: str = "") -> str:
        k = int(np.searchsorted(edges, value))
        low = f"{edges[k - 1]:g}" if k else ""
        return f"{low}..{edges[k]:g}{unit}" if k < len(edges) else f"over {low}{unit}"

    low, high = runs.gain_limits(case.model, run.values, run.peak_cv)
    place = (np.log(run.pe_gain) - np.log(low)) / max(np.log(high) - np.log(low), 1e-9)
    return {
        "lot": case.lot,
        "cytometer": case.model,
        "gain": ("lowest third", "middle third", "highest third")[min(int(3 * place), 2)],
        "events": band(run.n_events, (5_000, 12_000)),
        "debris": band(100 * run.debris_fraction, (10, 20), " %"),
        "doublets": band(100 * run.doublet_fraction, (7, 14), " %"),
        "peak CV": band(100 * run.peak_cv, (7, 11), " %"),
    }


def percent(values) -> str:
    return "  ".join(f"{100 * v:7.2f}" for v in values)


def clean(number: int, seed: int) -> tuple[list, bool]:
    """Clean runs: errors at four AB/C, flags, time."""
    results = []
    for i in range(number):
        case = runs.draw(np.random.default_rng([seed, i]))
        results.append((case, runs.measure(case)))
    errors = np.abs([r.errors for _, r in results if r.errors])
    print(f"\n1. Clean runs: {number}, error of the line in % at AB/C of {', '.join(f'{a:,}' for a in runs.AT)}")
    print(f"   median  {percent(np.median(errors, axis=0))}")
    print(f"   95 %    {percent(np.percentile(errors, 95, axis=0))}")
    print(f"   worst   {percent(errors.max(axis=0))}")
    flags = Counter(code for _, r in results for code, _ in r.codes)
    refused = sum(r.status == "failed" for _, r in results)
    gains = [case.gain for case, _ in results]
    print(f"   refused {refused}, flagged {sum(r.status == 'review' for _, r in results)} {dict(flags) or ''}")
    print(f"   signal per PE molecule from {min(gains):.2g} to {max(gains):.2g} units")
    times = np.array([r.seconds for _, r in results]) * 1000
    print(f"   time in memory: median {np.median(times):.1f} ms of CPU, worst {times.max():.1f} ms")
    fine = errors.max() <= 0.02 and np.median(errors, axis=0).max() <= 0.005 and refused == 0
    return results, bool(fine)


def beside_flowcal(results: list, number: int) -> bool | None:
    """FlowCal on the same runs, cell by cell."""
    print(f"\n2. FlowCal on the first {number} of these runs, rms error in % at 5,000 AB/C")
    if not beside.available():
        print("   FlowCal is not installed (pip install 'hladr[bench]'): left out")
        return None
    five = runs.AT.index(5_000)
    rows = []
    with tempfile.TemporaryDirectory() as folder:
        for case, ours in results[:number]:
            path = Path(folder) / "run.fcs"
            beside.write(case, path)
            theirs = beside.errors(case, path)
            rows.append((bands(case), ours.errors[five], None if theirs is None else theirs[five]))
    lost = sum(theirs is None or abs(theirs) > 0.1 for *_, theirs in rows)
    print(f"   FlowCal has no line, or one that is off by more than 10 %, in {lost} of {len(rows)}: not counted below")
    print(f"   {'cell':34}{'runs':>6}{'hladr':>8}{'FlowCal':>9}")
    worse = []
    rows = [r for r in rows if r[2] is not None and abs(r[2]) <= 0.1]
    cells = sorted({(name, band) for where, *_ in rows for name, band in where.items()})
    for name, band in [("all", ""), *cells]:
        chosen = [r for r in rows if name == "all" or r[0][name] == band]
        ours, theirs = (float(np.sqrt(np.mean([r[k] ** 2 for r in chosen]))) for k in (1, 2))
        print(
            f"   {name + ' ' + band:34}{len(chosen):6}{100 * ours:8.2f}{100 * theirs:9.2f}{'  worse' * (ours > theirs)}"
        )
        if ours > theirs:
            worse.append(name)
    return not worse


def fault_matrix(number: int, seed: int) -> bool:
    """Every fault, clean and hard, and in pairs."""
    rows, unseen = faults.matrix(number, seed)
    print(f"\n3. Faults, {number} runs each; moved: AB/C at 5,000 off by over 5 %, or refused; unseen: moved and ok")
    heads = "".join(f"{head:>7}" for head in ("moved", "failed", "review", "ok", "unseen"))
    print(f"   {'fault':40}{'runs':6}{heads}  codes")
    for r in rows:
        counts = "".join(f"{r[head]:7}" for head in ("moved", "failed", "review", "ok", "unseen"))
        print(f"   {r['fault']:40}{r['runs']:6}{counts}  {r['codes']}")
    print(f"   unseen in all, wrong lots left to the next table: {unseen}")
    return unseen == 0


def wrong_lot_in_series(number: int, seed: int) -> bool:
    """Read a wrong certificate after twenty right runs: the pattern, or the jump, gives it away."""
    rows = series.table(number, seed)
    print(f"\n4. A wrong lot (the right one unknown) after 20 right runs, {number} series per pair; gain sd 1 % a day")
    heads = f"{'AB/C moves':>11}{'seen in the run':>17}{'or as a jump':>14}{'false jumps':>13}"
    print(f"   {'beads of':10}{'read as':10}{heads}")
    for r in rows:
        shift = f"{100 * r['shift']:+.1f} %"
        print(f"   {r['true']:10}{r['named']:10}{shift:>11}{r['in_run']:17}{r['seen']:14}{r['false']:13}")
    return all(r["seen"] == number for r in rows if abs(r["shift"]) > faults.MOVED)


def coverages(number: int, seed: int) -> bool:
    """Share of intervals that hold the truth."""
    print(f"\n5. Coverage of the 95 % interval, {number} draws each, % at AB/C of 2,000, 5,000 and 8,000")
    fine = True
    for row in coverage.table(number, seed):
        together = float(np.mean(list(row["held"].values())))
        # three standard errors of the count itself are allowed on top
        slack = 3 * np.sqrt(0.95 * 0.05 / number)
        fine &= 0.93 - slack <= together <= 0.97 + slack
        print(f"   {row['scenario']:34}{row['statistic']:16}{percent(row['held'].values())}   all {100 * together:.1f}")
    return fine


def timing(seed: int) -> bool:
    """From the file to the calibration, one process, one thread."""
    print("\n6. Time from the file to the calibration")
    slow = False
    with tempfile.TemporaryDirectory() as folder:
        for model in runs.MODELS:
            path = Path(folder) / "run.fcs"
            simulated = simulate_beads(BeadRun(n_events=10_000), CYTOMETERS[model], np.random.default_rng(seed))
            write_fcs(path, simulated, datetime(2024, 3, 1, 9))
            lab = {"markers": {"HLA-DR": simulated.cytometer.channel_of("HLA-DR").name}}
            slow |= _timed(path, "quantibrite-pe", LOTS["quantibrite-pe", "96597"], lab, f"{model}, 10,000 events")
    real = Path(os.environ.get("HLADR_REAL_DATA", Path(__file__).resolve().parents[2] / "shared" / "data"))
    if (real / "dako_beads_day1.fcs").exists():
        path = real / "dako_beads_day1.fcs"
        slow |= _timed(path, "mef", DAKO, {"markers": {"HLA-DR": "PE-A"}}, "real FluoroSpheres, 5,144 events")
        _real(path)
    return not slow


def _timed(path: Path, kit: str, values, lab: dict, what: str) -> bool:
    row = study.BeadRun("b", "x", None, kit, "l")
    times = []
    for _ in range(15):
        start = time.process_time()
        calibration.calibrate(path, row, runs.lot_rows(values), lab, runs.CONFIG)
        times.append(1000 * (time.process_time() - start))
    print(f"   {what:36} {np.median(times):6.1f} ms of CPU")
    return float(np.median(times)) > 30


def _real(path: Path) -> None:
    row = study.BeadRun("b", "x", None, "mef", "l")
    made, _ = calibration.calibrate(path, row, runs.lot_rows(DAKO), {"markers": {"HLA-DR": "PE-A"}}, runs.CONFIG)
    about = f"{made.status}, {made.n_peaks} levels, slope {made.slope:.4f}, R² {made.r_squared:.5f}"
    print(f"\n7. Real FluoroSpheres: {about}")
    for level in made.levels:
        recovery = "" if level.recovery is None else f"recovery {100 * level.recovery:6.1f} %"
        value = "blank" if level.value is None else f"{level.value:,.0f}"
        found = f"PE {level.pe_median:10.1f}  {level.events:4} beads  CV {level.cv_percent:5.1f} %"
        print(f"   {value:>9}  {found}  {recovery}")


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="a minute instead of twenty")
    parser.add_argument("--runs", type=int, default=1000, help="clean runs")
    parser.add_argument("--seed", type=int, default=7)
    options = parser.parse_args()
    number = 80 if options.quick else options.runs
    results, fine = clean(number, options.seed)
    verdicts = {
        "clean runs: median <= 0.5 %, worst <= 2 %, none refused": fine,
        "not worse than FlowCal on any cell": beside_flowcal(results, 8 if options.quick else 240),
        "no fault passes as ok (wrong lots: next line)": fault_matrix(3 if options.quick else 40, options.seed),
        "a wrong lot is seen in its series": wrong_lot_in_series(3 if options.quick else 40, options.seed),
        "intervals hold the truth in 93 to 97 %": coverages(600 if options.quick else 3000, options.seed),
        "at most 30 ms per run": timing(options.seed),
    }
    print("\nTargets" + (" (too few runs to judge them in quick mode)" if options.quick else ""))
    for text, reached in verdicts.items():
        print(f"   {'-' if reached is None else 'yes' if reached else 'NO':4}{text}")
    return 0 if options.quick or all(v is not False for v in verdicts.values()) else 1


if __name__ == "__main__":
    sys.exit(main())
