"""The first page: what may be released, what not, why, what to do, and where to look first."""

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence

from .. import moments, release, wording
from ..ferritin_wanted import MISSING, REMEDIES, UNDECIDED, ferritin_wanted
from ..flags import FLAGS
from ..study.types import superseded
from . import risk as risks
from .view import Inputs

INHERITED = {"calibration_failed", "calibration_review"}
SHOWN = 10
GATE_DOUBT_PERCENT = 6.0  # below it, a gate is worth a look only for what hangs on it


def page(inputs: Inputs, tubes: Sequence[Mapping], beads: Sequence[Mapping]) -> dict:
    """Gather what the first page says."""
    states = Counter(t["release"] for t in tubes)
    status = {t["id"]: t["status"] for t in tubes}
    draws = inputs.tables["phenotypes"]
    by_draw = defaultdict(list)
    for t in tubes:
        if t["role"] == "patient" and t["release"] != "superseded":
            by_draw[(t["patient"], t["day"])].append(t)
    judged = [(draw, draw_state(draw, by_draw.get((draw["patient_id"], draw["day"]), ()))) for draw in draws]
    calls = Counter(draw["phenotype"] for draw in draws)
    causes = fixes(inputs, tubes, beads)
    # what endangers a decision most is looked at first
    urgent = sorted(judged, key=lambda pair: first_rank(by_draw.get((pair[0]["patient_id"], pair[0]["day"]), ())))
    return {
        # every tube is in one of these states, every draw in one of those below: each row of boxes adds up
        "free": states[release.MAY] + states[release.RELEASED],
        "by_reviewer": states[release.RELEASED],
        "held": states[release.HELD],
        "to_look": states[release.LOOK],
        "without": states[release.NO],
        "superseded": states[release.SUPERSEDED],
        "controls": states[release.CONTROL],
        "overrides": sum(t["gate"] == "override" for t in tubes),
        "newest": newest(tubes),
        "in_problems": listed_problems(inputs),
        "bead_counts": Counter(b["status"] for b in beads),
        "sip": float(inputs.config["phenotype"]["hladr_sip_below_abc"]),
        "n_tubes": len(tubes),
        "n_beads": len(beads),
        "n_draws": len(draws),
        "n_patients": len(inputs.tables["reversal"]),
        "calls": [(name, calls[name]) for name in ("MALS", "SIP", "unclassified")],
        "n_called": len(draws) - calls["indeterminate"],
        "reversals": Counter(c["reversal"] for c in inputs.tables["reversal"]),
        "release": {
            state: [draw_record(d) for d, s in (urgent if state == "look" else judged) if s == state]
            for state in ("may", "look", "held", "no")
        },
        "fixes": causes,
        "closest": closest(draws, by_draw)[:SHOWN],
        "gates": gates_to_see(inputs, tubes)[:6],
        "decided": [
            {
                "id": r.sample_id,
                "reviewer": r.reviewer,
                "decision": r.decision,
                "date": str(r.date),
                "failed": status.get(r.sample_id) == "failed",
            }
            for r in sorted(inputs.study.releases, key=lambda r: r.decision != "hold")
        ],
        "notes": table_notes(inputs),
        "n_borderline": sum(bool(d["borderline"]) for d in draws),
    }


def newest(tubes: Sequence[Mapping]) -> Mapping | None:
    """Find the tube that was acquired last: with the study's name it tells two printed pages apart."""
    return max(
        (t for t in tubes if t["acquired"]), key=lambda t: (moments.in_order(t["acquired"]), t["id"]), default=None
    )


def table_notes(inputs: Inputs) -> list[str]:
    """Say what of the tables is allowed and usually a slip, as `hladr check` does, but no file's own name."""
    from ..study.notes import notes_of, same_measurement, uncompensated

    study = inputs.study
    labels = {name: f"table {name}" for name in ("samples", "beads", "ferritin", "outcomes")}
    read = {name: reading.notes for name, reading in inputs.readings.items() if reading.n_events is not None}
    contents = {
        group: {name: file.get("sha256") for name, file in inputs.digests.get(group, {}).items()}
        for group in ("tubes", "beads")
    }
    contents["tubes"] = {name: content for name, content in contents["tubes"].items() if name in read}
    # first what makes numbers wrong
    notes = (*same_measurement(study, contents), *uncompensated(study, read), *notes_of(study, labels))
    return [sentence(note) for note in notes]


def listed_problems(inputs: Inputs) -> Counter:
    """Count what problems.xlsx lists, by its kind, and as `replaced` what is done; nothing, where it is not written."""
    from ..exports.xlsx import REPLACED, problem_rows

    rows = problem_rows(inputs.tables, superseded(inputs.study.tubes))
    return Counter(REPLACED if row["status"] == REPLACED else row["kind"] for row in rows)


def first_rank(tubes: Sequence[Mapping]) -> float:
    """Give the place of a draw in the order in which to look: that of its most urgent tube."""
    return min((t["rank"] for t in tubes), default=float("inf"))


def draw_state(draw: Mapping, tubes: Sequence[Mapping]) -> str:
    """Say whether a call may be released (`release.of_draw`)."""
    return release.of_draw(draw, [(t["id"], t["flags"], t["release"]) for t in tubes])


def draw_record(draw: Mapping) -> dict:
    """Take what a list of calls shows."""
    return {
        "patient": draw["patient_id"],
        "day": draw["day"],
        "call": draw["phenotype"],
        "borderline": draw["borderline"],
        "reason": draw["reason"],
        "no_call": sentence((draw["reason"] or "").removeprefix("Indeterminate: ")),
        "doubt": doubts(draw),
    }


def sentence(words: str) -> str:
    """Begin with a capital and end with a full stop, but for a question."""
    return words[:1].upper() + words[1:] + ("." if words and not words.endswith((".", "?")) else "")


def doubts(draw: Mapping) -> str:
    """Say in the words of its flags why a draw is doubtful."""
    codes = [code for code in (draw["flags"] or "").split(";") if code in FLAGS]
    return " ".join(FLAGS[code].meaning for code in codes)


def fixes(inputs: Inputs, tubes: Sequence[Mapping], beads: Sequence[Mapping]) -> list[dict]:
    """List what to do, most costly first: one entry per cause, with the tubes and calls that hang on it."""
    made = []
    by_bead = defaultdict(list)
    for t in tubes:
        if t["bead"] and t["release"] != release.SUPERSEDED:
            by_bead[t["bead"]].append(t)
    for run in beads:
        if run["status"] == "ok":
            continue
        hit = [t for t in by_bead[run["bead_id"]] if INHERITED & set(t["flags"].split(";"))]
        codes = [f["code"] for f in run["findings"]]
        made.append(
            {
                "status": run["status"],
                "title": f"Bead run {run['bead_id']} ({run['lab']})",
                "why": run["reason"],
                "remedy": remedies(codes),
                "tubes": [t["id"] for t in hit],
                "draws": [],
                "bead": run["bead_id"],
                "cost": lost(hit) if run["status"] == "failed" else 0,
                "codes": codes,
            }
        )
    groups: dict[tuple[str, str], list[Mapping]] = defaultdict(list)
    sentences: dict[tuple[str, str], set[str]] = defaultdict(set)
    for t in tubes:
        if t["release"] in ("superseded", "released"):
            continue
        measured = inputs.measurements.get(t["id"])
        for found in measured.findings if measured else ():
            if found.code not in INHERITED:
                groups[(found.status, found.code)].append(t)
                sentences[(found.status, found.code)].add(found.sentence)
    for (status, code), hit in groups.items():
        flag = FLAGS.get(code)
        made.append(
            {
                "status": status,
                "title": flag.meaning if flag else code,
                "why": only(sentences[(status, code)]),
                "remedy": flag.remedy if flag else "",
                "tubes": [t["id"] for t in hit],
                "draws": [],
                "bead": None,
                "cost": lost(hit) if status == "failed" else 0,
                "codes": [code],
            }
        )
    made += ferritin_fixes(inputs)
    return sorted(made, key=lambda f: (f["status"] != "failed", -f["cost"], -len(f["tubes"]), f["title"]))


def only(sentences: set[str]) -> str:
    """Give the sentence that holds for all tubes of a cause; nothing where each has its own."""
    return next(iter(sentences)) + "." if len(sentences) == 1 else ""


def lost(tubes: Sequence[Mapping]) -> int:
    """Count the draws that have no call because these tubes have no value."""
    return len({(t["patient"], t["day"]) for t in tubes if t["group"] == risks.NO_CALL})


def remedies(codes: Sequence[str]) -> str:
    """Join the remedies of codes, each once."""
    return " ".join(dict.fromkeys(FLAGS[code].remedy for code in codes if code in FLAGS))


def ferritin_fixes(inputs: Inputs) -> list[dict]:
    """List what only the ferritin laboratory can mend."""
    draws = inputs.tables["phenotypes"]
    undecided = [draw for draw in draws if ferritin_wanted(draw) == UNDECIDED]
    missing = [draw for draw in draws if ferritin_wanted(draw) == MISSING]
    fallen = [draw for draw in draws if "ferritin_implausible" in (draw["flags"] or "").split(";")]
    limit = wording.ferritin_number(inputs.config["phenotype"]["ferritin_mals_above_ng_ml"])
    entries = (
        (
            "failed",
            undecided,
            f"Ferritin may lie on either side of {limit} ng/mL",
            REMEDIES[UNDECIDED],
            UNDECIDED,
        ),
        ("failed", missing, "Ferritin is missing", REMEDIES[MISSING], MISSING),
        ("review", fallen, FLAGS["ferritin_implausible"].meaning, FLAGS["ferritin_implausible"].remedy, "implausible"),
    )
    return [
        {
            "status": status,
            "title": title,
            "why": found[0]["reason"] if len(found) == 1 else "",
            "remedy": remedy,
            "tubes": [],
            "draws": [draw_record(d) | {"call": None} for d in found],
            "bead": None,
            "cost": len(found) if status == "failed" else 0,
            "codes": [f"ferritin {word}"],
        }
        for status, found, title, remedy, word in entries
        if found
    ]


def closest(draws: Sequence[Mapping], by_draw: Mapping) -> list[dict]:
    """Order the decisions that hang on AB/C by their chance to be on the wrong side of the limit."""
    rows = []
    for draw in draws:
        tubes = [t for t in by_draw.get((draw["patient_id"], draw["day"]), ()) if t["group"] == risks.BY_CHANCE]
        tubes = [t for t in tubes if t["limit"] is not None]
        if not tubes:
            continue
        tube = max(tubes, key=lambda t: (t["risk"] if t["risk"] is not None else -1, -abs(t["distance"])))
        rows.append(
            {
                **draw_record(draw),
                "abc": draw["abc"],
                "low": draw["abc_low"],
                "high": draw["abc_high"],
                "limit": tube["limit"],
                "distance": tube["distance"],
                "risk": tube["risk"],
                "tube": tube["id"],
            }
        )
    return sorted(rows, key=lambda r: (-(r["risk"] if r["risk"] is not None else -1), abs(r["distance"])))


def gates_to_see(inputs: Inputs, tubes: Sequence[Mapping]) -> list[dict]:
    """Order tubes by what a wrong gate could do: doubtful gates first, then by the gate's part in a near decision."""
    rows = []
    for t in tubes:
        reading, measured = inputs.readings.get(t["id"]), inputs.measurements.get(t["id"])
        if reading is None or reading.n_monocytes is None or t["release"] in ("superseded", "released"):
            continue
        doubtful = "gate_uncertain" in t["flags"].split(";") or "no_monocytes" in t["flags"].split(";")
        parts = measured.parts_ln if measured else {}
        whole = sum(value**2 for value in parts.values())
        share = parts.get("gate", 0.0) ** 2 / whole if whole else 0.0
        weight = (t["risk"] or 0.0) * share
        doubt = t["doubt"] or 0.0
        if doubtful or weight > 0.01 or doubt > GATE_DOUBT_PERCENT:
            rows.append((not doubtful, -weight, -doubt, t["place"], t, reading))
    rows.sort(key=lambda r: r[:4])
    return [
        {
            "id": t["id"],
            "status": t["status"],
            "foreign": 100 * reading.contamination if reading.contamination is not None else None,
            "lost": 100 * reading.loss if reading.loss is not None else None,
            "n": reading.n_monocytes,
            "risk": t["risk"],
            "limit": t["limit"],
        }
        for *_, t, reading in rows
    ]
