"""Ferritin as laboratories write it; every reading is worked by hand."""

import pytest

from hladr.ferritin import Interval, combine, parse_ferritin

EXACT = [
    # text, decimal sign of the lab, ng/mL
    ("633", None, 633),
    ("633.5", None, 633.5),
    ("633,5", None, 633.5),
    ("633,5", ",", 633.5),
    ("633.5", ".", 633.5),
    ("0,42", None, 0.42),
    (" 633 ", None, 633),
    ("\u00a0633\u00a0", None, 633),
    ("4.420", ",", 4420),
    ("4.420", ".", 4.42),
    ("4,420", ".", 4420),
    ("4,420", ",", 4.42),
    ("12.345", ",", 12345),
    ("12.345,6", ",", 12345.6),
    ("1.234.567,8", ",", 1234567.8),
    ("1.234.567,8", None, 1234567.8),
    ("1,234,567.8", ".", 1234567.8),
    ("1,234.5", None, 1234.5),
    ("1.234.567", None, 1234567),
    ("16 500", None, 16500),
    ("16\u00a0500", ",", 16500),
    ("16\u202f500,5", ",", 16500.5),
    ("16'500", None, 16500),
    ("16\u2019500.5", ".", 16500.5),
    ("６３３", None, 633),
    ("６３３，５", ",", 633.5),
]
CENSORED = [
    (">7500", Interval(7500, None, False, False)),
    ("> 16500", Interval(16500, None, False, False)),
    (">=7500", Interval(7500, None, True, False)),
    ("≥ 7500", Interval(7500, None, True, False)),
    ("＞7500", Interval(7500, None, False, False)),
    ("<8", Interval(None, 8, False, False)),
    ("<=8", Interval(None, 8, False, True)),
    ("≤8", Interval(None, 8, False, True)),
    (">16'500", Interval(16500, None, False, False)),
]
REFUSED = [
    ("4.420", None, "declared"),
    ("4,420", None, "declared"),
    (">4.420", None, "declared"),
    ("12345.678", None, "declared"),
    ("0.420", None, "declared"),
    ("633.5", ",", "a decimal comma"),
    ("633,5", ".", "a decimal point"),
    ("1.23.456", ",", "groups of three"),
    ("1234.567", ",", "groups of three"),
    ("12 34", None, "groups of three"),
    ("1.234'5", None, "followed by digits"),
    ("1,2,3", ",", "followed by digits"),
    ("633.", None, "followed by digits"),
    (".5", None, "a number such as"),
    ("1e3", None, "exponent"),
    ("1.65E+04", None, "exponent"),
    ("-5", None, "above 0"),
    ("\u22125", None, "above 0"),
    ("0", None, "above 0"),
    ("0.0", None, "above 0"),
    ("<0", None, "above 0"),
    ("> -5", None, "above 0"),
    ("nan", None, "a number such as"),
    ("inf", None, "a number such as"),
    ("9" * 400, None, "finite"),
    ("633 ng/mL", None, "expected"),
    ("633 H", None, "expected"),
    ("600-700", None, "expected"),
    (">>5", None, "expected"),
    ("> <5", None, "expected"),
    (">", None, "expected"),
    ("٦٣٣", None, "expected"),
    ("+633", None, "expected"),
    ("n/a", None, "expected"),
    (True, None, "expected"),
]


@pytest.mark.parametrize(("text", "decimal", "value"), EXACT)
def test_an_exact_value_is_a_point(text, decimal, value):
    found = parse_ferritin(text, "ng/mL", decimal)
    assert found == Interval(value, value, True, True)
    assert found.is_point
    assert found.value == value


@pytest.mark.parametrize(("text", "interval"), CENSORED)
def test_a_censored_value_is_an_open_interval(text, interval):
    found = parse_ferritin(text, "ng/mL")
    assert found == interval
    assert not found.is_point
    assert found.value is None


@pytest.mark.parametrize("text", ["", "  ", "NA", "na", "haemolysed", " Haemolysed ", None, "clotted", "CLOTTED"])
def test_words_for_a_missing_value(text):
    assert parse_ferritin(text, "ng/mL", missing_words=("Clotted",)) is None


def test_a_word_that_no_lab_declared_is_a_mistake():
    with pytest.raises(ValueError, match="expected"):
        parse_ferritin("clotted", "ng/mL")


@pytest.mark.parametrize(("text", "decimal", "said"), REFUSED)
def test_what_cannot_be_read_safely_is_refused(text, decimal, said):
    with pytest.raises(ValueError, match=said):
        parse_ferritin(text, "ng/mL", decimal)


@pytest.mark.parametrize("number", [float("nan"), float("inf"), -1.0, 0])
def test_a_numeric_cell_must_be_above_0_too(number):
    with pytest.raises(ValueError, match="expected"):
        parse_ferritin(number, "ng/mL")


def test_a_numeric_cell_is_taken_as_it_is_whatever_the_lab_declares():
    assert parse_ferritin(4.42, "ng/mL", ",") == Interval.exact(4.42)
    assert parse_ferritin(4420, "ng/mL", ",") == Interval.exact(4420)


@pytest.mark.parametrize("unit", ["ng/mL", "ug/L", "µg/L", "\u03bcg/L", "ng/ml", " ng/mL "])
def test_ng_per_ml_and_ug_per_l_are_the_same_number(unit):
    assert parse_ferritin("633", unit).value == 633


def test_pmol_per_l_are_divided_by_2_247():
    # 4420 ng/mL = 9,932 pmol/L (the field's table, rounded): 9932 / 2.247 = 4420.11...
    assert parse_ferritin("9932", "pmol/L").value == pytest.approx(4420.1157, abs=1e-3)
    assert parse_ferritin("> 22470", "pmol/L") == Interval(10000, None, False, False)


@pytest.mark.parametrize("unit", ["mg/L", "ng/dL", "pmol/mL", "", "nmol/L", "IU/mL"])
def test_other_units_are_refused(unit):
    with pytest.raises(ValueError, match=r"ng/mL, ug/L, µg/L, pmol/L"):
        parse_ferritin("633", unit)


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ([], None),
        ([None, None], None),
        (["600"], Interval(600, 600)),
        ([None, "600"], Interval(600, 600)),
        (["600", "700"], Interval(600, 700)),
        (["600", "6000"], Interval(600, 6000)),
        # an exact value inside a censored one replaces it
        (["600", ">500"], Interval(600, 600)),
        ([">2000", "5100"], Interval(5100, 5100)),
        (["<8", "5"], Interval(5, 5)),
        ([">=7500", "7500"], Interval(7500, 7500)),
        ([">2000", "5100", "5300"], Interval(5100, 5300)),
        # an exact value outside it does not
        (["600", ">7500"], Interval(600, None, True, False)),
        ([">7500", "7500"], Interval(7500, None, True, False)),
        (["600", "8000", ">7500"], Interval(600, 8000)),
        # two censored ones: the smallest interval that holds both
        ([">2000", ">7500"], Interval(2000, None, False, False)),
        ([">2000", ">=2000"], Interval(2000, None, True, False)),
        (["<8", "<=8"], Interval(None, 8, False, True)),
        (["<8", ">7500"], Interval(None, None)),
    ],
)
def test_several_values_of_one_draw(values, expected):
    parsed = [None if value is None else parse_ferritin(value, "ng/mL") for value in values]
    assert combine(parsed) == expected
    assert combine(reversed(parsed)) == expected


@pytest.mark.parametrize(
    ("text", "above", "at_least", "at_most", "below"),
    [
        ("4420", False, True, True, False),
        ("4421", True, True, False, False),
        ("4419", False, False, True, True),
        (">4420", True, True, False, False),
        (">=4420", False, True, False, False),
        (">2000", False, False, False, False),
        ("<4420", False, False, True, True),
        ("<=4420", False, False, True, False),
        ("<8", False, False, True, True),
        # differences below a relative 1e-9 of the limit count as equal to it: 4420 * 1e-9 = 0.00000442
        ("4420.000001", False, True, True, False),
        ("4420.0001", True, True, False, False),
        ("4419.999999", False, True, True, False),
    ],
)
def test_a_rule_holds_only_where_it_holds_for_the_whole_interval(text, above, at_least, at_most, below):
    interval = parse_ferritin(text, "ng/mL", ".")
    assert interval.definitely_above(4420) is above
    assert interval.definitely_at_least(4420) is at_least
    assert interval.definitely_at_most(4420) is at_most
    assert interval.definitely_below(4420) is below


def test_a_limit_in_pmol_per_l_is_met_in_ng_per_ml():
    # 4420 * 2.247 = 9931.74 exactly, in decimals; in binary the quotient need not be 4420
    assert not parse_ferritin("9931.74", "pmol/L").definitely_above(4420)
    assert parse_ferritin(">9931.74", "pmol/L").definitely_above(4420)
    assert parse_ferritin("9931.74", "pmol/L").definitely_at_most(4420)


def test_ranges_of_two_values_decide_as_the_contract_says():
    both_low = combine([Interval.exact(600), Interval.exact(700)])
    apart = combine([Interval.exact(600), Interval.exact(6000)])
    assert both_low.definitely_at_most(4420)
    assert not apart.definitely_at_most(4420)
    assert not apart.definitely_above(4420)


@pytest.mark.parametrize(
    "ends", [(5, 4), (5, 5, True, False), (5, 5, False, False), (float("nan"), 5), (1, float("inf"))]
)
def test_an_empty_or_endless_interval_cannot_be_made(ends):
    with pytest.raises(ValueError, match=r"interval"):
        Interval(*ends)


def test_an_open_end_is_never_included():
    assert Interval(5, None) == Interval(5, None, True, False)
    assert Interval(None, 5) == Interval(None, 5, False, True)
