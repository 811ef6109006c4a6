"""What keywords say about an acquisition, in the forms that cytometers write."""

from datetime import UTC, date, datetime, timedelta, timezone

import pytest
from fcs_builder import build

from hladr import fcs
from hladr.fcs.settings import acquired, cytometer_of, date_of, serial_of, time_of, voltage_of
from hladr.fcs.text import amplification, number, parse_text, whole


@pytest.mark.parametrize(
    ("text", "day"),
    [
        ("15-JAN-2024", (2024, 1, 15)),
        ("15-Jan-24", (2024, 1, 15)),
        ("5-jan-2024", (2024, 1, 5)),
        ("15 Jan 2024", (2024, 1, 15)),
        ("15.Jan.2024", (2024, 1, 15)),
        ("15JAN2024", (2024, 1, 15)),
        ("2024-Jan-15", (2024, 1, 15)),
        ("2024-01-15", (2024, 1, 15)),
        ("2024/01/15", (2024, 1, 15)),
        ("20240115", (2024, 1, 15)),
        ("2024-01-15T09:30:00", (2024, 1, 15)),
        ("15.01.2024", (2024, 1, 15)),
        ("3.4.2024", (2024, 4, 3)),
        ("15.01.24", (2024, 1, 15)),
        ("15/01/2024", (2024, 1, 15)),
        ("01/15/2024", (2024, 1, 15)),
        ("05/05/2024", (2024, 5, 5)),
        ("20-Aug-02", (2002, 8, 20)),
        ("15-Jan-99", (1999, 1, 15)),
        ("15-Okt-2024", (2024, 10, 15)),
        ("15-DEZ-2024", (2024, 12, 15)),
        ("15-Mai-2024", (2024, 5, 15)),
        ("15-Mär-2024", (2024, 3, 15)),
        ("15-juil.-2024", (2024, 7, 15)),
        ("15-juin-2024", (2024, 6, 15)),
        ("15-ago-2024", (2024, 8, 15)),
        ("15-September-2024", (2024, 9, 15)),
    ],
)
def test_dates(text, day):
    assert date_of(text) == datetime(*day)


@pytest.mark.parametrize(
    "text",
    [
        "03/04/2024",
        "03-04-2024",
        "01/15/24",
        "24-01-15",
        "",
        " ",
        "today",
        "31-FEB-2024",
        "15-XYZ-2024",
        "0-JAN-2024",
        "15-JAN-1066",
        "99999999",
        "2024-13-01",
        "15-JAN-202",
        None,
    ],
)
def test_dates_that_are_not_clear(text):
    assert date_of(text) is None


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("09:51:34", 35494.0),
        ("9:51:34", 35494.0),
        ("09:51", 35460.0),
        ("09:51:34:30", 35494.5),  # FCS 3.0: 1/60 s
        ("09:51:34.25", 35494.25),  # FCS 3.1: 1/100 s
        ("09:51:34:509", 35494.509),  # CyFlow: milliseconds
        ("12:00:00 AM", 0.0),
        ("12:30 pm", 45000.0),
        ("1:30 PM", 48600.0),
        ("00:00:00", 0.0),
    ],
)
def test_times(text, seconds):
    assert time_of(text).total_seconds() == pytest.approx(seconds)


@pytest.mark.parametrize("text", [None, "", "24:00:00", "09:61:00", "09:51:61", "9", "noon", "13:00 PM", "0:10 am"])
def test_times_that_are_not_times(text):
    assert time_of(text) is None


def test_over_midnight():
    text = {"$DATE": "15-JAN-2024", "$BTIM": "23:59:50", "$ETIM": "00:00:20"}
    assert acquired(text) == (datetime(2024, 1, 15, 23, 59, 50), 30.0)


@pytest.mark.parametrize(
    ("text", "start", "duration"),
    [
        ({"$BEGINDATETIME": "2024-01-15T09:30:00"}, datetime(2024, 1, 15, 9, 30), None),
        (
            {"$BEGINDATETIME": "2024-01-15T09:30:00.5+02:00", "$ENDDATETIME": "2024-01-15T09:31:00.5+02:00"},
            datetime(2024, 1, 15, 9, 30, 0, 500000, timezone(timedelta(hours=2))),
            60.0,
        ),
        (
            {"$BEGINDATETIME": "2024-01-15T07:30:00Z", "$ENDDATETIME": "2024-01-15T07:31:00Z"},
            datetime(2024, 1, 15, 7, 30, tzinfo=UTC),
            60.0,
        ),
        ({"$BEGINDATETIME": "yesterday"}, None, None),
        ({"$BEGINDATETIME": "0001-01-01T00:00:00Z"}, None, None),
        ({"$DATE": "15-JAN-2024"}, date(2024, 1, 15), None),
        ({"$DATE": "15-JAN-2024", "$BTIM": "noon", "$ETIM": "12:00:30"}, date(2024, 1, 15), None),
        ({"@Y2KDATE": "20240115"}, date(2024, 1, 15), None),
        ({"$BEGINDATETIME": "2024-01-15"}, date(2024, 1, 15), None),
        ({"$BEGINDATETIME": "20240115T093000"}, datetime(2024, 1, 15, 9, 30), None),
        ({"$BEGINDATETIME": "2024-01-15T99:30:00Z"}, None, None),
        (
            {"$BEGINDATETIME": "2024-01-15T22:30:00Z", "$BTIM": "09:30:00"},
            datetime(2024, 1, 15, 22, 30, tzinfo=UTC),
            None,
        ),
        ({"$DATE": "15-JAN-2024", "$BEGINDATETIME": "2024-01-15T09:30:00"}, datetime(2024, 1, 15, 9, 30), None),
        ({"$DATE": "03/04/2024"}, None, None),
        ({"$BTIM": "09:30:00"}, None, None),
        ({"$DATE": "11-Nov-09", "@Y2KDATE": "20091111", "$BTIM": "17:15:58"}, datetime(2009, 11, 11, 17, 15, 58), None),
        ({"$DATE": "11/11/09", "@Y2KDATE": "20091111", "$BTIM": "17:15:58"}, datetime(2009, 11, 11, 17, 15, 58), None),
        ({}, None, None),
    ],
)
def test_start_and_duration(text, start, duration):
    assert acquired(text) == (start, duration)
    # equal instants need not be stated alike
    assert repr(acquired(text)[0]) == repr(start)


@pytest.mark.parametrize(
    ("text", "name", "serial"),
    [
        ({"$CYT": "FACSCanto II", "$CYTSN": "V96300271"}, "FACSCanto II", "V96300271"),
        ({"$CYT": "LSRII", "CYTNUM": "H1234"}, "LSRII", "H1234"),
        ({"$CYT": "MACSQuant VYB,2.5.1345.9863", "$CYTSN": "3057"}, "MACSQuant VYB", "3057"),
        ({"$CYT": "Navios", "@CYTOMETERID": "AL24156"}, "Navios", "AL24156"),
        ({"$CYT": " ", "$CYTSN": "N/A", "CYTNUM": "Unknown"}, None, None),
        ({"$CYTSN": "none", "CYTNUM": "E3597"}, None, "E3597"),
        ({}, None, None),
    ],
)
def test_cytometer_and_serial(text, name, serial):
    assert cytometer_of(text) == name
    assert serial_of(text) == serial


def test_voltage():
    assert voltage_of({"$P3V": "480"}, 3) == 480.0
    assert voltage_of({"$P3V": " 480.5 "}, 3) == 480.5
    assert voltage_of({"P3V": "480"}, 3) == 480.0
    assert voltage_of({"$P3V": "auto"}, 3) is None
    assert voltage_of({}, 3) is None


def test_voltage_of_cellquest():
    # as the FlowCal project found for its CellQuest Pro file Data001.fcs: BD$WORD{12 + n}
    names = dict(
        zip(("$P1N", "$P2N", "$P3N", "$P4N", "$P5N"), ("FSC-H", "SSC-H", "FL1-H", "FL2-H", "FL3-H"), strict=True)
    )
    text = {**names, "CREATOR": "CELLQuest Pro", **{f"BD$WORD{12 + i}": str(100 * i) for i in range(1, 8)}}
    assert [voltage_of(text, i) for i in range(1, 8)] == [100, 200, 300, 400, 500, None, None]
    assert voltage_of({**text, "$P4N": "FL3-H"}, 3) is None
    assert voltage_of({**text, "CREATOR": "FlowJo"}, 3) is None
    assert voltage_of({**text, "$P4V": "519"}, 4) == 519


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("12", 12),
        (" 12 ", 12),
        ("0012", 12),
        ("12.0", 12),
        ("12\x00", 12),
        ("-12", None),
        ("1e3", None),
        ("12.5", None),
        ("", None),
        (None, None),
        (b"     256", 256),
        ("٣", None),
        ("1" * 40, None),
    ],
)
def test_whole_numbers(text, value):
    assert whole(text) == value


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("1.5", 1.5),
        (" -1.5e3 ", -1500.0),
        (".5", 0.5),
        ("5.", 5.0),
        ("1,5", None),
        ("nan", None),
        ("inf", None),
        ("1_000", None),
        ("", None),
        (None, None),
        ("1e999", None),
        ("٣", None),
    ],
)
def test_numbers(text, value):
    assert number(text) == value


def test_amplification():
    assert amplification("0,0") == (0.0, 0.0)
    assert amplification("0,1") == (0.0, 0.0)
    assert amplification(None) == (0.0, 0.0)
    assert amplification("4,0") == (4.0, 1.0)
    assert amplification("4,00,0,10") == (4.0, 0.1)
    assert amplification("4,1,1") is None
    assert amplification("-4,1") is None


def test_text_by_hand():
    assert parse_text(b"/$PAR/2/$COM/a//b/") == {"$PAR": "2", "$COM": "a/b"}
    assert parse_text(b"|$par|2|key| value |") == {"$PAR": "2", "KEY": "value"}
    assert parse_text(b"/$PAR/1/$PAR/2/") == {"$PAR": "2"}
    assert parse_text(b"/A/1/B/") == {"A": "1"}
    assert parse_text(b"/A/1/B/2   \0") == {"A": "1", "B": "2"}
    assert parse_text(b"") == {}
    assert parse_text(b"/") == {}
    assert parse_text("/CELLS/µm/".encode("latin-1")) == {"CELLS": "µm"}
    assert parse_text("/CELLS/µm/".encode()) == {"CELLS": "µm"}
    # empty values instead of escapes: only so does every channel have its name
    empty = b"/$PAR/1/$OP//$SRC//$P1N/FSC-A/$P1B/32/$P1R/1024/$P1E/0,0/"
    assert parse_text(empty)["$P1N"] == "FSC-A"


def test_an_empty_value_takes_no_other_keyword_with_it():
    # one empty value before keywords that nothing requires, and a real escape behind it
    text = parse_text(b"/$PAR/1/$TIMESTEP//$SPILLOVER/1,PE-A,1/$P1G//$P1V/480/$CYT//$DATE/04-MAR-2024/$COM/a//b/$OP//")
    assert (text["$TIMESTEP"], text["$P1G"], text["$CYT"], text["$OP"]) == ("", "", "", "")
    assert (text["$SPILLOVER"], text["$P1V"], text["$DATE"]) == ("1,PE-A,1", "480", "04-MAR-2024")
    assert text["$COM"] == "a/b"
    # paths: a value that begins with a delimiter, and one that ends with it
    text = parse_text(b"/$FIL///ward//x/$SRC/ward///$P1N/FSC-A/")
    assert (text["$FIL"], text["$SRC"], text["$P1N"]) == ("/ward/x", "ward/", "FSC-A")


def test_nothing_identifying_leaves_the_module(tmp_path):
    planted = "JANE DOE 1970-01-01"
    keys = ["$OP", "$SRC", "$FIL", "$COM", "$CELLS", "$INST", "$PROJ", "$EXP", "SAMPLE ID", "PATIENT NAME", "$SMNO"]
    keys += ["TUBE NAME", "EXPERIMENT NAME", "EXPORT USER NAME", "@SAMPLEID1", "$LAST_MODIFIER", "$WELLID", "CREATOR"]
    names = ["FSC-A", "SSC-A", "PE-A", "Time"]
    path = tmp_path / "DOE_JANE.fcs"
    path.write_bytes(build([[1, 2, 3, 4]], names, keywords={k: planted for k in keys}))
    read = fcs.read_acquisition(path)
    shown = repr((read.channels, read.settings, read.spill, read.notes, read.findings))
    assert "DOE" not in shown
    assert "1970" not in shown
