"""How long the tables of a large study take to load: `python benchmarks/tables.py [--tubes N] [--quick]`."""

import argparse
import csv
import subprocess
import sys
import tempfile
import time
from pathlib import Path

LABS = ("athens", "bonn", "lyon", "turin")
DAYS = (1, 2, 4, 7, 15, 21, 28)
TEXTS = ("633", "{:d}", "{:d},5", ">7500", "> 16500", "<8", "{:d}.{:d}", "haemolysed", "")


def write_study(folder: Path, tubes: int, xlsx: bool = False) -> None:
    """Write a study of `tubes` rows, a bead run per four tubes and seven ferritin rows per tube; no FCS files."""
    (folder / "config.yaml").write_text("contract: 1\nstudy: large\n")
    (folder / "labs.yaml").write_text("".join(f"{lab}:\n  decimal: ','\n  timezone: Europe/Athens\n" for lab in LABS))
    samples = [
        (f"s{i}", f"P{i // 7:05d}", DAYS[i % 7], LABS[i % 4], f"fcs/{i}.fcs", f"b{i // 4}", "2024-03-01T08:30", i)
        for i in range(tubes)
    ]
    beads = [(f"b{i}", LABS[i % 4], f"fcs/b{i}.fcs", "quantibrite-pe", "96597") for i in range(tubes // 4 + 1)]
    lots = [("quantibrite-pe", "96597", i + 1, v, "certificate") for i, v in enumerate((638, 6930, 31008, 67601))]
    ferritin = [
        (f"P{i // 49:05d}", DAYS[i % 7], TEXTS[i % 9].format(i % 900 + 1, 100 + i % 900), "ng/mL", LABS[i % 4])
        for i in range(7 * tubes)
    ]
    for name, header, rows in (
        ("samples", "sample_id patient_id day lab fcs bead_id collected_at comment", samples),
        ("beads", "bead_id lab fcs kit lot", beads),
        ("bead_lots", "kit lot level value source", lots),
        ("ferritin", "patient_id day ferritin unit lab", ferritin),
    ):
        table = [header.split(), *rows]
        if xlsx:
            from openpyxl import Workbook

            book = Workbook(write_only=True)
            sheet = book.create_sheet(name)
            for row in table:
                sheet.append(row)
            book.save(folder / f"{name}.xlsx")
        else:
            with open(folder / f"{name}.csv", "w", encoding="utf-8", newline="") as handle:
                csv.writer(handle).writerows(table)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--tubes", type=int, default=10_000)
    parser.add_argument("--quick", action="store_true", help="500 tubes")
    options = parser.parse_args()
    tubes = 500 if options.quick else options.tubes
    print(f"{tubes} tubes, {7 * tubes} ferritin rows; seconds")
    print(f"{'tables':<8}{'load':>8}{'process, import included':>28}")
    for kind in ("csv", "xlsx"):
        with tempfile.TemporaryDirectory() as place:
            write_study(Path(place), tubes, kind == "xlsx")
            code = (
                "import sys, time; t = time.perf_counter()\n"
                "from hladr.study import load_study\n"
                "t = time.perf_counter(); load_study(sys.argv[1]); print(time.perf_counter() - t)"
            )
            start = time.perf_counter()
            load = subprocess.run([sys.executable, "-c", code, place], check=True, capture_output=True, text=True)
            print(f"{kind:<8}{float(load.stdout):>8.2f}{time.perf_counter() - start:>28.2f}", flush=True)


if __name__ == "__main__":
    main()
