"""Tube against beads: what must match so that a PE of the one means the same on the other."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import tzinfo

from . import moments
from .cytometers import plain, veiled
from .fcs import Acquisition, Spillover
from .fcs.compensation import seen_in
from .fcs.spillover import is_identity
from .flags import Finding, finding
from .labs import FROM_FILE, compensation_of
from .limits import above, equal

HEADER_TEXT = ("cytometer", "serial number")  # compared, never shown
COMPENSATION = "compensation of PE"  # shown; only a matrix that the tube lacks is a finding, of its own kind
HOURS = "hours from beads to tube"  # a difference: it stands in the tube's place, the report gives it a line of its own
SPILL_TOLERANCE = 0.03  # of another dye's light that is taken off PE; 0.2 of it, and that wrong by 5 %, is 0.01
RELATIVE_TOLERANCE = 1e-6  # of voltage, gain and range: files write them with different numbers of digits


@dataclass(frozen=True)
class PESettings:
    """How one file says PE was measured; None where it says nothing.

    Attributes
    ----------
    detector : str
        $PnN.
    voltage, gain : float or None
        $PnV in volts, $PnG; a gain that is not stated counts as 1.
    decades, log_minimum : float
        $PnE.
    range : float or None
        $PnR.
    cytometer, serial : str or None
        A recognised model and a digest of the header's text (`cytometers.veiled`).
    acquired_at : str or None
        ISO 8601: with its offset where the file states one, else the cytometer's local time; a date
        alone where no time is stated.
    compensation : str
        Of a tube what is applied to PE: `matrix`, `none`, or `not asked for` where the lab takes none from the file; of
        beads, whose PE needs none, what the file carries: `matrix`, `identity` or `none`.
    spill : mapping or None
        What the file's own matrix takes off PE (`fcs.compensation.seen_in`); None where it has none, an identity, or
        one that the tube's lab does not want.
    """

    detector: str
    voltage: float | None
    gain: float | None
    decades: float
    log_minimum: float
    range: float | None
    cytometer: str | None
    serial: str | None
    acquired_at: str | None
    compensation: str
    spill: Mapping[str, Sequence] | None = None


def bead_settings(acquisition: Acquisition, column: int) -> PESettings:
    """Take the settings of the PE channel (its column) from a bead run, or from its header alone."""
    spill = acquisition.spill
    if spill is None or is_identity(spill):
        return _settings(acquisition, column, "none" if spill is None else "identity", None)
    return _settings(acquisition, column, "matrix", spill)


def tube_settings(header: Acquisition, column: int, lab: Mapping, spill: Spillover | None) -> PESettings:
    """Take the settings of the PE channel (its column) from a tube's header.

    Parameters
    ----------
    header : fcs.Acquisition
    column : int
    lab : mapping
        The tube's entry of labs.yaml.
    spill : fcs.Spillover or None
        The matrix that applies: `fcs.compensation.choose`.
    """
    compensated = spill is not None and header.channels[column].name in spill.detectors
    how = compensation_of(lab)
    return _settings(header, column, _applied(compensated, how), spill if how == FROM_FILE else None)


def _applied(compensated: bool, how: str | None) -> str:
    """Name what a lab's `compensation` does to a tube's PE."""
    if compensated:
        return "matrix"
    return "none" if (how or FROM_FILE) == FROM_FILE else "not asked for"


def _settings(acquisition: Acquisition, column: int, compensation: str, spill: Spillover | None) -> PESettings:
    channel, about = acquisition.channels[column], acquisition.settings
    return PESettings(
        channel.name,
        channel.voltage,
        channel.gain,
        channel.decades,
        channel.log_minimum,
        channel.range or None,
        veiled(about.cytometer),
        veiled(about.serial),
        about.acquired_at.isoformat() if about.acquired_at is not None else None,
        compensation,
        seen_in(channel.name, acquisition.channels, spill),
    )


@dataclass(frozen=True)
class Compared:
    """One thing that was compared: both values, and whether they agree (None: not stated by both)."""

    what: str
    tube: object
    beads: object
    agree: bool | None


def table(tube: PESettings, beads: PESettings, hours: moments.Hours | None) -> list[Compared]:
    """Compare everything and keep both values, in a fixed order; `hours` from `hours_between`."""
    return [
        _text("PE detector", tube.detector, beads.detector),
        _text("cytometer", tube.cytometer, beads.cytometer),
        _text("serial number", tube.serial, beads.serial),
        _number("PE voltage", tube.voltage, beads.voltage),
        _number("PE gain", _gain(tube.gain, beads.gain), _gain(beads.gain, tube.gain)),
        _amplification(tube, beads),
        _number("PE range", tube.range, beads.range),
        Compared(COMPENSATION, tube.compensation, beads.compensation, None),
        Compared(HOURS, None if hours is None else hours.show(), None, None),
    ]


def compare(
    tube: PESettings,
    beads: PESettings,
    *,
    hours: moments.Hours | None,
    window_hours: float,
    exceptions: Sequence[Mapping] = (),
    sample_id: str | None = None,
    bead_id: str | None = None,
    compared: Sequence[Compared] | None = None,
) -> list[Finding]:
    """Compare a tube with its bead run; works from headers alone.

    Parameters
    ----------
    tube, beads : PESettings
    hours : Hours or None
        From `hours_between`.
    window_hours : float
        Further apart: `bead_date_mismatch`.
    exceptions : sequence of mapping
        The configuration's `pairing_exceptions`: sample_id or bead_id, and a reason.
    sample_id, bead_id : str, optional
        Which exception applies.
    compared : sequence of Compared, optional
        Their `table`, where it is made already.

    Returns
    -------
    list of Finding
        `settings_mismatch`, `cytometer_mismatch`, `bead_date_mismatch`, `compensation_missing`, `compensation_differs`;
        with an exception `pairing_exception` (review) instead of the first two.
    """
    rows = [row for row in compared or table(tube, beads, hours) if row.agree is False]
    found = []
    for code, names in (("cytometer_mismatch", HEADER_TEXT), ("settings_mismatch", None)):
        differ = [r for r in rows if (r.what in names if names else r.what not in HEADER_TEXT)]
        if differ:
            text = ", ".join(f"{r.what} {_show(r.tube)} in the tube and {_show(r.beads)} in the beads" for r in differ)
            if code == "cytometer_mismatch":
                text = "the " + " and ".join(r.what for r in differ) + " of tube and beads differ"
            found.append(finding(code, text))
    excuse = next((e for e in exceptions if _applies(e, sample_id, bead_id)), None)
    if found and excuse is not None:
        what = "; ".join(f.sentence for f in found)
        found = [finding("pairing_exception", f"{what}; let through because: {excuse.get('reason', '')}")]
    if hours is not None and (hours.above(window_hours) or hours.below(-window_hours)):
        found.append(finding("bead_date_mismatch", f"beads and tube were acquired {_apart(hours, window_hours)}"))
    if tube.compensation == "none" and beads.compensation == "matrix":
        # one damaged letter in the keyword's name is enough; the other way round is usual, since beads need no matrix
        found.append(
            finding(
                "compensation_missing",
                "PE is not compensated: the beads' file carries a compensation matrix, and the tube's file none for PE",
            )
        )
    elif (differ := _other_matrix(tube, beads)) is not None:
        found.append(finding("compensation_differs", differ))
    return found


def _other_matrix(tube: PESettings, beads: PESettings) -> str | None:
    """Say where the matrices of both files differ most in what they take off PE; None where they are alike.

    A share grows and shrinks with the settings of both detectors: only between equal ones is it comparable.
    """
    if not _set_alike((tube.voltage, tube.gain), (beads.voltage, beads.gain)):
        return None
    apart = []
    for name in set(tube.spill or ()) & set(beads.spill or ()):
        (ours, *here), (theirs, *there) = tube.spill[name], beads.spill[name]
        if _set_alike(here, there):
            apart.append((abs(ours - theirs), name, ours, theirs))
    most, name, ours, theirs = max(apart, default=(0.0, "", 0.0, 0.0))
    if not above(most, SPILL_TOLERANCE):
        return None
    return (
        "the tube's compensation matrix is not that of its beads: "
        f"it takes {100 * ours:.3g} % of the signal of {name} off PE, theirs {100 * theirs:.3g} %"
    )


def _set_alike(one: Sequence[float | None], other: Sequence[float | None]) -> bool:
    """Tell whether two detectors have the same voltage and gain, as far as both files state them."""
    (voltage, gain), (their_voltage, their_gain) = one, other
    rows = _number("", voltage, their_voltage), _number("", _gain(gain, their_gain), _gain(their_gain, gain))
    return all(row.agree is not False for row in rows)


def hours_between(
    tube: PESettings, beads: PESettings, zones: tuple[tzinfo | None, tzinfo | None] = (None, None)
) -> moments.Hours | None:
    """Hours from the beads to the tube; None where one of the times is not stated.

    `zones` are those of the tube's laboratory and of the beads', for files that state no offset.
    """
    if tube.acquired_at is None or beads.acquired_at is None:
        return None
    return moments.hours(moments.read(beads.acquired_at), moments.read(tube.acquired_at), zones[::-1])


def _apart(hours: moments.Hours, window: float) -> str:
    if equal(hours.least, window):  # dates alone: two days apart is more than 24 hours, by whatever little
        return f"more than {window:g} hours apart"
    return f"{hours.words(window)} apart, more than {window:g} hours"


def _applies(exception: Mapping, sample_id: str | None, bead_id: str | None) -> bool:
    named = [(k, v) for k, v in (("sample_id", sample_id), ("bead_id", bead_id)) if exception.get(k) not in (None, "")]
    return bool(named) and all(str(exception[k]) == v for k, v in named)


def _gain(own: float | None, other: float | None) -> float | None:
    """Compare a gain that only one of two files states with 1, which leaving it out means."""
    return 1.0 if own is None and other is not None else own


def _number(what: str, tube: float | None, beads: float | None) -> Compared:
    agree = None
    if tube is not None and beads is not None:
        agree = abs(tube - beads) <= RELATIVE_TOLERANCE * max(abs(tube), abs(beads))
    return Compared(what, tube, beads, agree)


def _text(what: str, tube: str | None, beads: str | None) -> Compared:
    agree = None
    if tube and beads:
        agree = plain(tube) == plain(beads)
    return Compared(what, tube, beads, agree)


def _amplification(tube: PESettings, beads: PESettings) -> Compared:
    one, other = (tube.decades, tube.log_minimum), (beads.decades, beads.log_minimum)
    agree = all(abs(a - b) <= 1e-6 for a, b in zip(one, other, strict=True))
    return Compared("PE amplification", _decades(one), _decades(other), agree)


def _decades(pair: tuple[float, float]) -> str:
    return f"logarithmic over {pair[0]:g} decades from {pair[1]:g}" if pair[0] > 0 else "linear"


def _show(value: object) -> str:
    return f"{value:.10g}" if isinstance(value, float) else str(value)


def reading_settings(reading) -> PESettings | None:
    """Take the settings of the PE channel from a `tube.TubeReading`; None where the file could not be read that far."""
    channel = reading.pe_channel
    if channel is None:
        return None
    return PESettings(
        channel["detector"],
        channel["voltage"],
        channel["gain"],
        channel["decades"],
        channel["log_minimum"],
        channel["range"] or None,
        reading.cytometer,
        reading.serial,
        reading.acquired_at,
        _applied(channel["compensated"], channel["compensation"]),
        channel.get("spill"),
    )
