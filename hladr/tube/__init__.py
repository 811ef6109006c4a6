"""One tube from its file to a `TubeReading`: where reading, quality and gating meet. It knows no bead run."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from .. import fcs, panel
from ..cytometers import veiled
from ..fcs import compensation
from ..fcs.damage import same_channels, stuck_channel
from ..flags import SpecimenError, finding
from ..gating import Axis, GateSet, Scale, apply, asinh_scale
from ..gating.doubt import Doubt
from ..gating.learn import Columns, Learned, Signal, learn
from ..gating.leukocytes import is_dark
from ..labs import FROM_FILE, compensation_of
from ..stains import contradictions
from .measure import MEASURED, PE_REACH, counted, measure, stability_of
from .reading import TubeArrays, TubeReading, failed_reading

__all__ = ["TubeArrays", "TubeReading", "failed_reading", "read_tube"]

_CD45_DARK = finding(
    "gate_uncertain",
    "CD45 is little more than noise: not stained, or on another detector; the gates look at CD14 and scatter alone",
)


def read_tube(folder: str | Path, row: Mapping, lab: Mapping, config: Mapping) -> tuple[TubeReading, TubeArrays | None]:
    """Read, gate and measure one tube.

    Parameters
    ----------
    folder : path
        The study.
    row : mapping
        `sample_id`; `fcs` and `override`, paths inside the study, or None.
    lab : mapping
        The tube's entry of labs.yaml.
    config : mapping
        With the sections quality, gating and quantify.

    Returns
    -------
    TubeReading, TubeArrays or None
        No arrays where no gate was found. A specimen that is not usable is no error; a mistake of ours is one, and
        `batch.run_batch` lets it cost this tube alone.
    """
    so_far = _SoFar(TubeReading(row["sample_id"]))
    try:
        arrays = _read(Path(folder), row, lab, config, so_far)
    except SpecimenError as problem:
        known = so_far.reading
        return replace(known, findings=(*known.findings, problem.finding)), None
    return so_far.reading, arrays


@dataclass
class _SoFar:
    """What is known of a tube: each step adds to it, and it is what remains where the next one fails."""

    reading: TubeReading

    def add(self, **more: object) -> None:
        self.reading = replace(self.reading, **more)


def _read(folder: Path, row: Mapping, lab: Mapping, config: Mapping, so_far: _SoFar) -> TubeArrays:
    if not row.get("fcs"):
        raise SpecimenError("missing_file", "the table names no file for this tube")
    acquisition = fcs.read_acquisition(folder / row["fcs"])
    so_far.add(**_known(acquisition))
    found = panel.resolve(acquisition.channels, lab)
    spill, notes = compensation.choose(acquisition, lab, folder)
    _refuse_dead_channels(acquisition, found, spill)
    stains = contradictions(acquisition.channels, lab, found)
    so_far.add(
        notes=(*so_far.reading.notes, *notes),
        cd45=found.cd45 is not None,
        findings=(*so_far.reading.findings, *stains),
    )
    signals = _signals(acquisition, found, spill)
    so_far.add(pe_channel=_pe_channel(acquisition, found.hladr, signals, spill, lab))
    tube = _Tube(acquisition, signals, spill, config, so_far.reading)
    arrays = None
    try:
        so_far.reading, arrays = _automatic(tube)
    except SpecimenError:
        if not row.get("override"):
            raise
    if row.get("override"):
        arrays = _reviewed(tube, folder / row["override"], so_far, arrays)
    return arrays


@dataclass(frozen=True)
class _Tube:
    """What is read of a tube before it is gated; `known` is what is said of it by then."""

    acquisition: fcs.Acquisition
    signals: dict[str, Signal]
    spill: fcs.Spillover | None
    config: Mapping
    known: TubeReading


def _refuse_dead_channels(acquisition: fcs.Acquisition, found: panel.Panel, spill: fcs.Spillover | None) -> None:
    """Refuse a file in which a channel of the panel or the matrix holds the values of another, or one value."""
    marked = [getattr(found, name) for name in ("hladr", "cd14", "cd45", "forward", "side")]
    detectors = spill.detectors if spill is not None else ()
    names = [channel.name for channel in acquisition.channels]
    used = [i for i, name in enumerate(names) if i in marked or name in detectors]
    # where the cytometer has one measure of the forward scatter only, its height repeats its area
    origins = [panel.detector_of(channel) for channel in acquisition.channels]
    if found.forward_height is not None:
        origins[found.forward_height] = origins[found.forward]
    same = same_channels(acquisition.events, origins, used)
    if same is not None:
        both = " and ".join(names[i] for i in same)
        raise SpecimenError("corrupt_events", f"the channels {both} hold the same values in every event")
    if (stuck := stuck_channel(acquisition.events, used)) is not None:
        raise SpecimenError("corrupt_events", f"the channel {names[stuck]} holds one value in every event")


def _known(acquisition: fcs.Acquisition) -> dict[str, object]:
    """Take what the file says, as fields of the reading."""
    settings = acquisition.settings
    return {
        "findings": tuple(acquisition.findings),
        "n_events": len(acquisition.events),
        "cytometer": veiled(settings.cytometer),
        "serial": veiled(settings.serial),
        "acquired_at": settings.acquired_at.isoformat() if settings.acquired_at else None,
        "notes": tuple(acquisition.notes),
    }


def _automatic(tube: _Tube) -> tuple[TubeReading, TubeArrays]:
    """Learn the gates, apply them, measure."""
    signals, config, reading = tube.signals, tube.config, tube.known
    damaged = tube.acquisition.damaged
    if "cd45" in signals and is_dark(signals["cd45"].values if damaged is None else signals["cd45"].values[~damaged]):
        signals = {name: signal for name, signal in signals.items() if name != "cd45"}
        reading = replace(reading, findings=(*reading.findings, _CD45_DARK))
    columns = Columns(
        signals["forward"],
        signals["side"],
        signals["cd14"],
        signals.get("cd45"),
        signals.get("forward_height"),
        signals.get("time"),
        damaged,
    )
    learned = learn(columns, config["gating"])
    masks = _masks(tube, learned)
    stable = stability_of(signals, masks, config["quality"], damaged)
    if (
        config["quality"]["remove_unstable_time"]
        and stable is not None
        and stable.unstable_share
        and stable.stable_stretch
    ):
        learned = learn(columns, config["gating"], stable.stable_stretch)
        masks = _masks(tube, learned)
        reading = replace(reading, notes=(*reading.notes, "unstable_time_removed"))
    reading = measure(reading, signals, masks, learned, stable, config)
    values = _values(signals)
    axes = _axes(signals, learned.gates)
    return reading, TubeArrays(values, axes, masks, learned.gates, learned.scaled, tube.spill)


def _masks(tube: _Tube, learned: Learned) -> dict[str, np.ndarray]:
    by_channel = {s.channel: s.values for name, s in tube.signals.items() if name != MEASURED}
    n = len(tube.acquisition.events)
    return apply(learned.gates, lambda axis: by_channel[axis.channel], n, learned.scaled, learned.masks)


def _values(signals: dict[str, Signal]) -> dict[str, np.ndarray]:
    return {name: signal.values for name, signal in signals.items() if name != MEASURED}


def _reviewed(tube: _Tube, path: Path, so_far: _SoFar, arrays: TubeArrays | None) -> TubeArrays:
    """Let the reviewer's gate count, and keep the automatic one, of which so far all is known, beside it."""
    from ..gating import document
    from ..gating import override as gating_override

    settings, reading = tube.config["gating"], so_far.reading
    automatic = {"n_monocytes": reading.n_monocytes, "pe": reading.pe, "gate_doubt": reading.gate_doubt}
    if arrays is not None:
        automatic["gates"] = arrays.gates.to_json()  # no other file holds them: results/gates publishes the reviewer's
    kept = replace(
        tube.known,
        notes=reading.notes,
        gate_source="override",
        automatic=automatic if arrays is not None else None,
        n_leukocytes=reading.n_leukocytes,
        shares={k: v for k, v in reading.shares.items() if k in ("margin", "doublets", "unstable_time")},
    )
    so_far.reading = kept
    text = document.read(path)
    override = gating_override.evaluate(text, tube.acquisition, tube.spill, settings["tight"], settings["wide"])
    masks = dict(arrays.masks) if arrays is not None else {}
    before = masks.get("monocytes")
    hladr, cd14 = (tube.signals[marker].channel for marker in ("hladr", "cd14"))
    odd = gating_override.judge(override, hladr, cd14, before, reading.n_leukocytes)
    # a gate that cannot be drawn in and out is its own tight and wide one, never the automatic gate's
    masks |= dict.fromkeys(("monocytes_tight", "monocytes_wide"), override.masks["monocytes"]) | override.masks
    stable = None
    if arrays is not None:
        stable = stability_of(tube.signals, masks, tube.config["quality"], tube.acquisition.damaged)
    doubt = Doubt(reading.contamination, reading.loss) if arrays is not None else None
    kept = replace(kept, findings=(*kept.findings, *odd))
    so_far.reading = counted(kept, tube.signals, masks, doubt, stable, tube.config)
    if arrays is None:
        values = _values(tube.signals)
        arrays = TubeArrays(values, _axes(tube.signals, GateSet(())), masks, GateSet(()), spill=tube.spill)
    return replace(arrays, masks=masks, override_xml=override.document, override_gates=override.gates)


def _signals(acquisition, found, spill) -> dict[str, Signal]:
    """Pick the panel's columns, compensated where the matrix covers them."""
    compensated = set(spill.detectors) if spill is not None else set()
    names = ("forward", "forward_height", "side", "cd14", "cd45", "hladr", "time")
    indices = {name: getattr(found, name) for name in names if getattr(found, name) is not None}
    values = compensation.apply(acquisition.events, acquisition.channels, spill, list(indices.values()))
    out = {}
    for position, (name, index) in enumerate(indices.items()):
        channel = acquisition.channels[index]
        top = channel.log_minimum * 10**channel.decades if channel.decades else channel.range - 1
        if acquisition.flowkit_preprocess and channel.gain and not channel.decades:
            top /= channel.gain
        column = values[:, position]
        if not channel.range or top <= 0:
            top = float(np.fmax.reduce(column))
        out[name] = Signal(column, channel.name, channel.name in compensated, float(top))
    # the detector's limit shows before compensation only; it is found as for the beads
    measured, damaged = acquisition.events[:, found.hladr], acquisition.damaged
    sound = measured if damaged is None else measured[~damaged]
    limit = fcs.largest_value(acquisition.channels[found.hladr], sound, acquisition.flowkit_preprocess)
    out[MEASURED] = replace(out["hladr"], values=measured, compensated=False, top=limit)
    return out


def _pe_channel(acquisition, column, signals, spill, lab) -> dict:
    channel, how = acquisition.channels[column], compensation_of(lab)
    own = spill if how == FROM_FILE else None
    return {
        "detector": channel.name,
        "voltage": channel.voltage,
        "gain": channel.gain,
        "decades": channel.decades,
        "log_minimum": channel.log_minimum,
        "range": channel.range,
        "compensated": signals["hladr"].compensated,
        "compensation": how,
        "spill": compensation.seen_in(channel.name, acquisition.channels, own),
    }


def _axes(signals: dict[str, Signal], gates: GateSet) -> dict[str, Axis]:
    known = {axis.channel: axis for gate in gates.gates for axis in gate.axes}
    axes = {}
    for name, signal in signals.items():
        if name == MEASURED:
            continue
        axes[name] = known.get(signal.channel) or Axis(signal.channel, signal.compensated, Scale())
    pe = signals["hladr"]
    axes["hladr"] = Axis(pe.channel, pe.compensated, asinh_scale(pe.top, pe.top / PE_REACH))
    return axes
