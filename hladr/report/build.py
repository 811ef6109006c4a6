"""Build results/report.html and the folder results/report. Nothing is computed here; only what changed is written."""

import re
from collections.abc import Mapping
from pathlib import Path
from urllib.parse import quote

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from .. import __version__, limits, wording
from ..flags import FLAGS
from . import labs, methods, miflowcyt, today, view, view_beads, view_tubes
from .files import block, embedded_pictures, place_picture, remove_others, write_if_changed

PAGES = (
    ("today", "Today"),
    ("tubes", "Tubes"),
    ("beads", "Beads"),
    ("patients", "Patients"),
    ("labs", "Laboratories"),
    ("methods", "Methods"),
)
SCRIPTS = ("charts", "tubes", "tube", "beads", "patients", "labs", "main")
HERE = Path(__file__).resolve().parent
# The first page stays under 2 MB; a small study fits into it whole, so that the page can travel alone.
INLINE_BYTES = 600_000
EMBEDDED_BYTES = 1_250_000


def write_report(inputs: view.Inputs, results: Path) -> None:
    """Write report.html and its folder.

    Parameters
    ----------
    inputs : view.Inputs
        What the report is made of.
    results : path
        The results folder.
    """
    folder = results / "report"
    (folder / "data").mkdir(parents=True, exist_ok=True)
    (folder / "pictures").mkdir(exist_ok=True)
    tubes = view.tube_index(inputs)
    patients = view.patient_index(inputs)
    beads = view_beads.bead_records(inputs)
    place_pictures(inputs, beads, folder / "pictures")
    blocks = {
        "beads": beads,
        "drift": view_beads.drift_series(inputs.tables.get("drift", ()), inputs.config),
        **view_tubes.tube_blocks(inputs, tubes),
        **view.patient_blocks(inputs, patients),
    }
    written = {name: block(name, value) for name, value in blocks.items()}
    for name, text in written.items():
        write_if_changed(folder / "data" / f"{name}.js", text)
    remove_others(folder / "data", {f"{name}.js" for name in written})
    compared = labs.comparison(inputs, tubes, beads)
    first = {
        "meta": meta(inputs),
        "tubes": view.table(tubes, view.TUBE_COLUMNS),
        "patients": view.table(patients, ("id", "baseline", "reversal", "reversal_day", "n", "reason", "block")),
        "labs": compared["strip"],
        "thumbs": embedded_pictures(inputs.pictures, EMBEDDED_BYTES),
    }
    inline = "".join(block(name, value) for name, value in first.items())
    if sum(len(text) for text in written.values()) <= INLINE_BYTES:
        inline += "".join(written.values())
    page = render(inputs, today_page(inputs, tubes, beads), compared, inline, first["meta"])
    write_if_changed(results / "report.html", page)


def place_pictures(inputs: view.Inputs, beads: list[dict], folder: Path) -> None:
    """Put the pictures of tubes and bead runs into the report's folder; remove those of rows that have gone."""
    wanted = set()
    for name, source in inputs.pictures.items():
        wanted.add(f"{name}.png")
        place_picture(source, folder / f"{name}.png")
    remove_others(folder, wanted)
    beside = folder / "beads"
    beside.mkdir(exist_ok=True)
    for record in beads:
        if record["picture"]:
            place_picture(inputs.bead_pictures[record["bead_id"]], beside / Path(record["picture"]).name)
    remove_others(beside, {Path(record["picture"]).name for record in beads if record["picture"]})


def meta(inputs: view.Inputs) -> dict:
    """Give the pages the study's name, its limits and the words of the flags that were set."""
    from ..plots.png import BOTTOM, CELL_HEIGHT, CELL_WIDTH, LEFT, SIDE

    config = inputs.config
    tables = (inputs.tables["quantification"], inputs.tables["calibrations"], inputs.tables["phenotypes"])
    codes = {code for rows in tables for row in rows for code in (row["flags"] or "").split(";") if code in FLAGS}
    return {
        "study": str(config["study"]),
        "version": __version__,
        "mals": float(config["phenotype"]["ferritin_mals_above_ng_ml"]),
        "sip": float(config["phenotype"]["hladr_sip_below_abc"]),
        "reversal": float(config["reversal"]["hladr_abc"]),
        "ferritin_share": 1 - float(config["reversal"]["ferritin_decrease_at_least"]),
        "baseline_day": config["baseline_day"],
        "flags": {code: [FLAGS[code].meaning, FLAGS[code].remedy] for code in sorted(codes)},
        # how a tube's picture is laid out, in pixels: its panels are cut out as thumbnails
        "picture": {
            "cell": CELL_WIDTH,
            "left": LEFT,
            "top": CELL_HEIGHT - BOTTOM - SIDE,
            "size": SIDE,
            "height": CELL_HEIGHT,
        },
    }


def today_page(inputs: view.Inputs, tubes: list[dict], beads: list[dict]) -> dict:
    """Gather the first page, with its sentence."""
    page = today.page(inputs, tubes, beads)
    return page | {"lead": lead(page)}


def lead(page: Mapping) -> str:
    """Say in three sentences what a person needs to know first."""
    words = [f"{page['free']:,} of {page['n_tubes']:,} tube{'s' if page['n_tubes'] != 1 else ''} may be released"]
    for n, one, many in (
        (page["to_look"], "needs a look first", "need a look first"),
        (page["held"], "is held by a reviewer", "are held by a reviewer"),
        (page["without"], "has no value", "have no value"),
        (page["superseded"], "is replaced by another tube", "are replaced by other tubes"),
        (page["controls"], "is a control", "are controls"),
    ):
        if n:
            words.append(f"{n:,} {one if n == 1 else many}")
    parts = ["; ".join(words) + "."]
    near = next((row for row in page["closest"] if row["limit"] == page["sip"]), None)
    if near is not None:
        parts.append(
            f"The call closest to changing is patient {near['patient']}, day {near['day']}: {near['call']} with "
            f"{beside(near['abc'], near['limit'])} AB/C, {side(near)} {near['limit']:,.0f}."
        )
    turn = page["closest"][0] if page["closest"] else None
    if turn is not None and turn is not near:
        parts.append(
            f"The reversal closest to changing is that of patient {turn['patient']}: day {turn['day']} with "
            f"{beside(turn['abc'], turn['limit'])} AB/C, {side(turn)} {turn['limit']:,.0f}."
        )
    if page["gates"]:
        parts.append(f"Look first at the gate of tube {page['gates'][0]['id']}.")
    return " ".join(parts)


def side(row: Mapping) -> str:
    """Say how far and on which side of its limit a value lies."""
    distance = abs(row["distance"])
    if distance < 100 * limits.RELATIVE_TOLERANCE:
        return "exactly at"
    far = "less than 0.1" if distance < 0.1 else f"{distance:.1f}"
    return f"{far} % {'above' if row['distance'] > 0 else 'below'}"


def beside(value: float | None, limit: float) -> str:
    """Write AB/C so that it is never rounded onto the limit beside it."""
    return "–" if value is None else wording.abc_number(value, limit)


def moment(text: str) -> str:
    """Write a time of acquisition for a sentence: without seconds, with an offset that is stated."""
    return re.sub(r"(:\d\d):\d\d(\.\d+)?", r"\1", text.replace("T", " "), count=1)


def chance(value: float | None) -> str:
    """Write a chance in percent; a small one is not nothing."""
    if value is None:
        return "–"
    return "< 0.1 %" if value < 0.001 else f"{100 * value:.1f} %"


def render(inputs: view.Inputs, page: Mapping, compared: Mapping, inline: str, about: Mapping) -> str:
    """Fill the templates; everything that comes from a study is escaped."""
    from .. import rules

    environment = Environment(
        loader=PackageLoader("hladr.report"),
        autoescape=lambda name: not (name or "").endswith(".txt.j2"),
        undefined=StrictUndefined,
        trim_blocks=True,
    )
    environment.filters["urlencode_all"] = lambda text: quote(str(text), safe="")
    environment.filters["beside"] = beside
    environment.filters["chance"] = chance
    environment.filters["side"] = side
    environment.filters["moment"] = moment
    environment.filters["sentence"] = lambda text: text[:1].upper() + text[1:]
    words = {
        "paragraphs": methods.paragraph(inputs, environment),
        "citations": methods.CITATIONS,
        "miflowcyt": miflowcyt.items(inputs),
        "versions": methods.versions(),
        "rules": rules.in_force(inputs.config),
        "flags": list(FLAGS.values()),
    }
    return environment.get_template("report.html.j2").render(
        meta=about,
        pages=PAGES,
        today=page,
        labs=compared,
        methods=words,
        css=Markup(static("report.css")),
        core=Markup(static("core.js")),
        pages_js=Markup("".join(static(f"{name}.js") for name in SCRIPTS)),
        blocks=Markup(inline),
    )


def static(name: str) -> str:
    """Read a style sheet or script that ships with the package."""
    return (HERE / "static" / name).read_text(encoding="utf-8")
