"""Channels are found by name, by stain and by convention, and refused where they are absent or ambiguous."""

import pytest

from hladr.fcs import Channel
from hladr.flags import SpecimenError
from hladr.panel import detector_of, measure_of, resolve, resolve_beads


def channels(*names):
    """Make channels from `name` or `name: stain`."""
    made = []
    for text in names:
        name, _, stain = text.partition(":")
        made.append(Channel(name.strip(), stain.strip(), 262144.0, 0.0, 0.0, None, None, 32))
    return made


def found(panel, file):
    return {k: None if v is None else file[v].name for k, v in vars(panel).items()}


DIVA = channels(
    "FSC-A",
    "FSC-H",
    "FSC-W",
    "SSC-A",
    "SSC-H",
    "PE-A: HLA-DR PE",
    "PE-H: HLA-DR PE",
    "PerCP-Cy5-5-A: CD14",
    "APC-A: CD45",
    "Time",
)
DIVA_PANEL = {
    "hladr": "PE-A",
    "cd14": "PerCP-Cy5-5-A",
    "cd45": "APC-A",
    "forward": "FSC-A",
    "forward_height": "FSC-H",
    "side": "SSC-A",
    "time": "Time",
}


@pytest.mark.parametrize(
    "lab",
    [
        {},
        {"markers": {}, "scatter": {}},
        {"markers": {"HLA-DR": "PE-A", "CD14": "PerCP-Cy5-5-A", "CD45": "APC-A"}},
        {"markers": {"HLA-DR": "HLA-DR PE", "CD14": "CD14", "CD45": "CD45"}},
        {"markers": {"HLA-DR": "pe-a", "CD14": "percp cy5.5 A"}},
        {"scatter": {"forward": "FSC-A", "forward_height": "FSC-H", "side": "SSC-A"}},
        {"scatter": {"side": "SSC-A"}},
    ],
)
def test_ways_to_say_the_same(lab):
    assert found(resolve(DIVA, lab), DIVA) == DIVA_PANEL


FILES = {
    "navios": (
        "FS INT LIN,FS PEAK LIN,FS TOF LIN,SS INT LIN,FL1 INT LOG,FL2 INT LOG: HLA-DR-PE,FL4 INT LOG: CD14-PC5.5,"
        "FL6 INT LOG: CD45-APC,TIME",
        ("FL2 INT LOG", "FL4 INT LOG", "FL6 INT LOG", "FS INT LIN", "FS PEAK LIN", "SS INT LIN", "TIME"),
    ),
    "fc500 2.0": (
        "FS Lin,SS Lin,FL2 Log: HLA-DR,FL2 Lin: HLA-DR,FL4 Log: CD14,FL5 Log: CD45",
        ("FL2 Log", "FL4 Log", "FL5 Log", "FS Lin", None, "SS Lin", None),
    ),
    "calibur": (
        "FSC-H: FSC-Height,SSC-H: SSC-Height,FL1-H,FL2-H: anti-HLA-DR PE,FL3-H: CD14 PerCP-Cy5.5,"
        "FL2-A: anti-HLA-DR PE,FL4-H: CD45 APC,Time",
        ("FL2-H", "FL3-H", "FL4-H", "FSC-H", None, "SSC-H", "Time"),
    ),
    "quantibrite reagent": (
        "FSC-H,SSC-H,FL2-H: Anti-HLA-DR,FL3-H: Anti-Monocyte,FL4-H: CD45,Time",
        ("FL2-H", "FL3-H", "FL4-H", "FSC-H", None, "SSC-H", "Time"),
    ),
    "stains in the names": (
        "Time,FSC-A,FSC-H,SSC-A,HLADR PE-A,CD14 PerCP-Cy5.5-A,CD45RA FITC-A,CD45 APC-A",
        ("HLADR PE-A", "CD14 PerCP-Cy5.5-A", "CD45 APC-A", "FSC-A", "FSC-H", "SSC-A", "Time"),
    ),
    "look-alikes": (
        "FSC-A,SSC-A,A: HLA-DP,B: HLA-DR,C: HLA-DQ,D: CD140a,E: CD14,F: CD45RO,G: CD45,H: HLA-DR/DP/DQ",
        ("B", "E", "G", "FSC-A", None, "SSC-A", None),
    ),
    "aurora": (
        "Time,SSC-B-H,SSC-B-A,SSC-W,SSC-H,SSC-A,FSC-W,FSC-H,FSC-A,PE-A: HLA_DR,BB700-A: CD14,APC-A: CD45",
        ("PE-A", "BB700-A", "APC-A", "FSC-A", "FSC-H", "SSC-A", "Time"),
    ),
    "macsquant": (
        "HDR-T,FSC-A,FSC-H,FSC-W,SSC-A,B2-A: HLA-DR,B2-H: HLA-DR,B3-A: CD14,R1-A: CD45",
        ("B2-A", "B3-A", "R1-A", "FSC-A", "FSC-H", "SSC-A", "HDR-T"),
    ),
    "guava": (
        "FSC-HLin,FSC-ALin,SSC-HLin,SSC-ALin,YEL-HLog: HLA-DR,YEL-ALog: HLA-DR,RED-ALog: CD14,NIR-ALog: CD45,Time",
        ("YEL-ALog", "RED-ALog", "NIR-ALog", "FSC-ALin", "FSC-HLin", "SSC-ALin", "Time"),
    ),
    "spelt out": (
        "Forward Scatter - Area,Forward Scatter - Height,Side Scatter - Area,PE: HLA DR,PerCP: CD 14,APC: CD 45",
        ("PE", "PerCP", "APC", "Forward Scatter - Area", "Forward Scatter - Height", "Side Scatter - Area", None),
    ),
    "violet side scatter beside": (
        "FSC-A,FSC-H,SSC-A,VSSC-A,V450-A: CD45,PE-A: HLADR-PE,PC5.5-A: CD14-PC5.5",
        ("PE-A", "PC5.5-A", "V450-A", "FSC-A", "FSC-H", "SSC-A", None),
    ),
}


@pytest.mark.parametrize("name", FILES)
def test_conventions(name):
    text, expected = FILES[name]
    file = channels(*text.split(","))
    assert tuple(found(resolve(file, {}), file).values()) == expected


def test_panel_without_cd45():
    file = channels("FSC-A", "FSC-H", "SSC-A", "PE-A: HLA-DR", "PerCP-Cy5-5-A: CD14", "Time")
    assert resolve(file, {"markers": {"CD45": "none"}}).cd45 is None
    with pytest.raises(SpecimenError, match="CD45 is not in the file"):
        resolve(file, {})


def test_forward_height_may_not_exist():
    file = channels("FSC-A", "SSC-A", "PE-A: HLA-DR", "P: CD14", "Q: CD45")
    assert resolve(file, {"scatter": {"forward_height": "FSC-H"}}).forward_height is None
    assert resolve(file, {"scatter": {"forward": "FSC-A", "forward_height": "FSC-A"}}).forward_height is None


def test_names_of_the_first_data_set_mean_the_second():
    # labs.yaml was written from the FCS 2.0 half of a Beckman file; the FCS 3.0 half has shorter names
    file = channels("FS", "SS", "FL1", "FL2", "FL4", "FL5", "TIME")
    lab = {
        "markers": {"HLA-DR": "FL2 Log", "CD14": "FL4 Log", "CD45": "FL5 Log"},
        "scatter": {"forward": "FS Lin", "side": "SS Lin"},
    }
    assert tuple(found(resolve(file, lab), file).values()) == ("FL2", "FL4", "FL5", "FS", None, "SS", "TIME")


@pytest.mark.parametrize(
    ("names", "lab", "words"),
    [
        (["FSC-A", "SSC-A", "PE-A", "P: CD14", "Q: CD45"], {}, "HLA-DR is not in the file"),
        (["FSC-A", "SSC-A", "PE-A: HLA-DR", "P", "Q: CD45"], {}, "CD14 is not in the file"),
        (
            ["FSC-A", "SSC-A", "PE-A: HLA-DR", "P: CD14", "Q: CD45"],
            {"markers": {"CD14": "PC7"}},
            "no channel or stain PC7",
        ),
        (["SSC-A", "PE-A: HLA-DR", "P: CD14", "Q: CD45"], {}, "forward scatter is not in the file"),
        (["FSC-A", "PE-A: HLA-DR", "P: CD14", "Q: CD45"], {}, "side scatter is not in the file"),
        (["FSC-A", "SSC-A", "PE-A: HLA-DR", "X-A: HLA-DR", "P: CD14", "Q: CD45"], {}, "HLA-DR fits more than one"),
        (
            ["FSC-A", "SSC-A", "PE-A: HLA-DR", "P: CD14", "Q: CD45"],
            {"markers": {"CD14": "PE-A"}},
            "both lead to the channel PE-A",
        ),
        (
            ["FSC-A", "SSC-A", "PE-A: HLA-DR", "P: CD14", "Q: CD45"],
            {"scatter": {"side": "FSC-A"}},
            "both lead to the channel FSC-A",
        ),
        (["FSC-A", "SSC-A", "PE-A: HLA-DR", "PE-A", "P: CD14", "Q: CD45"], {}, "uses twice"),
        (
            ["FSC-A", "SSC-A", "PE-A", "PE-A", "P: CD14", "Q: CD45"],
            {"markers": {"HLA-DR": "PE-A"}},
            "fits more than one",
        ),
        (["FSC-A", "SSC-A", "PE-W: HLA-DR", "P: CD14", "Q: CD45"], {}, None),
    ],
)
def test_what_is_refused(names, lab, words):
    file = channels(*names)
    if words is None:  # a width alone is taken if nothing else carries the stain
        assert found(resolve(file, lab), file)["hladr"] == "PE-W"
        return
    with pytest.raises(SpecimenError, match=words) as problem:
        resolve(file, lab)
    assert problem.value.code == "channel_missing"


def test_a_doubled_name_that_nobody_needs_is_no_problem():
    file = channels("FSC-A", "SSC-A", "PE-A: HLA-DR", "P: CD14", "Q: CD45", "X", "X")
    assert found(resolve(file, {}), file)["hladr"] == "PE-A"


BEADS = channels("FSC-A", "SSC-A", "Alexa-488-A", "PE-Cy7-A", "PE-A", "Time")


@pytest.mark.parametrize("lab", [{"markers": {"HLA-DR": "PE-A"}}, {"markers": {"HLA-DR": "HLA-DR PE"}}, {}])
def test_beads_without_stains(lab):
    panel = resolve_beads(BEADS, lab)
    assert (BEADS[panel.hladr].name, panel.cd14, panel.cd45, panel.forward, panel.side) == ("PE-A", None, None, 0, 1)


def test_beads_need_no_cd14():
    calibur = channels("FSC-H", "SSC-H", "FL1-H", "FL2-H", "FL3-H", "FL2-A", "FL4-H", "Time")
    assert resolve_beads(calibur, {"markers": {"CD14": "FL3-H"}}).hladr == 3
    assert resolve_beads(channels("FS", "SS", "FL1", "FL2", "FL10"), {}).hladr == 3


@pytest.mark.parametrize("lab", [{"markers": {"HLA-DR": "B-A"}}, {}])
def test_beads_without_pe(lab):
    # a detector that is named is not replaced by one that looks like it
    file = channels("FSC-A", "SSC-A", "PE-A") if lab else channels("FSC-A", "SSC-A", "PE-Cy7-A", "PerCP-A")
    with pytest.raises(SpecimenError) as problem:
        resolve_beads(file, lab)
    assert problem.value.code == "channel_missing"


@pytest.mark.parametrize(
    ("name", "letter"),
    [
        ("PE-A", "A"),
        ("PE-H", "H"),
        ("PE-W", "W"),
        ("FL2 INT LOG", "A"),
        ("FS PEAK LIN", "H"),
        ("FS TOF", "W"),
        ("FL2", ""),
        ("GRN-HLog", "H"),
        ("FSC LinH", "H"),
        ("Forward Scatter - Area", "A"),
        ("APC", ""),
        ("PE_A", "A"),
        ("PECy7", ""),
    ],
)
def test_what_a_name_says_of_the_pulse(name, letter):
    assert measure_of(channels(name)[0]) == letter


@pytest.mark.parametrize(
    "names",
    [
        ("PE-A", "PE-H", "Comp-PE-A", "<PE-A>", "PE-A-Compensated", "PE_W"),
        ("FL2 INT LOG", "FL2 PEAK LIN", "FL2"),
        ("YEL-HLog", "YEL-HLin", "YEL-ALog"),
        ("PE-Cy7-A", "PE-Cy7-H"),
        ("FSC-A", "FSC-H", "FSC Width"),
    ],
)
def test_channels_of_one_detector_are_told(names):
    assert len({detector_of(channel) for channel in channels(*names)}) == 1
    assert detector_of(channels("APC-A")[0]) != detector_of(channels(names[0])[0])
    assert detector_of(channels("PE-Cy5-A")[0]) != detector_of(channels(names[0])[0])


@pytest.mark.parametrize("find", [resolve, resolve_beads])
def test_a_detector_that_the_file_has_compensated_only(find):
    file = channels("FSC-A", "SSC-A", "Comp-PE-A: HLA-DR PE", "Comp-PerCP-A: CD14", "Comp-APC-A: CD45")
    lab = {"markers": {"HLA-DR": "PE-A", "CD14": "PerCP-A", "CD45": "APC-A"}}
    with pytest.raises(SpecimenError, match=r"write Comp-PE-A and compensation: none in labs\.yaml") as problem:
        find(file, lab)
    assert problem.value.code == "channel_missing"
    followed = {"markers": {marker: f"Comp-{name}" for marker, name in lab["markers"].items()}}
    assert find(file, followed).hladr == 2


def test_a_damaged_name_is_shown_short_and_printable_or_refused():
    """Found by fuzzing: a form feed in $PnN stood in the sentence, and 70,000 letters would have."""
    file = channels("FSC-A", "SSC-A", "PE-A", "CD45", "N" * 70_000, "a\x0cb")
    with pytest.raises(SpecimenError) as problem:
        resolve(file, {"markers": {"CD14": "PC5.5-A"}})
    assert problem.value.code == "channel_missing"
    assert problem.value.sentence.isprintable()
    assert len(problem.value.sentence) < 300
    assert problem.value.sentence.endswith("N..., a?b")
    damaged = [
        Channel("PE\x00-A", "HLA-DR", 262144.0, 0.0, 0.0, None, None, 32),
        *channels("FSC-A", "SSC-A", "X: CD14"),
    ]
    with pytest.raises(SpecimenError, match="damaged in the header"):
        resolve(damaged, {"markers": {"HLA-DR": "HLA-DR", "CD45": "none"}})
