"""Do the 95 % intervals of AB/C hold the truth, from the files on? `python benchmarks/intervals.py [--tubes 300]`.

One draw is a tube of the gating grid and a bead run on the same cytometer, both written as FCS files, read, gated,
calibrated and quantified as a study's are. Drawn is every error that the interval budgets: which cells pass the laser,
where the gate comes to lie, the maker's assignment of the lot as a whole and of each level, the beads of each peak, PE
per antibody, staining and acquisition. The truth is the median AB/C of the population that the monocytes come from.
What the interval does not budget is not drawn: compensation is right (`--compensation-error 0.05` makes it wrong).
For research use only, not for diagnostic use.
"""

import argparse
import sys
import tempfile
from pathlib import Path
from types import SimpleNamespace

import numpy as np
from calibration_parts.coverage import factor
from gating_tubes import make_tube

from hladr.calibration import calibrate
from hladr.flags import Finding
from hladr.kits import kit
from hladr.quantify import quantify
from hladr.simulate import LOTS, BeadRun, simulate_beads
from hladr.simulate.fcs_write import write_fcs
from hladr.simulate.plan import Lab, complete_entry
from hladr.simulate.study import lab_entry
from hladr.study import BeadRun as Run
from hladr.study import Level, Tube
from hladr.study.config import defaults
from hladr.tube import read_tube

KIT = "quantibrite-pe"
LARGEST = 300_000  # events
LEVEL_CV_PERCENT = 1.0  # of the maker's value of each level, beside that of the lot as a whole


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--tubes", type=int, default=300)
    parser.add_argument("--first", type=int, default=0, help="seed of the first tube")
    parser.add_argument("--quick", action="store_true", help="40 tubes")
    parser.add_argument("--compensation-error", type=float, default=0.0, help="0.05: coefficients wrong by 5 %%")
    options = parser.parse_args()
    count = 40 if options.quick else options.tubes
    rows = []
    with tempfile.TemporaryDirectory() as folder:
        for seed in range(options.first, options.first + count):
            rows.append(one(seed, options.compensation_error, Path(folder)))
            if sys.stderr.isatty():
                print(f"\r{len(rows)} of {count}", end="", file=sys.stderr)
    report(rows)


def one(seed: int, compensation_error: float, folder: Path) -> dict:
    """Draw a tube and its bead run, and compare what hladr makes of their files with the truth."""
    rng = np.random.default_rng([20261126, seed])
    config = defaults()
    budget = config["quantify"]["interval"]
    antibody, again = (factor(rng, budget[f"{name}_cv_percent"]) for name in ("pe_per_antibody", "repeatability"))
    tube, text = make_tube(seed, LARGEST, True, compensation_error, antibody * again)
    lot = sorted(key for key in LOTS if key[0] == KIT)[seed % 4]
    values = LOTS[lot]
    lot_as_a_whole = factor(rng, kit(KIT).assignment_cv_percent)
    true = tuple(lot_as_a_whole * factor(rng, LEVEL_CV_PERCENT) for _ in values)
    beads = simulate_beads(BeadRun(values, true_over_assigned=true), tube.cytometer, rng)
    write_fcs(folder / "tube.fcs", tube)
    write_fcs(folder / "beads.fcs", beads)
    lab = complete_entry(folder, Lab("x", tube.cytometer, lab_entry(tube.cytometer)))
    reading, _ = read_tube(folder, {"sample_id": "s", "fcs": "tube.fcs", "override": None}, lab, config)
    levels = tuple(Level(i, value) for i, value in enumerate(values, 1))
    calibration, _ = calibrate(folder / "beads.fcs", Run("b", "x", "beads.fcs", *lot), levels, lab, config)
    study = SimpleNamespace(
        tubes=(Tube("s", "P", 1, "x", fcs="tube.fcs", bead_id="b"),), labs={"x": lab}, config=config, releases={}
    )
    made = quantify(study, {"s": reading}, {"b": calibration})[0]
    row = {"seed": seed, "text": text, "true": tube.true_abc, "abc": made.abc, "codes": _codes(made.findings)}
    if made.abc is not None and made.abc_low is not None:
        half = np.log(made.abc_high / made.abc_low) / 2
        row |= {"error_ln": float(np.log(made.abc / tube.true_abc)), "half_ln": float(half)}
        row["held"] = made.abc_low <= tube.true_abc <= made.abc_high
    return row


def _codes(findings: tuple[Finding, ...]) -> str:
    return " ".join(sorted({f"{f.code}:{f.status}" for f in findings if f.status != "ok"}))


def report(rows: list[dict]) -> None:
    """Print coverage of the unflagged tubes, also by AB/C, and of those for review; then the intervals farthest off."""
    with_interval = [row for row in rows if "held" in row]
    ok = [row for row in with_interval if not row["codes"]]
    few = [row for row in with_interval if row["codes"] == "few_monocytes:review"]
    review = [row for row in with_interval if row["codes"] and row not in few and ":failed" not in row["codes"]]
    print(f"{len(rows)} tubes, {len(ok)} unflagged, {len(few) + len(review)} for review, rest failed\n")
    print("tubes                      held        |error| median  95th percentile   half width, median")
    groups = {
        "unflagged": ok,
        "  true AB/C under 8,000": [row for row in ok if row["true"] < 8_000],
        "  8,000 to 30,000": [row for row in ok if 8_000 <= row["true"] <= 30_000],
        "  over 30,000": [row for row in ok if row["true"] > 30_000],
        "few monocytes only": few,
        "other for review": review,
    }
    for name, chosen in groups.items():
        if chosen:
            held = sum(row["held"] for row in chosen)
            errors = 100 * np.abs(np.expm1([row["error_ln"] for row in chosen]))
            half = 100 * np.expm1(np.median([row["half_ln"] for row in chosen]))
            share = f"{held} of {len(chosen)}, {100 * held / len(chosen):.1f} %"
            print(f"{name:24s}{share:>18s}{np.median(errors):12.1f} %{np.percentile(errors, 95):12.1f} %{half:16.1f} %")
    print("\nunflagged, farthest outside")
    missed = [row for row in ok if not row["held"]]
    for row in sorted(missed, key=lambda row: -abs(row["error_ln"]) / row["half_ln"])[:10]:
        off, half = 100 * np.expm1(row["error_ln"]), 100 * np.expm1(row["half_ln"])
        print(f"{off:+.1f} % of {row['true']:,.0f}, interval +-{half:.1f} %: {row['text']}")


if __name__ == "__main__":
    main()
