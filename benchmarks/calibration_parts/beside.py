"""FlowCal on the same files: the recipe of its own Excel interface, with its default model and statistic."""

import contextlib
import io
import warnings
from pathlib import Path

import flowio
import numpy as np

from hladr.simulate import LOTS

from .runs import AT, Case, true_pe

GATE_FRACTION = 0.3  # for beads in FlowCal's example workbook


def available() -> bool:
    """Say whether FlowCal is installed (the extra `bench`)."""
    try:
        _flowcal()
    except ImportError:
        return False
    return True


def _flowcal():
    if not hasattr(np, "Inf"):  # FlowCal 1.3.1 was written for numpy 1
        np.Inf = np.inf
    import FlowCal

    return FlowCal


def write(case: Case, path: Path) -> None:
    """Write a run as floats on the linear scale, a form that both programs read to the same numbers."""
    cytometer = case.sim.cytometer
    names = [c.name for c in cytometer.channels]
    ranges = {
        f"p{i}r": str(int(10**c.decades) if c.decades else int(c.range)) for i, c in enumerate(cytometer.channels, 1)
    }
    with open(path, "wb") as handle:
        flowio.create_fcs(handle, case.sim.linear.ravel(), names, metadata_dict=ranges)


def errors(case: Case, path: Path) -> tuple[float, ...] | None:
    """Return FlowCal's relative errors at `AT`; None where it gives up or its line is not a number."""
    flowcal, cytometer = _flowcal(), case.sim.cytometer
    forward = cytometer.scatter_channel("forward", "A") or cytometer.scatter_channel("forward", "H")
    side = cytometer.scatter_channel("side", "A") or cytometer.scatter_channel("side", "H")
    pe = cytometer.channel_of("HLA-DR").name
    scatter = [forward.name, side.name]
    np.random.seed(1)  # its mixture starts from random points
    try:
        with warnings.catch_warnings(), contextlib.redirect_stdout(io.StringIO()):
            warnings.simplefilter("ignore")
            data = flowcal.transform.to_rfi(flowcal.io.FCSData(str(path)))
            data = flowcal.gate.start_end(data, num_start=250, num_end=100)
            data = flowcal.gate.density2d(data, channels=scatter, gate_fraction=GATE_FRACTION, sigma=5.0)
            made = flowcal.mef.get_transform_fxn(
                data, [list(LOTS["quantibrite-pe", case.lot])], mef_channels=[pe], full_output=True
            )
            line = made.fitting["std_crv"][0]
            read = [float(line(true_pe(case, abc))) for abc in AT]
    except Exception:  # whatever it stumbles over counts as no result
        return None
    return tuple(r / abc - 1 for r, abc in zip(read, AT, strict=True)) if np.isfinite(read).all() else None
