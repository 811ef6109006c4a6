"""Writing result tables: the contract's promises about text and numbers."""

import csv
import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hladr.tables import columns, dictionary, text_of, write_table


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (None, ""),
        (math.nan, ""),
        (math.inf, ""),
        (True, "true"),
        (np.bool_(False), "false"),
        (0.0, "0"),
        (-0.0, "0"),
        (4420, "4420"),
        (np.int64(7), "7"),
        (0.00000123456789, "0.00000123456789"),
        (5000.000001, "5000"),
        (0.1 + 0.2, "0.3"),
        (123456.789012, "123456.789"),
        (1e20, "100000000000000000000"),
        ("0042", "0042"),
    ],
)
def test_values_are_written_as_the_contract_says(value, text):
    assert text_of(value) == text


@given(st.floats(allow_nan=False, allow_infinity=False, min_value=1e-12, max_value=1e15))
def test_numbers_come_back_to_six_digits_and_without_exponent(value):
    text = text_of(value)
    assert "e" not in text.lower()
    assert float(text) == pytest.approx(value, rel=1e-6)


def test_a_table_has_the_columns_of_the_dictionary_and_unix_lines(tmp_path):
    path = tmp_path / "reversal.csv"
    write_table(path, "reversal", [{"patient_id": 'a,"b"', "evaluable": False, "n_follow_up": 3}])
    raw = path.read_bytes()
    assert b"\r" not in raw
    with open(path, newline="") as handle:
        rows = list(csv.DictReader(handle))
    assert list(rows[0]) == list(columns("reversal"))
    assert (rows[0]["patient_id"], rows[0]["evaluable"], rows[0]["reversal_day"]) == ('a,"b"', "false", "")
    assert [p.name for p in tmp_path.iterdir()] == ["reversal.csv"]


def test_a_column_that_the_dictionary_lacks_is_a_mistake(tmp_path):
    with pytest.raises(ValueError, match="mfi"):
        write_table(tmp_path / "x.csv", "reversal", [{"mfi": 1}])
    with pytest.raises(KeyError, match="nonsense"):
        columns("nonsense")


def test_the_dictionary_explains_every_column_once():
    rows = dictionary()
    keys = [(row["table"], row["column"]) for row in rows]
    assert len(keys) == len(set(keys))
    assert all(row["meaning"] and row["type"] in ("text", "integer", "number", "boolean") for row in rows)


def test_columns_that_differ_in_case_or_look_like_formulas_get_names_of_their_own():
    """A database takes Ward and ward for one column, and a spreadsheet computes =2+2."""
    from hladr.tables import carried_through

    row = {"Rule": "a", "Ward": "b", "ward": "c", "=2+2": "d", "'=2+2": "e"}
    names, rows = carried_through("reversal", [row])
    assert names == ["own.Rule", "Ward", "ward_", "'=2+2", "'=2+2_"]
    assert list(rows[0].values()) == list("abcde")


def test_columns_of_the_studys_own_are_carried_through(tmp_path):
    from hladr.tables import carried_through, described, header

    names, rows = carried_through(
        "reversal", [{"ward": "ICU 2", "rule": "ours"}, {"ward": "=HYPERLINK(1)", "rule": "-1,5"}]
    )
    assert names == ["ward", "own.rule"]
    assert rows == [{"ward": "ICU 2", "own.rule": "ours"}, {"ward": "'=HYPERLINK(1)", "own.rule": "-1,5"}]
    path = tmp_path / "reversal.csv"
    write_table(path, "reversal", [{"patient_id": "P1", **rows[0]}], names)
    assert header(path) == [*columns("reversal"), "ward", "own.rule"]
    assert {row["type"] for row in described(path, "reversal")[-2:]} == {"text"}
