"""Workbooks for people: problems.xlsx, a letter to the laboratories, and results.xlsx, the tables without other tools.

Ids stay text and no cell is ever a formula: an id such as `=1+1` or `1001` arrives as it was written (`sheets`).
"""

from collections.abc import Mapping, Sequence
from pathlib import Path

from ..ferritin_wanted import MISSING, REMEDIES, UNDECIDED, ferritin_wanted
from ..flags import FLAGS
from ..tables import dictionary
from .sheets import Book

PROBLEM_COLUMNS = {
    "status": 10,
    "kind": 12,
    "id": 22,
    "patient": 16,
    "day": 7,
    "lab": 14,
    "what": 44,
    "why": 54,
    "what to do": 54,
    "codes": 26,
    "answer of the laboratory": 44,
}
SHEETS = ("quantification", "calibrations", "phenotypes", "reversal", "drift")
_BLINDED = {"arm"}
NO_CALL, REPLACED = "no call", "replaced"  # of a draw for want of ferritin; of a tube that a better one has replaced
_STATUS_ORDER = {"failed": 0, NO_CALL: 1, "review": 2, REPLACED: 3}


def problem_rows(
    tables: Mapping[str, Sequence[Mapping[str, object]]], replaced: Mapping[str, str] | None = None
) -> list[dict[str, object]]:
    """List what to fix: bead runs, tubes and draws that are not ok, and draws without a call for want of ferritin.

    Failures come first. Replaced tubes come last and say that nothing is to be done: the contract has every tube that
    is not ok in this list.

    Parameters
    ----------
    tables : mapping
        Rows of `quantification`, `calibrations` and `phenotypes` as `exports.read_tables` gives them.
    replaced : mapping, optional
        sample_id of a tube to that of the tube which replaces it.

    Returns
    -------
    list of dict
        Keys: those of `PROBLEM_COLUMNS`. Empty where no status is failed or review: then there is no problems.xlsx.
    """
    rows = []
    replaced = replaced or {}
    for run in tables.get("calibrations", ()):
        if run["status"] != "ok":
            rows.append(_problem("bead run", run["bead_id"], run, lab=run["lab"]))
    tube_codes: dict[tuple, set[str]] = {}
    lab_of: dict[tuple, str] = {}
    for tube in tables.get("quantification", ()):
        lab_of.setdefault((tube["patient_id"], tube["day"]), tube["lab"])
        tube_codes.setdefault((tube["patient_id"], tube["day"]), set()).update(_codes(tube))
        if tube["status"] != "ok":
            place = {"patient": tube["patient_id"], "day": tube["day"], "lab": tube["lab"]}
            row = _problem("tube", tube["sample_id"], tube, **place)
            if by := replaced.get(tube["sample_id"]):
                row |= {"status": REPLACED, "what to do": f"Nothing: {by} replaces it."}
            rows.append(row)
    for draw in tables.get("phenotypes", ()):
        own = [code for code in _codes(draw) if code not in tube_codes.get((draw["patient_id"], draw["day"]), ())]
        if draw["status"] != "ok" and own:
            rows.append(_of_draw(draw, own, lab_of))
    if not rows:
        return []
    rows += [_without_ferritin(draw, lab_of) for draw in tables.get("phenotypes", ()) if ferritin_wanted(draw)]
    return sorted(rows, key=lambda row: _STATUS_ORDER.get(row["status"], 2))


def _of_draw(draw: Mapping[str, object], codes: Sequence[str], lab_of: Mapping[tuple, str]) -> dict:
    """Make the row of a draw; its laboratory is that of the day's tube, where there is one."""
    patient, day = draw["patient_id"], draw["day"]
    return _problem(
        "blood draw", f"{patient} day {day}", draw, codes, patient=patient, day=day, lab=lab_of.get((patient, day))
    )


def _without_ferritin(draw: Mapping[str, object], lab_of: Mapping[tuple, str]) -> dict:
    wanted = ferritin_wanted(draw)
    row = _of_draw(draw, (), lab_of)
    what = {MISSING: "Ferritin is missing.", UNDECIDED: "Ferritin may lie on either side of the limit of MALS."}
    return row | {"status": NO_CALL, "what": what[wanted], "what to do": REMEDIES[wanted]}


def _codes(row: Mapping[str, object]) -> list[str]:
    return [code for code in str(row.get("flags") or "").split(";") if code]


def _problem(kind: str, name: str, row: Mapping[str, object], codes: Sequence[str] | None = None, **place) -> dict:
    codes = _codes(row) if codes is None else codes
    known = [FLAGS[code] for code in codes if code in FLAGS]
    return {
        "status": row["status"],
        "kind": kind,
        "id": name,
        "patient": place.get("patient"),
        "day": place.get("day"),
        "lab": place.get("lab"),
        "what": " ".join(flag.meaning for flag in known),
        "why": _sentence(str(row.get("reason") or "")),
        "what to do": " ".join(dict.fromkeys(flag.remedy for flag in known)),
        "codes": ";".join(codes),
        "answer of the laboratory": None,
    }


def _joined(words: Sequence[str]) -> str:
    return " and ".join(part for part in (", ".join(words[:-1]), *words[-1:]) if part)


def _sentence(words: str) -> str:
    return words[:1].upper() + words[1:]


def write_problems_xlsx(
    path: str | Path,
    tables: Mapping[str, Sequence[Mapping[str, object]]],
    study: str = "",
    replaced: Mapping[str, str] | None = None,
) -> bool:
    """Write problems.xlsx, the list of what to fix; no file where no status is failed or review.

    Parameters
    ----------
    path : str or Path
        The workbook; an old one is removed where nothing is wrong any more.
    tables : mapping
        As for `problem_rows`.
    study : str, optional
        The name shown at the foot of a printed page.
    replaced : mapping, optional
        As for `problem_rows`.

    Returns
    -------
    bool
        Whether a workbook was written.
    """
    rows = problem_rows(tables, replaced)
    if not rows:
        Path(path).unlink(missing_ok=True)
        return False
    book = Book(study)
    book.sheet("problems", list(PROBLEM_COLUMNS), rows, widths=PROBLEM_COLUMNS, wrap=True, frozen="D2")
    book.about(
        [
            ("what this is", "What to fix: bead runs, tubes and blood draws that are not ok, the most urgent first."),
            ("failed", "There is no value; nothing may be released before the column 'what to do' is done."),
            (NO_CALL, "The blood draw has no call because ferritin is missing or a range that contains the limit."),
            ("review", "There is a value, and a reason for a person to look at it before it is released."),
            (REPLACED, "Done: another tube of the same draw counts instead of this one."),
            ("answer of the laboratory", "For the laboratory to fill in and send back; hladr does not read it."),
            ("afterwards", "Correct the table or replace the file in the study folder, and run hladr again."),
        ]
    )
    book.save(path)
    return True


def write_results_xlsx(path: str | Path, tables: Mapping[str, Sequence[Mapping[str, object]]], study: str = "") -> None:
    """Write results.xlsx: a sheet per table and the dictionary, without the treatment arm.

    Parameters
    ----------
    path : str or Path
        The workbook.
    tables : mapping
        As `exports.read_tables` gives them; tables about treatment arms are left out.
    study : str, optional
        The name shown at the foot of a printed page.
    """
    book = Book(study)
    book.about(
        [
            ("what this is", f"The tables {_joined([name for name in SHEETS if name in tables])}, a sheet each."),
            ("numbers", "A cell holds the number of the CSV file beside this workbook; only its display is rounded."),
            ("columns", "Each is explained in the sheet 'dictionary'."),
            ("treatment arm", "Not in this workbook: it is for reviewers, too. See reversal.csv and cohort.csv."),
            (
                "your own columns",
                "Not in this workbook either: where hladr carries them through, they are in the CSV files.",
            ),
        ]
    )
    for name in SHEETS:
        if name in tables:
            names = [row["column"] for row in dictionary() if row["table"] == name and row["column"] not in _BLINDED]
            book.sheet(name, names, tables[name])
    shown = [row for row in dictionary() if row["table"] in SHEETS and row["column"] not in _BLINDED]
    widths = {"table": 16, "column": 28, "type": 10, "unit": 22, "values": 40, "meaning": 80}
    book.sheet("dictionary", list(widths), shown, widths=widths, wrap=True, frozen="C2")
    book.save(path)
