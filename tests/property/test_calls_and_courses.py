"""What must hold for all calls and courses, whatever the values."""

from dataclasses import replace

from calls_support import Blood, config
from hypothesis import given
from hypothesis import strategies as st

from hladr.ferritin import Interval, combine
from hladr.phenotype import call, draws_of, is_borderline, probability_of
from hladr.phenotype.replicates import TubeValue
from hladr.reversal import judge_draws
from hladr.reversal.rules import ferritin_fell
from hladr.rules import REVERSAL_RULES, PhenotypeLimits, phenotype_limits, reversal_settings

LIMITS = PhenotypeLimits(4420, 5000)
CONFIG = config()
DAYS = (1, 2, 4, 7, 15, 21, 28)
# near and on the limits as often as anywhere
FERRITIN = st.one_of(st.floats(1, 60000), st.sampled_from([4420.0, 3757.0, 9000.0, 7650.0, 899.0, 442.0]))
ABC = st.one_of(st.floats(50, 60000), st.sampled_from([5000.0, 8000.0, 8000.1, 3000.0, 11000.0]))


@st.composite
def intervals(draw):
    ends = sorted([draw(FERRITIN), draw(FERRITIN)])
    kind = draw(st.sampled_from(["point", "point", "range", "above", "at least", "below"]))
    if kind == "point":
        return Interval.exact(ends[0])
    if kind == "range":
        return Interval(*ends)
    if kind == "below":
        return Interval(None, ends[1], False, draw(st.booleans()))
    return Interval(ends[0], None, kind == "at least", False)


def contains(outer: Interval, inner: Interval) -> bool:
    low = outer.low is None or (inner.low is not None and inner.low >= outer.low)
    high = outer.high is None or (inner.high is not None and inner.high <= outer.high)
    return low and high


@st.composite
def series(draw):
    """Return one patient's tubes and ferritin values over the trial's days, some missing, some doubled."""
    tubes, values = [], []
    for day in DAYS:
        for copy in range(draw(st.sampled_from([0, 1, 1, 1, 2]))):
            failed = draw(st.integers(0, 9)) == 0
            abc = draw(ABC)
            ends = (None, None) if failed else (abc * 0.9, abc * 1.1)
            tubes.append(
                TubeValue(f"S{day}-{copy}", "P1", day, status="failed" if failed else "ok", abc=None if failed else abc,
                          abc_low=ends[0], abc_high=ends[1])
            )  # fmt: skip
        for _ in range(draw(st.sampled_from([0, 1, 1, 1, 2]))):
            values.append(Blood("P1", day, draw(st.one_of(st.none(), intervals()))))
    return tubes, values


def called(tubes, values):
    return draws_of(tubes, values, phenotype_limits(CONFIG))


def rows(tubes, values, rule):
    draws = called(tubes, values)
    courses = judge_draws(draws, reversal_settings(CONFIG, rule), {})
    return [draw.row() for draw in draws], [course.row() for course in courses]


# an interval is called as all of its values are, and not at all where they differ


def some_values(interval: Interval) -> list[float]:
    """Return values of an interval: its ends, or what lies just inside them, the limits, and points between."""
    low = interval.low if interval.low is not None else 0.01
    high = interval.high if interval.high is not None else 1e6
    grid = [low, low * (1 + 1e-6), high, high * (1 - 1e-6), *(low + (high - low) * k / 7 for k in range(8))]
    return [value for value in (*grid, 4419.0, 4420.0, 4421.0) if interval.holds(value)]


@given(intervals(), st.one_of(st.none(), ABC))
def test_a_call_holds_for_every_value_of_the_interval(interval, abc):
    of_values = {call(Interval.exact(value), abc, LIMITS) for value in some_values(interval)}
    expected = of_values.pop() if len(of_values) == 1 else "indeterminate"
    assert call(interval, abc, LIMITS) == expected


@given(intervals(), intervals())
def test_a_fall_holds_for_every_pair_of_values(baseline, follow_up):
    pairs = [(a, b) for a in some_values(baseline) for b in some_values(follow_up)]
    fallen = [ferritin_fell(Interval.exact(a), Interval.exact(b), 0.15, False) for a, b in pairs]
    found = ferritin_fell(baseline, follow_up, 0.15, False)
    if found != "undecided":
        assert set(fallen) == {found}
    elif baseline.is_point and follow_up.is_point:
        raise AssertionError("two exact values can always be decided")


# monotone in AB/C and ferritin


@given(ABC, ABC, FERRITIN)
def test_more_hladr_never_turns_unclassified_into_sip(first, second, ferritin):
    low, high = sorted([first, second])
    order = {"SIP": 0, "unclassified": 1, "MALS": 2}
    point = Interval.exact(ferritin)
    assert order[call(point, low, LIMITS)] <= order[call(point, high, LIMITS)]


@given(ABC, FERRITIN, FERRITIN)
def test_more_ferritin_never_turns_mals_into_anything_else(abc, first, second):
    low, high = sorted([first, second])
    if call(Interval.exact(low), abc, LIMITS) == "MALS":
        assert call(Interval.exact(high), abc, LIMITS) == "MALS"


@given(series(), st.sampled_from(DAYS[1:]), st.floats(1, 4), st.sampled_from(REVERSAL_RULES))
def test_more_hladr_after_sip_never_undoes_a_reversal(patient, day, factor, rule):
    tubes, values = patient
    values = [value for value in values if value.day != 1] + [Blood("P1", 1, Interval.exact(633.0))]
    tubes = [tube for tube in tubes if tube.day != 1] + [TubeValue("B", "P1", 1, abc=3000.0)]
    raised = [replace(t, abc=t.abc * factor) if t.day == day and t.abc is not None else t for t in tubes]
    before, after = rows(tubes, values, rule)[1][0], rows(raised, values, rule)[1][0]
    if before["reversal"] == "attained":
        assert after["reversal"] == "attained"
        assert after["reversal_day"] <= before["reversal_day"]


@given(
    st.lists(FERRITIN, min_size=6, max_size=6), st.integers(0, 5), st.floats(0.2, 1), st.sampled_from(REVERSAL_RULES)
)
def test_less_ferritin_after_mals_never_undoes_a_reversal_unless_it_falls_implausibly(later, position, factor, rule):
    lowered = [value * factor if k == position else value for k, value in enumerate(later)]

    def judged(follow_up):
        values = [Blood("P1", 1, Interval.exact(20000.0))]
        values += [Blood("P1", day, Interval.exact(v)) for day, v in zip(DAYS[1:], follow_up, strict=True)]
        draws = called([], values)
        doubt = any("ferritin_implausible" in draw.row()["flags"] for draw in draws)
        return judge_draws(draws, reversal_settings(CONFIG, rule), {})[0], doubt

    before, _ = judged(later)
    after, doubt = judged(lowered)
    if before.reversal == "attained" and not doubt:
        assert after.reversal == "attained"
        assert after.reversal_day <= before.reversal_day


# unchanged by row order, by splitting a study, by draws after the horizon


@given(series(), st.randoms(use_true_random=False), st.sampled_from(REVERSAL_RULES))
def test_unchanged_by_row_order(patient, random, rule):
    tubes, values = map(list, patient)
    before = rows(tubes, values, rule)
    random.shuffle(tubes)
    random.shuffle(values)
    assert rows(tubes, values, rule) == before


@given(series(), series(), st.sampled_from(REVERSAL_RULES))
def test_unchanged_by_other_patients(first, second, rule):
    other_tubes = [replace(tube, sample_id=f"o{tube.sample_id}", patient_id="P0") for tube in second[0]]
    other_values = [replace(value, patient_id="P0") for value in second[1]]
    alone = rows(*first, rule)
    together = rows([*first[0], *other_tubes], [*other_values, *first[1]], rule)
    others = rows(other_tubes, other_values, rule)
    assert together == (others[0] + alone[0], others[1] + alone[1])


@given(series(), intervals(), ABC, st.integers(29, 400), st.sampled_from(REVERSAL_RULES))
def test_unchanged_by_draws_after_the_horizon(patient, interval, abc, day, rule):
    tubes, values = patient
    draws, courses = rows(tubes, values, rule)
    if not draws:
        return
    more_draws, more_courses = rows(
        [*tubes, TubeValue("late", "P1", day, abc=abc)], [*values, Blood("P1", day, interval)], rule
    )
    # a later value may confirm a fall: flags may go, and verdicts that they held up come; calls stay
    if [row["flags"] for row in more_draws if row["day"] <= 28] == [row["flags"] for row in draws]:
        assert more_courses == courses
    kept = [
        (row["day"], row["phenotype"], row["probability"], row["borderline"]) for row in more_draws if row["day"] <= 28
    ]
    assert kept == [(row["day"], row["phenotype"], row["probability"], row["borderline"]) for row in draws]


# a wider interval never makes a call more certain


@given(intervals(), intervals(), st.one_of(st.none(), ABC))
def test_a_wider_ferritin_never_makes_a_call_more_certain(first, second, abc):
    wider = combine([first, second])
    if not (contains(wider, first) and contains(wider, second)):
        return  # a value inside a range replaced it
    narrow, wide = call(first, abc, LIMITS), call(wider, abc, LIMITS)
    assert wide in (narrow, "indeterminate")


@given(ABC, st.floats(1.001, 3), st.floats(1.001, 3))
def test_a_wider_interval_of_hladr_never_makes_a_call_more_certain(abc, narrow, more):
    ferritin = Interval.exact(633.0)
    phenotype = call(ferritin, abc, LIMITS)
    small = (abc / narrow, abc * narrow)
    large = (abc / (narrow * more), abc * narrow * more)
    assert probability_of(phenotype, abc, *large, LIMITS) <= probability_of(phenotype, abc, *small, LIMITS) + 1e-12
    assert is_borderline(ferritin, *large, LIMITS) >= is_borderline(ferritin, *small, LIMITS)


@given(series(), st.sampled_from(DAYS), intervals(), st.sampled_from(["table2-sustained", "methods-increment"]))
def test_a_wider_ferritin_never_makes_a_reversal(patient, day, other, rule):
    tubes, values = patient
    kept = [value for value in values if value.interval is not None]
    one_each = list({value.day: value for value in kept}.values())
    at_day = next((value for value in one_each if value.day == day), None)
    if at_day is None or at_day.interval.is_point is False:
        return
    wider = combine([at_day.interval, other])
    if not contains(wider, at_day.interval):
        return
    widened = [replace(v, interval=wider) if v.day == day else v for v in one_each]
    before, after = rows(tubes, one_each, rule)[1][0], rows(tubes, widened, rule)[1][0]
    doubt = any("ferritin_implausible" in row["flags"] for row in rows(tubes, one_each, rule)[0])
    if after["reversal"] == "attained" and after["baseline_phenotype"] == before["baseline_phenotype"] and not doubt:
        assert before["reversal"] == "attained"


# rows hold together


@given(series(), st.sampled_from(REVERSAL_RULES))
def test_rows_hold_together(patient, rule):
    draws, courses = rows(*patient, rule)
    for row in draws:
        assert (row["status"] == "failed") <= (row["abc"] is None)
        assert (row["status"] != "ok") <= bool(row["reason"])
        assert (row["phenotype"] == "indeterminate") <= (row["probability"] is None)
        assert row["probability"] is None or 0.5 <= row["probability"] <= 1
    for row in courses:
        assert (row["reversal"] == "attained") == (row["reversal_day"] is not None)
        assert row["reversal_day"] is None or 1 < row["reversal_day"] <= 28
        assert (row["reversal"] == "not_applicable") == (row["baseline_phenotype"] not in ("MALS", "SIP"))
        assert (row["reversal"] == "attained") <= row["evaluable"]
