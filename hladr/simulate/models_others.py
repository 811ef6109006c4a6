"""Cytometers of other makers."""

from .cytometer import Channel, Cytometer, Detector
from .models_common import FITC_PE_PERCP_APC, scatter, spill_matrix


def navios() -> Cytometer:
    """LMD with two data sets, the second complete; the matrix beside the file."""
    detectors = (
        Detector("FL1", "", 2.0, 0.06, 40.0, 430.0, background=3.0),
        Detector("FL2", "HLA-DR", 3.2, 0.10, 60.0, 400.0),
        Detector("FL4", "CD14", 1.6, 0.025, 50.0, 560.0, background=2.0),
        Detector("FL6", "CD45", 0.9, 0.08, 50.0, 610.0, background=0.6),
    )
    full = 1 << 20
    return Cytometer(
        model="navios",
        cyt="Navios",
        serial="AR18047",
        **scatter(215000.0, 52000.0, 250.0, (360.0, 380.0)),
        detectors=detectors,
        channels=(
            Channel("FS INT", "FS INT", "forward", "A", full),
            Channel("FS PEAK", "FS PEAK", "forward", "H", full),
            Channel("SS INT", "SS INT", "side", "A", full),
            Channel("FL1 INT", "", "FL1", "A", full),
            Channel("FL2 INT", "HLA-DR PE", "FL2", "A", full),
            Channel("FL4 INT", "CD14 PC5.5", "FL4", "A", full),
            Channel("FL6 INT", "CD45 APC", "FL6", "A", full),
            Channel("TIME", "TIME", "time", "", full),
        ),
        spillover=(spill := spill_matrix(detectors, FITC_PE_PERCP_APC)),
        stated_spillover=spill,
        compensation="separate",
        data_type="I",
        bits=32,
        big_endian=False,
        lower_limit=0.0,
        two_data_sets=True,
        timestep=0.01,
        height_ratio=0.9,
        side_exponent=0.92,
    )


def fc500() -> Cytometer:
    """LMD whose second data set says nothing of cytometer, date or voltages; no forward height."""
    detectors = (
        Detector("FL1", "", 1.0, 0.05, 25.0, 420.0, background=3.0),
        Detector("FL2", "HLA-DR", 1.3, 0.07, 30.0, 450.0),
        Detector("FL4", "CD14", 0.8, 0.02, 30.0, 590.0, background=2.0),
        Detector("FL5", "CD45", 0.35, 0.03, 30.0, 640.0, background=1.5),
    )
    full = 1 << 20
    base = FITC_PE_PERCP_APC.copy()
    base[2, 3], base[1, 3] = 0.12, 0.02
    return Cytometer(
        model="fc500",
        cyt="Cytomics FC 500",
        serial="AL11290",
        **scatter(190000.0, 60000.0, 400.0, (95.0, 610.0)),
        detectors=detectors,
        channels=(
            Channel("FS", "", "forward", "A", full),
            Channel("SS", "", "side", "A", full),
            Channel("FL1", "", "FL1", "A", full),
            Channel("FL2", "", "FL2", "A", full),
            Channel("FL4", "", "FL4", "A", full),
            Channel("FL5", "", "FL5", "A", full),
            Channel("TIME", "", "time", "", 1024),
        ),
        spillover=(spill := spill_matrix(detectors, base)),
        stated_spillover=spill,
        compensation="separate",
        data_type="I",
        bits=32,
        big_endian=False,
        lower_limit=0.0,
        two_data_sets=True,
        bare_second_header=True,
        timestep=0.3,
        event_rate=800.0,
        flow_cv=0.03,
        side_exponent=0.9,
    )


def cytoflex() -> Cytometer:
    """FCS 3.1, little-endian floats on a scale of 16 million, many heights."""
    detectors = (
        Detector("PE", "HLA-DR", 22.0, 0.6, 180.0, 110.0),
        Detector("PC5.5", "CD14", 14.0, 0.08, 160.0, 140.0, background=2.0),
        Detector("APC", "CD45", 8.0, 0.3, 120.0, 160.0, background=0.6),
    )
    full = 1 << 24
    return Cytometer(
        model="cytoflex",
        cyt="CytoFLEX S",
        serial="AY21084",
        **scatter(820000.0, 160000.0, 700.0, (95.0, 70.0)),
        detectors=detectors,
        channels=(
            Channel("FSC-H", "FSC-H", "forward", "H", full),
            Channel("FSC-A", "FSC-A", "forward", "A", full),
            Channel("SSC-H", "SSC-H", "side", "H", full),
            Channel("SSC-A", "SSC-A", "side", "A", full),
            Channel("PE-A", "HLA-DR PE-A", "PE", "A", full),
            Channel("PE-H", "HLA-DR PE-H", "PE", "H", full),
            Channel("PC5.5-A", "CD14 PC5.5-A", "PC5.5", "A", full),
            Channel("APC-A", "CD45 APC-A", "APC", "A", full),
            Channel("FSC-Width", "FSC-Width", "width", "W", 4096),
            Channel("Time", "Time", "time", "", full),
        ),
        spillover=(spill := spill_matrix(detectors, FITC_PE_PERCP_APC[1:, 1:])),
        stated_spillover=spill,
        compensation="in_file",
        spill_keyword="$SPILLOVER",
        version="FCS3.1",
        big_endian=False,
        lower_limit=-full,
        timestep=0.001,
        event_rate=3000.0,
        flow_cv=0.025,
        height_ratio=1.1,
        side_exponent=1.1,
    )


def attune() -> Cytometer:
    """FCS 3.1, little-endian floats on a scale of a million, time first."""
    detectors = (
        Detector("BL1", "", 2.0, 0.08, 60.0, 360.0, background=3.0),
        Detector("BL2", "HLA-DR", 4.5, 0.15, 80.0, 330.0),
        Detector("BL3", "CD14", 3.0, 0.04, 70.0, 400.0, background=2.0),
        Detector("RL1", "CD45", 1.0, 0.1, 60.0, 380.0, background=0.6),
    )
    full = 1 << 20
    return Cytometer(
        model="attune",
        cyt="Attune NxT",
        serial="2AFC228060217",
        **scatter(150000.0, 42000.0, 200.0, (320.0, 300.0)),
        detectors=detectors,
        channels=(
            Channel("Time", "", "time", "", full),
            Channel("FSC-A", "", "forward", "A", full),
            Channel("SSC-A", "", "side", "A", full),
            Channel("BL1-A", "", "BL1", "A", full),
            Channel("BL2-A", "HLA-DR PE", "BL2", "A", full),
            Channel("BL3-A", "CD14 PerCP-Cy5.5", "BL3", "A", full),
            Channel("RL1-A", "CD45 APC", "RL1", "A", full),
            Channel("FSC-H", "", "forward", "H", full),
            Channel("SSC-H", "", "side", "H", full),
        ),
        spillover=(spill := spill_matrix(detectors, FITC_PE_PERCP_APC)),
        stated_spillover=spill,
        compensation="in_file",
        version="FCS3.1",
        big_endian=False,
        lower_limit=-full,
        timestep=0.001,
        event_rate=4000.0,
        height_ratio=0.95,
        side_exponent=1.05,
    )


def cytek() -> Cytometer:
    """Whole numbers of 24 bits, big-endian; forward scatter amplified twofold, as $PnG says."""
    detectors = (
        Detector("B1", "", 20.0, 0.08, 400.0, 500.0, background=3.0),
        Detector("B2", "HLA-DR", 40.0, 0.12, 700.0, 520.0),
        Detector("B3", "CD14", 22.0, 0.03, 600.0, 620.0, background=2.0),
        Detector("R1", "CD45", 9.0, 0.1, 400.0, 560.0, background=0.6),
    )
    full = 1 << 24
    return Cytometer(
        model="cytek",
        cyt="Cytek xP5",
        serial="F13-046",
        **scatter(2400000.0, 900000.0, 4000.0, (300.0, 340.0)),
        detectors=detectors,
        channels=(
            Channel("FSC-A", "", "forward", "A", full, gain=2.0),
            Channel("FSC-H", "", "forward", "H", full, gain=2.0),
            Channel("SSC-A", "", "side", "A", full),
            Channel("BluFL1", "", "B1", "A", full),
            Channel("BluFL2", "HLA-DR PE", "B2", "A", full),
            Channel("BluFL3", "CD14 PerCP-Cy5.5", "B3", "A", full),
            Channel("RedFL1", "CD45 APC", "R1", "A", full),
            Channel("TIME", "", "time", "", full),
        ),
        spillover=(spill := spill_matrix(detectors, FITC_PE_PERCP_APC)),
        stated_spillover=spill,
        compensation="in_file",
        data_type="I",
        bits=24,
        lower_limit=0.0,
        timestep=0.01,
        flow_cv=0.03,
    )
