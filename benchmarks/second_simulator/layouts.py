"""Which file a cytometer writes: channels, scales, integers or floats, keywords."""

from dataclasses import dataclass

import numpy as np

from .blood import Blood
from .draws import one_of
from .fcs_file import Channel, Form
from .populations import CD14, CD45, FSC, PE, SSC
from .signals import Gains, Signals

CHANNELS_PER_DECADE = 256
DIGITAL_NAMES = {
    "bd": ("FSC-A", "FSC-H", "SSC-A", "PE-A", "PerCP-Cy5-5-A", "APC-A"),
    "bc20": ("FS-A", "FS-H", "SS-A", "FL2-A", "FL4-A", "FL6-A"),
    "big24": ("FSC-A", "FSC-H", "SSC-A", "FL2-A", "FL3-A", "FL4-A"),
}
#: $CYT
MAKES = {"bd": ("FACSCanto II", "LSRFortessa"), "bc20": ("Navios",), "big24": ("Accuri C6", "CytoFLEX")}
#: Forms of each cytometer's files; one that is listed twice comes twice as often.
FORMS = {
    "bd": ("float 3.0", "float 3.1", "float 3.1", "int 3.1"),
    "bc20": ("int 3.0", "float 3.1"),
    "big24": ("int 3.0 little", "float 3.0", "float 3.1"),
}
NAMED_FORMS = {
    "float 3.0": Form("FCS3.0", "F", True, 32),
    "float 3.1": Form("FCS3.1", "F", False, 32),
    "int 3.1": Form("FCS3.1", "I", False, 32),
    "int 3.0": Form("FCS3.0", "I", True, 32),
    "int 3.0 little": Form("FCS3.0", "I", False, 32),
}
STARTED = {"$DATE": "03-MAR-2025", "$BTIM": "10:00:00", "$ETIM": "10:03:00"}


@dataclass(frozen=True)
class Layout:
    """The content of a file.

    Attributes
    ----------
    form : Form
    channels : list of Channel
    data : ndarray (n, channels)
        As written.
    keywords : dict
        Besides those of the form and the channels.
    markers : dict
        HLA-DR, CD14, CD45 -> $PnN, or `none`.
    gating : ndarray (n, k)
        What a gate may see: scatter, CD14 and CD45, linear and compensated by the file's matrix.
    """

    form: Form
    channels: list[Channel]
    data: np.ndarray
    keywords: dict[str, str]
    markers: dict[str, str]
    gating: np.ndarray


def lay_out(rng: np.random.Generator, blood: Blood, gains: Gains, signals: Signals) -> Layout:
    """Write signals down as the tube's cytometer would."""
    clock = np.sort(rng.random(len(signals.labels)))
    if blood.cytometer == "calibur":
        return _calibur(rng, blood, signals.values, clock)
    return _digital(rng, blood, gains, signals, clock)


def _calibur(rng: np.random.Generator, blood: Blood, values: np.ndarray, clock: np.ndarray) -> Layout:
    """FCS 2.0, 10 bits: linear scatter, fluorescence on four decades, compensated before it was written."""
    fl1 = 10 ** (rng.standard_normal(len(values)) * 0.3 + 0.8)
    scale = one_of(rng, ("4,0", "4,1"))
    names = ("FSC-H", "SSC-H", "FL1-H", "FL2-H", "FL3-H", "FL4-H")
    stains = ("", "", "", "HLA-DR PE", "CD14 PerCP-Cy5.5", "CD45 APC")
    linear = [values[:, FSC], values[:, SSC], fl1, values[:, PE], values[:, CD14], values[:, CD45]]
    channels, columns = [], []
    for i, name in enumerate(names):
        voltage = one_of(rng, (500, 520, 700))
        logarithmic = i >= 2
        channels.append(Channel(name, 1024, stains[i], scale if logarithmic else "0,0", voltage=voltage))
        number = np.floor(linear[i])
        if logarithmic:
            number = np.rint(CHANNELS_PER_DECADE * np.log10(np.maximum(linear[i], 1e-9)))
        columns.append(np.clip(number, 0, 1023))
    if not blood.cd45:
        channels, columns = channels[:5], columns[:5]
    fluorescence = [10 ** (column / CHANNELS_PER_DECADE) for column in columns[4:]]
    gating = np.column_stack([*columns[:2], *fluorescence])
    keywords = dict(STARTED)
    if blood.time:
        channels.append(Channel("Time", 1024))
        columns.append(np.floor(clock * 1000))
        keywords["$TIMESTEP"] = "0.1"
    keywords["$CYT"] = "FACSCalibur"
    form = Form("FCS2.0", "I", bool(rng.random() < 0.7), 16)
    return Layout(form, channels, np.column_stack(columns), keywords, _markers(names[3:], blood.cd45), gating)


def _digital(rng: np.random.Generator, blood: Blood, gains: Gains, signals: Signals, clock: np.ndarray) -> Layout:
    """Linear values, integers or floats, with the matrix in the text segment."""
    names = DIGITAL_NAMES[blood.cytometer]
    keywords = dict(STARTED)
    makes = MAKES[blood.cytometer]
    keywords["$CYT"] = one_of(rng, makes) if len(makes) > 1 else makes[0]
    form = NAMED_FORMS[one_of(rng, FORMS[blood.cytometer])]
    integers = form.datatype == "I"
    top = gains.top
    values = signals.values
    linear = [values[:, FSC], signals.heights, values[:, SSC], values[:, PE], values[:, CD14], values[:, CD45]]
    stains = ("", "", "", "HLA-DR", "CD14", "CD45")
    channels, columns = [], []
    for i, name in enumerate(names):
        if (i == 1 and not blood.fsc_height) or (i == 5 and not blood.cd45):
            continue
        scatter = i < 3
        column = np.clip(linear[i], 0 if integers or scatter else -top / 50, top)
        voltage = one_of(rng, (350, 450, 600)) if blood.cytometer == "bd" else None
        gain = one_of(rng, ("1", "1.0")) if integers else None
        channels.append(Channel(name, int(top) + 1, stains[i], gain=gain, voltage=voltage))
        columns.append(np.floor(column) if integers else column)
    last = len(columns)
    if blood.time:
        channels.append(Channel("Time", int(top) + 1))
        columns.append(np.floor(clock * 15_000) if integers else clock * 15_000)
        keywords["$TIMESTEP"] = "0.01"
    data = np.column_stack(columns)
    pe = 3 if blood.fsc_height else 2  # its column; CD14 and CD45 follow
    seen = data[:, :last].astype(float)
    if signals.matrix is not None:
        dyes = last - pe
        matrix = signals.matrix[:dyes, :dyes]
        key = "SPILL" if form == NAMED_FORMS["float 3.0"] else "$SPILLOVER"
        numbers = [f"{coefficient:.6g}" for coefficient in matrix.ravel()]
        keywords[key] = ",".join([str(dyes), *names[3 : 3 + dyes], *numbers])
        seen[:, pe:] = np.linalg.solve(matrix.T, seen[:, pe:].T).T
    gating = np.delete(seen, pe, axis=1)
    return Layout(form, channels, data, keywords, _markers(names[3:], blood.cd45), gating)


def _markers(detectors: tuple[str, ...], cd45: bool) -> dict[str, str]:
    return {"HLA-DR": detectors[0], "CD14": detectors[1], "CD45": detectors[2] if cd45 else "none"}
