"""Cytometers of Becton Dickinson."""

import numpy as np

from .cytometer import Channel, Cytometer, Detector
from .models_common import FITC_PE_PERCP_APC, scatter, spill_matrix


def canto() -> Cytometer:
    """Digital, big-endian floats, the matrix in SPILL."""
    detectors = (
        Detector("PE", "HLA-DR", 0.6, 0.15, 14.0, 480.0),
        Detector("PerCP-Cy5.5", "CD14", 0.35, 0.03, 14.0, 560.0, background=2.0),
        Detector("APC", "CD45", 0.16, 0.12, 12.0, 580.0, background=0.6),
    )
    return Cytometer(
        model="canto",
        cyt="FACSCanto II",
        serial="V96300271",
        **scatter(62000.0, 17000.0, 60.0, (310.0, 430.0)),
        detectors=detectors,
        channels=(
            Channel("FSC-A", "", "forward", "A"),
            Channel("FSC-H", "", "forward", "H"),
            Channel("SSC-A", "", "side", "A"),
            Channel("PE-A", "HLA-DR PE", "PE", "A"),
            Channel("PerCP-Cy5-5-A", "CD14 PerCP-Cy5-5", "PerCP-Cy5.5", "A"),
            Channel("APC-A", "CD45 APC", "APC", "A"),
            Channel("Time", "", "time", "", gain=0.01),
        ),
        spillover=(spill := spill_matrix(detectors, FITC_PE_PERCP_APC[1:, 1:])),
        stated_spillover=spill,
        compensation="in_file",
    )


def fortessa() -> Cytometer:
    """Digital, FCS 3.1, widths and heights, CD45 on the violet laser."""
    detectors = (
        Detector("FITC", "", 0.5, 0.10, 12.0, 470.0, background=3.0),
        Detector("PE", "HLA-DR", 1.4, 0.22, 16.0, 510.0),
        Detector("PerCP-Cy5.5", "CD14", 0.7, 0.04, 16.0, 620.0, background=2.0),
        Detector("V500", "CD45", 0.25, 0.05, 16.0, 440.0, background=3.5),
    )
    base = np.array(
        [[1.0, 0.18, 0.02, 0.01], [0.015, 1.0, 0.16, 0.003], [0.0, 0.008, 1.0, 0.002], [0.08, 0.02, 0.01, 1.0]]
    )
    return Cytometer(
        model="fortessa",
        cyt="LSRFortessa",
        serial="H64717700115",
        **scatter(48000.0, 21000.0, 60.0, (280.0, 250.0)),
        detectors=detectors,
        channels=(
            Channel("FSC-A", "", "forward", "A"),
            Channel("FSC-H", "", "forward", "H"),
            Channel("FSC-W", "", "forward", "W"),
            Channel("SSC-A", "", "side", "A"),
            Channel("SSC-H", "", "side", "H"),
            Channel("FITC-A", "", "FITC", "A"),
            Channel("PE-A", "HLA-DR", "PE", "A"),
            Channel("PerCP-Cy5-5-A", "CD14", "PerCP-Cy5.5", "A"),
            Channel("V500-A", "CD45", "V500", "A"),
            Channel("Time", "", "time", "", gain=0.01),
        ),
        spillover=(spill := spill_matrix(detectors, base)),
        stated_spillover=spill,
        compensation="in_file",
        spill_keyword="$SPILLOVER",
        version="FCS3.1",
        event_rate=2500.0,
        side_exponent=1.05,
    )


def calibur() -> Cytometer:
    """Ten-bit logarithmic amplifiers, FCS 2.0, no forward area, compensated by the hardware."""
    detectors = (
        Detector("FL1", "", 0.03, 0.03, 0.4, 540.0, background=3.0),
        Detector("FL2", "HLA-DR", 0.042, 0.04, 0.4, 515.0),
        Detector("FL3", "CD14", 0.012, 0.015, 0.4, 580.0, background=2.0),
        Detector("FL4", "CD45", 0.006, 0.05, 0.4, 640.0, background=0.6),
    )
    return Cytometer(
        model="calibur",
        cyt="FACSCalibur",
        serial="E3597",
        **scatter(290.0, 75.0, 2.0, (None, 400.0)),
        detectors=detectors,
        channels=(
            Channel("FSC-H", "FSC-Height", "forward", "H", 1024),
            Channel("SSC-H", "SSC-Height", "side", "H", 1024),
            Channel("FL1-H", "", "FL1", "H", 1024, 4.0),
            Channel("FL2-H", "HLA-DR PE", "FL2", "H", 1024, 4.0),
            Channel("FL3-H", "CD14 PerCP-Cy5.5", "FL3", "H", 1024, 4.0),
            Channel("FL4-H", "CD45 APC", "FL4", "H", 1024, 4.0),
            Channel("Time", "Time (102.40 sec.)", "time", "", 1024),
        ),
        spillover=(spill := spill_matrix(detectors, FITC_PE_PERCP_APC)),
        stated_spillover=spill,
        compensation="hardware",
        version="FCS2.0",
        data_type="I",
        bits=16,
        lower_limit=0.0,
        timestep=0.1,
        event_rate=600.0,
        flow_cv=0.03,
    )


def accuri() -> Cytometer:
    """Whole numbers up to 2 to the 24, fixed voltages, the matrix beside the file."""
    detectors = (
        Detector("FL1", "", 3.0, 0.08, 90.0, background=3.0),
        Detector("FL2", "HLA-DR", 4.0, 0.09, 110.0),
        Detector("FL3", "CD14", 2.5, 0.03, 90.0, background=2.0),
        Detector("FL4", "CD45", 1.2, 0.06, 80.0, background=0.6),
    )
    full = 1 << 24
    return Cytometer(
        model="accuri",
        cyt="BD Accuri C6 Plus",
        serial="R660517590188",
        **scatter(1100000.0, 230000.0, 1500.0, (None, None)),
        detectors=detectors,
        channels=(
            Channel("FSC-A", "FSC-A", "forward", "A", full),
            Channel("SSC-A", "SSC-A", "side", "A", full),
            Channel("FL1-A", "", "FL1", "A", full),
            Channel("FL2-A", "HLA-DR PE", "FL2", "A", full),
            Channel("FL3-A", "CD14 PerCP-Cy5.5", "FL3", "A", full),
            Channel("FL4-A", "CD45 APC", "FL4", "A", full),
            Channel("FSC-H", "FSC-H", "forward", "H", full),
            Channel("SSC-H", "SSC-H", "side", "H", full),
            Channel("Width", "Width", "width", "W", 1024),
            Channel("Time", "Time", "time", "", full),
        ),
        spillover=(spill := spill_matrix(detectors, FITC_PE_PERCP_APC)),
        stated_spillover=spill,
        compensation="separate",
        version="FCS3.1",
        data_type="I",
        bits=32,
        lower_limit=0.0,
        timestep=0.1,
        event_rate=1000.0,
        flow_cv=0.03,
        height_ratio=0.7,
    )
