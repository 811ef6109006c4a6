"""The five lines at the end of a run: what to look at first."""

import pytest

from hladr.run import summary

HEADS = {
    "quantification": "sample_id,patient_id,day,bead_id,status,reason",
    "calibrations": "bead_id,status,reason",
    "phenotypes": "patient_id,day,phenotype",
    "reversal": "reversal",
}


@pytest.mark.parametrize(
    ("tubes", "beads", "uncalled", "expected"),
    [
        (["S1,P1,1,B1,failed,no line", "S2,P1,2,B2,ok,"], ["B1,failed,no peaks"], [], "bead run B1 (failed): no peaks"),
        (["S1,P1,1,B2,ok,", "S2,P1,2,B2,failed,cut"], ["B1,failed,no peaks"], ["P1,2"], "tube S2 (failed): cut"),
        (["S1,P1,1,B2,failed,no beads", "S2,P1,2,B2,failed,cut"], ["B2,ok,"], ["P1,2"], "tube S2 (failed): cut"),
        (["S1,P1,1,B2,ok,", "S2,P1,2,B2,review,few"], ["B1,failed,no", "B2,ok,"], [], "tube S2 (review): few"),
        (["S1,P1,1,B2,ok,"], ["B2,ok,"], ["P1,1"], "the report: all tubes are ok, and 1 draw has no call"),
        (["S1,P1,1,B2,ok,"], ["B2,ok,"], [], "nothing, all tubes are ok"),
    ],
    ids=[
        "beads",
        "beads that no tube names",
        "the tube whose draw has no call",
        "a doubtful tube",
        "no ferritin",
        "all ok",
    ],
)
def test_what_to_look_at_first(tmp_path, tubes, beads, uncalled, expected):
    (tmp_path / "results").mkdir()
    calls = ["P1,28,MALS", *(f"{draw},indeterminate" for draw in uncalled)]
    for name, head in HEADS.items():
        rows = {"quantification": tubes, "calibrations": beads, "phenotypes": calls}.get(name, [])
        (tmp_path / "results" / f"{name}.csv").write_text("\n".join([head, *rows]) + "\n", encoding="utf-8")
    lines = summary(tmp_path)
    assert len(lines) == 5
    assert lines[-1] == f"Look first at: {expected}"
