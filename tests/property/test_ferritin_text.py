"""Whatever convention a laboratory declares, its numbers come back; without one nothing is off by a thousand."""

from hypothesis import assume, example, given
from hypothesis import strategies as st

from hladr.ferritin import Interval, combine, parse_ferritin

GROUPS = {
    ".": ["", ",", "'", " ", "\u00a0", "\u2019", "\u202f"],
    ",": ["", ".", "'", " ", "\u00a0", "\u2019", "\u202f"],
}
COMPARATORS = ["", ">", ">=", "<", "<=", "> ", "≥"]


def written(whole: int, fraction: str, decimal: str, group: str) -> str:
    text = f"{whole:,}".replace(",", group)
    return f"{text}{decimal}{fraction}" if fraction else text


@given(
    st.integers(1, 10**9),
    st.text("0123456789", max_size=4),
    st.sampled_from([".", ","]),
    st.integers(0, 6),
    st.sampled_from(COMPARATORS),
)
def test_a_number_written_by_a_declared_convention_comes_back(whole, fraction, decimal, group, comparator):
    text = comparator + written(whole, fraction, decimal, GROUPS[decimal][group])
    value = float(f"{whole}.{fraction or 0}")
    found = parse_ferritin(text, "µg/L", decimal)
    assert [end for end in (found.low, found.high) if end is not None] == [value] * (1 if comparator else 2)


@given(st.integers(1, 10**7), st.text("0123456789", max_size=5), st.sampled_from([".", ","]), st.integers(0, 6))
@example(4, "420", ".", 0)
@example(4420, "", ".", 1)
def test_without_a_convention_a_text_is_refused_or_read_as_every_convention_reads_it(whole, fraction, decimal, group):
    text = written(whole, fraction, decimal, GROUPS[decimal][group])
    try:
        found = parse_ferritin(text, "ng/mL")
    except ValueError:
        return
    readings = set()
    for sign in (".", ","):
        try:
            readings.add(parse_ferritin(text, "ng/mL", sign))
        except ValueError:
            continue
    assert readings == {found}


@given(st.text(max_size=12), st.sampled_from([None, ".", ","]))
@example("1٣", ",")
@example("²", None)
def test_any_text_is_a_positive_interval_missing_or_a_plain_mistake(text, decimal):
    found, said = None, "expected"
    try:
        found = parse_ferritin(text, "ng/mL", decimal)
    except ValueError as error:
        said = str(error)
    assert "expected" in said
    assert found is None or all(end is None or end > 0 for end in (found.low, found.high))


numbers = st.floats(0.1, 1e6)
intervals = st.one_of(
    numbers.map(Interval.exact),
    st.builds(lambda x, included: Interval(x, None, included, False), numbers, st.booleans()),
    st.builds(lambda x, included: Interval(None, x, False, included), numbers, st.booleans()),
)


@given(st.lists(intervals, min_size=1, max_size=5), st.randoms(use_true_random=False))
def test_combining_depends_on_no_order_and_holds_every_exact_value(values, random):
    shuffled = values[:]
    random.shuffle(shuffled)
    found = combine(values)
    assert combine(shuffled) == found
    assert all(found.holds(value.value) for value in values if value.is_point)


@given(st.lists(intervals, min_size=1, max_size=4), st.floats(0.1, 1e6))
def test_what_is_decided_for_the_whole_is_decided_for_every_exact_value(values, limit):
    found = combine(values)
    assume(found.definitely_above(limit) or found.definitely_at_most(limit))
    for value in values:
        if value.is_point:
            assert value.definitely_above(limit) is found.definitely_above(limit)
            assert value.definitely_at_most(limit) is found.definitely_at_most(limit)
