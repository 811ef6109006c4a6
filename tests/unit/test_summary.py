"""The five lines at the end of a run: what to look at first."""

import pytest

from hladr.run import summary

HEADS = {
    "quantification": "sample_id,bead_id,status,reason",
    "calibrations": "bead_id,status,reason",
    "phenotypes": "phenotype",
    "reversal": "reversal",
}


@pytest.mark.parametrize(
    ("tubes", "beads", "expected"),
    [
        (["S1,B1,failed,no line", "S2,B2,ok,"], ["B1,failed,no peaks"], "bead run B1 (failed): no peaks"),
        (["S1,B2,ok,", "S2,B2,failed,cut short"], ["B1,failed,no peaks"], "tube S2 (failed): cut short"),
        (["S1,B2,ok,", "S2,B2,review,few"], ["B1,failed,no peaks", "B2,ok,"], "tube S2 (review): few"),
        (["S1,B2,ok,"], ["B2,ok,"], "nothing, all tubes are ok"),
    ],
    ids=["a run that a tube names", "a run that none names", "a doubtful tube", "all ok"],
)
def test_what_to_look_at_first(tmp_path, tubes, beads, expected):
    (tmp_path / "results").mkdir()
    for name, head in HEADS.items():
        rows = {"quantification": tubes, "calibrations": beads}.get(name, [])
        (tmp_path / "results" / f"{name}.csv").write_text("\n".join([head, *rows]) + "\n", encoding="utf-8")
    lines = summary(tmp_path)
    assert len(lines) == 5
    assert lines[-1] == f"Look first at: {expected}"
