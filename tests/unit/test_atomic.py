"""A file is there whole or not at all."""

import pytest

from hladr.atomic import replacing, write_text


def test_a_write_that_fails_leaves_the_old_file_and_nothing_beside_it(tmp_path):
    write_text(tmp_path / "table.csv", "old\r\n")

    def fail():
        with replacing(tmp_path / "table.csv") as temporary:
            temporary.write_text("ne")
            raise OSError("disk full")

    with pytest.raises(OSError, match="disk full"):
        fail()
    assert [path.name for path in tmp_path.iterdir()] == ["table.csv"]
    assert (tmp_path / "table.csv").read_bytes() == b"old\r\n"


def test_what_a_killed_run_left_is_not_taken_over(tmp_path):
    (tmp_path / ".table.csv.part").write_text("half")
    with replacing(tmp_path / "table.csv") as temporary:
        assert not temporary.exists()
        temporary.write_text("new")
    assert [(path.name, path.read_text()) for path in tmp_path.iterdir()] == [("table.csv", "new")]
