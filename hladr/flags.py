"""What can be wrong with a specimen: each code once, with its status, its meaning and its remedy.

A specimen problem is a value (`Finding`) that travels to the tables and the report; it never stops a run.
"""

from collections.abc import Iterable
from dataclasses import dataclass

FAILED = "failed"
REVIEW = "review"
OK = "ok"


@dataclass(frozen=True)
class Flag:
    """One code of the contract.

    Attributes
    ----------
    code : str
        The name in the column `flags`.
    status : str
        `failed`, `review`, or `failed or review` where the size of the problem decides.
    meaning : str
        What it says, for a technician.
    remedy : str
        What to do about it.
    """

    code: str
    status: str
    meaning: str
    remedy: str


@dataclass(frozen=True)
class Finding:
    """A code that was set, with the numbers of this specimen.

    Attributes
    ----------
    code : str
        A key of `FLAGS`.
    sentence : str
        What was found, in plain words, without a full stop at the end.
    status : str
        `failed` or `review`.
    """

    code: str
    sentence: str
    status: str


class SpecimenError(Exception):
    """A specimen that cannot be used: caught once per tube or bead run and turned into a `Finding`."""

    def __init__(self, code: str, sentence: str):
        super().__init__(f"{code}: {sentence}")
        self.code = code
        self.sentence = sentence


_BOTH = f"{FAILED} or {REVIEW}"

FLAGS: dict[str, Flag] = {
    flag.code: flag
    for flag in (
        # the file
        Flag("missing_file", FAILED, "There is no file where the table says, and no reported value.",
             "Copy the file into the study folder, or correct the path in the table."),
        Flag("unreadable_fcs", FAILED, "The file is not an FCS file, or its header cannot be understood.",
             "Export the tube again from the cytometer as FCS 3.0 or 3.1."),
        Flag("truncated_fcs", FAILED, "The file ends before the data that its header promises.",
             "Copy or export the file again; the transfer was probably interrupted."),
        Flag("channel_missing", FAILED, "A marker or scatter channel is not in the file.",
             "Correct the channel names in labs.yaml, or export the tube with all its channels."),
        Flag("no_events", FAILED, "The file holds no events.", "Export the tube again; if it stays empty, acquire it again."),
        Flag("corrupt_events", _BOTH, "Some events are not numbers, are all zero, or repeat in blocks.",
             "Export the tube again; if the damage stays, acquire it again."),
        # the tube
        Flag("no_monocytes", FAILED, "Fewer monocytes than the minimum were found.",
             "Look at the gate; acquire more of the tube, or ask for a new draw."),
        Flag("few_monocytes", REVIEW, "Few monocytes were found: the value is less certain.",
             "Acquire more events if the tube is still there; otherwise read the interval, not only the value."),
        Flag("preanalytic_delay", REVIEW, "The time from venepuncture to acquisition is longer than allowed.",
             "Check collected_at and the cytometer's clock; interpret the value with the delay in mind."),
        Flag("saturated", REVIEW, "Many monocytes lie at the limit of the PE detector: the true value may be higher.",
             "Acquire again with a lower PE voltage, together with new beads at that voltage."),
        Flag("signal_drift", _BOTH, "A signal or the event rate changed during the acquisition.",
             "Look at the time plot; clean the fluidics and acquire the tube again."),
        Flag("gate_uncertain", REVIEW, "The monocytes do not separate clearly from their neighbours.",
             "Look at the gate picture; if you would draw it otherwise, put your gate into overrides/."),
        # tube and beads
        Flag("settings_mismatch", FAILED, "Beads and tube were acquired with different PE settings.",
             "Name the bead run that was acquired with the tube's settings, or acquire beads and tube again."),
        Flag("cytometer_mismatch", FAILED, "Beads and tube come from different cytometers.",
             "Name the bead run of the tube's own cytometer in samples.csv."),
        Flag("bead_date_mismatch", REVIEW, "Beads and tube were acquired too far apart in time.",
             "Name a bead run of the same day, if there is one."),
        Flag("calibration_missing", FAILED, "No bead run is named for the tube.", "Fill bead_id in samples.csv."),
        Flag("calibration_failed", FAILED, "The bead run of this tube failed.", "See the bead run in calibrations.csv; acquire beads again."),
        Flag("calibration_review", REVIEW, "The bead run of this tube is doubtful.", "See the bead run in calibrations.csv."),
        Flag("extrapolated", REVIEW, "PE lies outside the range of the beads that were used.",
             "Read the value as an extrapolation; use a bead kit that reaches it."),
        Flag("statistic_sensitive", REVIEW, "Median and geometric mean fall on different sides of a limit.",
             "Look at the PE histogram of the monocytes: contamination or two populations?"),
        Flag("model_sensitive", REVIEW, "Two calibration models fall on different sides of a limit.",
             "Look at the bead line; a new bead run settles it."),
        Flag("replicates_disagree", REVIEW, "Tubes of one draw differ by more than 20 %.",
             "Find the wrong tube and name its successor in the column replaces."),
        Flag("kit_no_abc", FAILED, "The beads of this kit do not give antibodies per cell.",
             "State a conversion in the configuration, or use a kit that carries PE molecules or antibodies."),
        Flag("kit_not_interchangeable", REVIEW, "AB/C of this kit is not on the scale of the published cut-offs.",
             "Do not compare it with the cut-offs, which are those of Quantibrite PE."),
        # blood values
        Flag("ferritin_implausible", REVIEW, "Ferritin fell by more than 90 % from the previous draw, unconfirmed.",
             "Ask the laboratory to repeat the sample diluted: a hook effect reads falsely low."),
        # bead runs
        Flag("peaks_missing", _BOTH, "Fewer bead peaks were found than the lot has levels.",
             "Acquire more bead events; check the PE voltage, so that no level is off the scale."),
        Flag("peaks_merged", _BOTH, "Two bead levels lie in one peak.", "Vortex the beads and acquire at low flow; check the lasers."),
        Flag("lot_unknown", FAILED, "The bead lot is not in the table of lots.", "Add the lot's certificate to bead_lots.csv."),
        Flag("slope_out_of_range", _BOTH, "The slope of the calibration line is outside the kit's limits.",
             "Check lot and values against the certificate; acquire beads again."),
        Flag("recovery_out_of_range", _BOTH, "A bead level lies too far from the calibration line.",
             "Check lot and values against the certificate; acquire beads again."),
        Flag("few_bead_events", _BOTH, "Too few bead events in a peak.", "Acquire at least 10,000 bead events."),
        Flag("not_beads", FAILED, "The file does not look like calibration beads.", "Check that the bead file, not a tube, is named in beads.csv."),
    )
}  # fmt: skip


def finding(code: str, sentence: str, status: str | None = None) -> Finding:
    """Make a `Finding`; `status` is needed only for the codes that can be either.

    Raises
    ------
    ValueError
        For a status that the code cannot have.
    """
    allowed = FLAGS[code].status
    if status is None:
        status = allowed
    if status not in (FAILED, REVIEW) or status not in allowed.split(" or "):
        raise ValueError(f"{code} cannot have the status {status!r}: {allowed}")
    return Finding(code, sentence, status)


def status_of(findings: Iterable[Finding]) -> str:
    """Combine findings: `failed` beats `review` beats `ok`."""
    statuses = {f.status for f in findings}
    return FAILED if FAILED in statuses else REVIEW if REVIEW in statuses else OK


def codes_of(findings: Iterable[Finding]) -> str:
    """Join the codes by `;`, failures first, each once, for the column `flags`."""
    return ";".join(dict.fromkeys(f.code for f in ordered(findings)))


def reason_of(findings: Iterable[Finding]) -> str:
    """Join what was found to one plain sentence, failures first; empty without findings."""
    parts = list(dict.fromkeys(f.sentence for f in ordered(findings)))
    return "; ".join(parts) + "." if parts else ""


def ordered(findings: Iterable[Finding]) -> list[Finding]:
    """Order findings: failures first, otherwise as found."""
    return sorted(findings, key=lambda f: f.status != FAILED)
