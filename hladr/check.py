"""`hladr check`: the tables, the configuration and every FCS header, all problems at once; nothing runs.

What it says about specimens is what a run can know before it reads events; a run finds more.
"""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from .fcs import Spillover, compensation, read_header
from .flags import FLAGS, Finding, SpecimenError, finding
from .labs import zone_of
from .pairing import PESettings, bead_settings, compare, hours_between, tube_settings
from .panel import resolve, resolve_beads
from .quantify.delay import delay_findings
from .stains import contradictions
from .study import BeadRun, Problem, Study, StudyError, Tube, load_study
from .study.contents import same_bytes
from .study.notes import notes_of, same_measurement, uncompensated
from .study.problems import closest, first_of

SAME_FROM = 3  # tubes or bead runs of one lab with the same finding, from which on it is printed once
MOST_NAMED = 5


@dataclass(frozen=True)
class SpecimenFinding:
    """What is wrong with one tube or bead run.

    Attributes
    ----------
    kind : {"tube", "bead run"}
    name : str
        sample_id or bead_id.
    lab : str
        Key in labs.yaml.
    finding : Finding
    """

    kind: str
    name: str
    lab: str
    finding: Finding

    def __str__(self) -> str:
        return f"{self.kind} {self.name}: {_said(self.finding)}"


def _said(found: Finding) -> str:
    remedy = FLAGS[found.code].remedy.rstrip(".")
    return f"{found.code} ({found.status}): {found.sentence.rstrip('.')}; remedy: {remedy[:1].lower()}{remedy[1:]}"


@dataclass(frozen=True)
class CheckResult:
    """All that was found.

    Attributes
    ----------
    problems : tuple of Problem
        Of tables and configuration: nothing runs before they are mended.
    specimens : tuple of SpecimenFinding
        A run finishes and reports them. Empty while there are problems in the tables.
    notes : tuple of str
        What is allowed and usually a slip. Empty while there are problems in the tables.
    """

    problems: tuple[Problem, ...]
    specimens: tuple[SpecimenFinding, ...]
    notes: tuple[str, ...] = ()


def check(folder: str | Path) -> CheckResult:
    """Check a study folder.

    Parameters
    ----------
    folder : path
        The study.

    Returns
    -------
    CheckResult
    """
    try:
        study = load_study(folder)
    except StudyError as error:
        return CheckResult(error.problems, ())
    specimens, headers = _specimens(study)
    same = same_measurement(study, same_bytes(study, headers))
    return CheckResult((), tuple(specimens), (*notes_of(study), *same, *uncompensated(study, headers)))


def specimen_lines(specimens: Iterable[SpecimenFinding]) -> list[str]:
    """Write findings one line each; the same of three or more tubes (or bead runs) of one lab on one line.

    Parameters
    ----------
    specimens : iterable of SpecimenFinding

    Returns
    -------
    list of str
        In the order of the findings; a line for several stands where the first of them does.
    """
    specimens = list(specimens)
    names = defaultdict(list)
    for one in specimens:
        names[one.kind, one.lab, one.finding].append(one.name)
    lines = []
    for one in specimens:
        same = names[one.kind, one.lab, one.finding]
        if len(same) < SAME_FROM:
            lines.append(str(one))
        elif one.name == same[0]:
            lines.append(f"{one.kind}s {first_of(same, MOST_NAMED)} (lab {one.lab}): {_said(one.finding)}")
    return lines


def _specimens(study: Study) -> tuple[list[SpecimenFinding], dict[str, tuple[str, ...]]]:
    """Return the findings of all bead runs and tubes, and by sample_id what is odd about the header of each tube."""
    specimens, headers, settings_of_run = [], {}, {}
    zone_of_run = {run.bead_id: zone_of(study.labs[run.lab]) for run in study.bead_runs}
    for run in study.bead_runs:
        found, settings_of_run[run.bead_id] = _bead_run(study, run)
        specimens += (SpecimenFinding("bead run", run.bead_id, run.lab, f) for f in found)
    for tube in study.tubes:
        found, settings, notes = _tube(study, tube)
        if notes is not None:
            headers[tube.sample_id] = notes
        beads = settings_of_run.get(tube.bead_id)
        if settings is not None:
            found += delay_findings(tube, settings.acquired_at, study)
        if settings is not None and beads is not None:
            found += compare(
                settings,
                beads,
                hours=hours_between(settings, beads, (zone_of(study.labs[tube.lab]), zone_of_run[tube.bead_id])),
                window_hours=study.config["quantify"]["bead_window_hours"],
                exceptions=study.config["pairing_exceptions"],
                sample_id=tube.sample_id,
                bead_id=tube.bead_id,
            )
        specimens += (SpecimenFinding("tube", tube.sample_id, tube.lab, f) for f in found)
    return specimens, headers


def _bead_run(study: Study, run: BeadRun) -> tuple[list[Finding], PESettings | None]:
    """Return the findings of a bead run's header and its PE settings (None where it cannot be read)."""
    found = []
    if not any(level.value is not None for level in study.lots.get((run.kit, run.lot), ())):
        near = closest(run.lot, [lot for kit, lot in study.lots if (kit, lot) != (run.kit, run.lot) and kit == run.kit])
        hint = f" (did you mean {near}?)" if near else ""
        found.append(finding("lot_unknown", f"the table of bead lots has no values of lot {run.lot} of this kit{hint}"))
    try:
        if run.fcs is None:
            raise SpecimenError("missing_file", "the table names no file for this bead run")
        header = read_header(study.folder / run.fcs)
        return found, bead_settings(header, resolve_beads(header.channels, study.labs[run.lab]).hladr)
    except SpecimenError as error:
        return [*found, error.finding], None


def _tube(study: Study, tube: Tube) -> tuple[list[Finding], PESettings | None, tuple[str, ...] | None]:
    """Return the findings of a tube's header, its PE settings and notes (None where it cannot be read)."""
    found = []
    if tube.fcs is None:
        if tube.abc_reported is None:
            found.append(finding("missing_file", "there is neither a file nor a reported value"))
        return found, None, None
    if tube.bead_id is None:
        found.append(finding("calibration_missing", "no bead run is named for this tube"))
    try:
        header, lab = read_header(study.folder / tube.fcs), study.labs[tube.lab]
        panel = resolve(header.channels, lab)
        found += contradictions(header.channels, lab, panel)
        matrix, notes = compensation.choose(header, lab, study.folder)
        settings = tube_settings(header, panel.hladr, lab, matrix)
    except SpecimenError as error:
        return [*found, error.finding], None, None
    if tube.sample_id in study.overrides:
        found += _override(study.folder / study.overrides[tube.sample_id].path, header, matrix)
    return found, settings, (*header.notes, *notes)


def _override(path: Path, header, matrix: Spillover | None) -> list[Finding]:
    """Return what is wrong with a reviewer's gate; whether it selects anything is seen when it runs."""
    from .gating import document  # here: few studies have one, and it needs numpy

    try:
        document.prepare(document.read(path), header.channels, matrix)
    except SpecimenError as error:
        return [error.finding]
    return []
