"""The later jobs' files: what is gathered, what is left alone."""

from hladr.results import publish_gates


def test_gates_are_gathered_and_those_that_stay_are_not_written_again(tmp_path):
    batches = [tmp_path / "batches" / "tubes_0000"]
    made = batches[0] / "gates"
    (made / "automatic").mkdir(parents=True)
    for name in ("S1", "S2", "automatic/S2"):
        (made / f"{name}.xml").write_text(f"<gate of='{name}'/>")
    stale = tmp_path / "batches" / "tubes_0001"
    stale.mkdir()
    gates = tmp_path / "gates"
    gates.mkdir()
    (gates / "S9.xml").write_text("of a tube that is no longer in the table")
    publish_gates(batches, [], tmp_path)
    assert sorted(p.relative_to(gates).as_posix() for p in gates.rglob("*.xml")) == [
        "S1.xml", "S2.xml", "automatic/S2.xml"
    ]  # fmt: skip
    assert not stale.exists()
    first = (gates / "S1.xml").stat()
    assert first.st_nlink == 1, "a file of its own: an edit of it is no edit of the batch"
    (gates / "S2.xml").write_text("edited by hand")
    publish_gates(batches, [], tmp_path)
    assert (gates / "S2.xml").read_text() == "<gate of='S2'/>"
    assert (gates / "S1.xml").stat().st_ino == first.st_ino
