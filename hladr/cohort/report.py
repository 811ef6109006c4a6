"""cohort.html: the trial's tables and figures on one page that opens without a network."""

import base64
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import jinja2

from .. import cohort, rules, stats
from ..arms import arms_of, compared_arms
from ..atomic import write_text
from ..paths import PACKAGE
from ..phenotype import Draw
from ..plots import cohort as plots_cohort
from ..plots import plane as plots_plane
from ..plots.style import svg_of
from ..quantify.measurement import Measurement
from ..reversal import Course
from ..study.types import Study
from ..wording import plural
from . import outcomes
from . import series as cohort_series
from .empty import why_empty

ENDPOINTS = {
    "reversal": "Reversal",
    "reversal_stratified_by_lab": "Reversal, stratified by lab",
    "time_to_reversal": "Time to reversal",
    "sofa_fall_day_9": "SOFA fall of 1.4 or more, days 2 to 9",
    "death_day_28": "Death by day 28",
    "death_day_90": "Death by day 90",
    "sofa_fall_day_15": "SOFA fall of 1.4 or more, days 2 to 15",
    "infection_day_15": "Infection at day 15, odds of a worse state",
}
MOST_DAYS = 10  # below the curve


def write(
    study: Study, courses: Sequence[Course], draws: Sequence[Draw], measurements: Iterable[Measurement], path: Path
) -> None:
    """Write cohort.html.

    Parameters
    ----------
    study : study.Study
    courses : sequence of Course
        One per patient.
    draws : sequence of Draw
        All draws.
    measurements : iterable of quantify.Measurement
        One per tube.
    path : Path
        The file.
    """
    arms = [arm for arm in compared_arms(study) if arm]
    rows = cohort.rows(study, courses, draws)
    summary = cohort_series.by_day(draws, arms_of(study), arms)
    first_day = int(study.config["baseline_day"])
    agreement = cohort_series.agreement(draws, first_day, first_day + 1)
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(PACKAGE / "report" / "templates"),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        keep_trailing_newline=True,
    )
    page = environment.get_template("cohort.html.j2").render(
        study=study.config["study"],
        css=(PACKAGE / "report" / "static" / "report.css").read_text(encoding="utf-8"),
        arm_a=arms[0] if arms else "",
        arm_b=arms[1] if len(arms) > 1 else "",
        lead=_lead(rows),
        notes=_notes(study, arms),
        rows=[_shown(row) for row in rows],
        methods=list(dict.fromkeys(str(row["method"]) for row in rows)),
        figures=_figures(study, courses, draws, arms, summary),
        series=[_shown_quantiles(row) for row in summary],
        agreement={**agreement, "first": first_day, "second": first_day + 1, "text": _agreement_text(agreement)},
        calls=rules.PHENOTYPES,
        flow=cohort_series.flow(study, measurements, draws),
        rules=rules.in_force(study.config),
    )
    write_text(path, page)


def _lead(rows: Sequence[Mapping[str, Any]]) -> str:
    if not rows:
        return "The study names no arm (column arm of samples.csv or outcomes.csv), so nothing is compared."
    row = rows[0]
    shares = [
        f"{row[f'events_{k}']} of {row[f'n_{k}']} patients ({row[f'percent_{k}']:.1f} %) in {row[f'arm_{k}']}"
        for k in ("a", "b")
        if row.get(f"n_{k}")
    ]
    if not shares:
        return "No patient with an arm has MALS or SIP at baseline."
    text = "Reversal was attained by " + " and ".join(shares)
    if row.get("difference_percent") is None:
        return text + "."
    p_value = _p(row["p_value"])
    sign = "P " if p_value.startswith("<") else "P = "
    return f"{text}: a difference of {_interval(row, 'difference', '_percent')} percentage points, {sign}{p_value}."


def _notes(study: Study, arms: Sequence[str]) -> list[str]:
    notes = []
    others = sorted(set(arms_of(study).values()) - set(arms))
    if others:
        notes.append(f"Not compared: {', '.join(others)}. Two arms are compared, the first against the second.")
    if study.config["cohort"]["deaths"] == cohort.COMPETING and not cohort.competing(study):
        notes.append("Deaths are configured as competing events, but there is no outcomes.csv: they stay at risk.")
    known = study.outcomes or ()
    no_sofa = sum(outcome.sofa[0] is None for outcome in known)
    if no_sofa:
        notes.append(f"Left out of the SOFA endpoints, without SOFA of day 1: {plural(no_sofa, 'patient')}.")
    for day in (28, 90):
        lost = sum(outcomes.lost_before(outcome, day) for outcome in known)
        if lost:
            notes.append(f"Last seen alive before day {day}, and counted as alive then: {plural(lost, 'patient')}.")
    return notes


def _shown(row: Mapping[str, Any]) -> dict[str, object]:
    hazard = row["endpoint"] == "time_to_reversal"
    subgroup = "all patients" if row["subgroup"] == cohort.ALL else row["subgroup"]
    first = row["subgroup"] == cohort.ALL
    ratio = _interval(row, "hazard_ratio" if hazard else "odds_ratio", digits=2)
    return {
        "first": first,
        "name": ENDPOINTS.get(row["endpoint"], row["endpoint"]) if first else subgroup,
        "a": _share(row, "a"),
        "b": _share(row, "b"),
        "difference": _interval(row, "difference", "_percent"),
        "ratio": f"HR {ratio}" if hazard and ratio else ratio,
        "why_empty": why_empty(row),
        "p": _p(row.get("p_value")),
        "method": row["method"],
    }


def _share(row: Mapping[str, Any], side: str) -> str:
    events, n, percent = (row.get(f"{name}_{side}") for name in ("events", "n", "percent"))
    if n is None:
        return ""
    if events is None:
        return f"n = {n}"
    return f"{events}/{n}" + (f" ({percent:.1f} %)" if percent is not None else "")


def _interval(row: Mapping[str, Any], name: str, suffix: str = "", digits: int = 1) -> str:
    value, low, high = row.get(f"{name}{suffix}"), row.get(f"{name}_low"), row.get(f"{name}_high")
    if value is None:
        return ""
    ends = f" ({low:.{digits}f} to {high:.{digits}f})" if low is not None and high is not None else ""
    return f"{value:.{digits}f}{ends}".replace("-", "−")


def _p(value: float | None) -> str:
    if value is None:
        return ""
    return "< 0.0001" if value < 0.0001 else f"{value:.4f}" if value < 0.1 else f"{value:.2f}"


def _shown_quantiles(row: Mapping[str, Any]) -> dict[str, object]:
    def number(value: float | None) -> str:
        return "open" if value is None else f"{value:,.0f}"

    marker = "AB/C" if row["marker"] == "abc" else "ferritin, ng/mL"
    quartiles = f"{number(row['quartile_1'])} to {number(row['quartile_3'])}"
    return {**row, "marker": marker, "median": number(row["median"]), "quartiles": quartiles}


def _agreement_text(agreement: Mapping[str, Any]) -> str:
    if not agreement["n"]:
        return ""
    same = f"{agreement['n_same']} of {agreement['n']} patients ({agreement['percent_same']:.1f} %)"
    text = f"The call is the same in {same}"
    return text + (f"; Cohen's kappa {agreement['kappa']:.2f}." if agreement["kappa"] is not None else ".")


def _figures(
    study: Study, courses: Sequence[Course], draws: Sequence[Draw], arms: Sequence[str], summary: Sequence[Mapping]
) -> list[dict[str, str]]:
    made = []

    def add(title: str, caption: str, figure) -> None:
        data = base64.b64encode(svg_of(figure).encode()).decode()
        made.append({"title": title, "alt": f"{title}. {caption}", "caption": caption, "data": data})

    limits = rules.phenotype_limits(study.config)
    baseline_day, horizon = int(study.config["baseline_day"]), int(study.config["reversal"]["horizon_day"])
    if arms:
        times = [time for time in cohort.times_to_reversal(study, courses) if time.arm in arms]
        competing = cohort.competing(study)
        curves, at_risk = {}, {}
        days = _table_days(draws, baseline_day, horizon)
        for arm in arms:
            of_arm = [time for time in times if time.arm == arm]
            curves[arm] = stats.cumulative_reversal([t.day for t in of_arm], [t.event for t in of_arm], competing)
            at_risk[arm] = [sum(t.day >= day for t in of_arm) for day in days]
        how = "1 − Kaplan-Meier; deaths stay at risk."
        if competing:
            how = "Cumulative incidence; death is a competing event."
        add(
            "Time to reversal",
            f"Patients with MALS or SIP at baseline. {how}",
            plots_cohort.kaplan_meier(curves, at_risk, days, baseline_day, horizon, "patients with reversal, %"),
        )
        deaths = {o.patient_id: o.death_day for o in study.outcomes or () if o.death_day is not None}
        add(
            "Courses, patient by patient",
            "One lane per patient, by day of reversal; patients who never reach it last.",
            plots_cohort.swimmer(courses, arms, horizon, deaths),
        )
        add(
            "AB/C and ferritin over time",
            "Thin: patients (exact values). Thick: medians of days with at least three; shaded: quartiles.",
            plots_cohort.spaghetti(draws, arms_of(study), arms, summary, limits),
        )
    at_baseline = [draw for draw in draws if draw.day == baseline_day]
    add(
        "Baseline draws",
        "Ferritin against AB/C with the regions of the rule; lines: values given as a range.",
        plots_plane.plane(at_baseline, limits),
    )
    return made


def _table_days(draws: Iterable[Draw], baseline_day: int, horizon: int) -> list[int]:
    """Choose the days of the table of patients at risk: those with the most draws."""
    counts = Counter(draw.day for draw in draws if baseline_day <= draw.day <= horizon)
    often = sorted(counts, key=lambda day: (-counts[day], day))[:MOST_DAYS]
    return sorted({baseline_day, horizon, *often})
