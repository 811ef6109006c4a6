"""The chain of audit.jsonl: every kind of tampering is named, every kind of interruption is survived."""

import hashlib
import json

import pytest

from hladr.audit import log as audit_log
from hladr.audit.log import append, check, read


def write(folder, *names):
    for name in names:
        append(folder, [{"event": name, "what": "α" + name}])


def lines_of(folder):
    return (folder / "audit.jsonl").read_bytes().splitlines(keepends=True)


def put(folder, lines):
    (folder / "audit.jsonl").write_bytes(b"".join(lines))


def test_each_line_can_be_checked_with_a_few_lines_of_anybody(tmp_path):
    write(tmp_path, "one", "two", "three")
    previous = "0" * 64
    for number, raw in enumerate(lines_of(tmp_path), start=1):
        entry = json.loads(raw)
        digest = entry.pop("hash")
        text = json.dumps(entry, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
        assert digest == hashlib.sha256(text.encode()).hexdigest()
        assert (entry["n"], entry["prev"]) == (number, previous)
        previous = digest
    assert number == 3
    assert json.loads((tmp_path / "results" / "audit_head.json").read_text()) == {"lines": 3, "hash": previous}
    assert check(tmp_path) is None


@pytest.mark.parametrize(
    ("tamper", "named"),
    [
        (lambda x: x[:1] + x[2:], "line 2 does not follow"),
        (lambda x: x[1:], "line 1 does not follow"),
        (lambda x: [x[0], x[2], x[1], x[3]], "line 2 does not follow"),
        (lambda x: x[:3], "lines were removed at the end: 3 of 4"),
        (lambda x: [], "lines were removed at the end: 0 of 4"),
        (lambda x: [*x[:2], x[2].replace(b"three", b"THREE", 1), x[3]], "line 3 was edited"),
        (lambda x: [x[0].replace(b'"n":1', b'"n": 1'), *x[1:]], "line 1 was edited"),
        (lambda x: [x[0], b"\n", *x[1:]], "line 2 is not a line of this log"),
        (lambda x: [x[0], x[0], *x[1:]], "line 2 does not follow"),
        (lambda x: [*x[:3], x[3][:-1]], "line 4 is incomplete"),
        (lambda x: [*x[:3], x[3][:-20]], "line 4 is incomplete"),
    ],
)
def test_tampering_is_named_and_stays_named_after_the_next_run(tmp_path, tamper, named):
    write(tmp_path, "one", "two", "three", "four")
    put(tmp_path, tamper(lines_of(tmp_path)))
    assert named in check(tmp_path)
    write(tmp_path, "five")
    if not named.startswith("line 4 is incomplete"):
        assert check(tmp_path) is not None
    assert read(tmp_path)[-1].entry["event"] == "five"


def test_an_edit_that_mends_its_own_hash_breaks_the_next_line(tmp_path):
    write(tmp_path, "one", "two", "three")
    lines = lines_of(tmp_path)
    entry = json.loads(lines[1])
    lines[1] = audit_log.canonical(audit_log._seal({**entry, "what": "else"})) + b"\n"
    put(tmp_path, lines)
    assert "line 3 does not follow" in check(tmp_path)


@pytest.mark.parametrize("kept", [1, 40, -1])
def test_a_line_that_a_kill_cut_short_is_sealed_and_fatal_to_nothing(tmp_path, kept):
    """Only what the head never named can be a fragment: the kill came before the head moved."""
    write(tmp_path, "one", "two")
    head = (tmp_path / "results" / "audit_head.json").read_bytes()
    write(tmp_path, "three")
    (tmp_path / "results" / "audit_head.json").write_bytes(head)
    lines = lines_of(tmp_path)
    put(tmp_path, [*lines[:2], lines[2][:kept]])
    assert "line 3 is incomplete" in check(tmp_path)
    write(tmp_path, "four")
    assert check(tmp_path) is None
    assert [line.entry and line.entry["event"] for line in read(tmp_path)][-1] == "four"


def test_a_sealed_fragment_cannot_be_exchanged(tmp_path):
    write(tmp_path, "one")
    with open(tmp_path / "audit.jsonl", "ab") as log:
        log.write(b'{"event":"tw')
    write(tmp_path, "three")
    assert check(tmp_path) is None
    put(tmp_path, [raw.replace(b'"tw', b'"no') for raw in lines_of(tmp_path)])
    assert "line 2 is not a line of this log" in check(tmp_path)


def test_a_kill_between_log_and_head_is_no_damage(tmp_path):
    write(tmp_path, "one")
    head = (tmp_path / "results" / "audit_head.json").read_bytes()
    write(tmp_path, "two", "three")
    (tmp_path / "results" / "audit_head.json").write_bytes(head)
    assert check(tmp_path) is None


def test_a_removed_end_is_not_hidden_by_the_next_run(tmp_path):
    write(tmp_path, "one", "two", "three")
    put(tmp_path, lines_of(tmp_path)[:1])
    write(tmp_path, "four")
    assert check(tmp_path).startswith("audit.jsonl: line 2 records damage: audit.jsonl: lines were removed at the end")


@pytest.mark.parametrize("text", ["", "{}", "[1]", '{"lines": "x", "hash": ""}', '{"lines": 0, "hash": ""}'])
def test_a_damaged_head_is_named(tmp_path, text):
    write(tmp_path, "one")
    (tmp_path / "results" / "audit_head.json").write_text(text)
    assert "audit_head.json" in check(tmp_path)


def test_nothing_identifies_person_or_machine(tmp_path):
    import getpass
    import platform

    write(tmp_path, "one")
    text = (tmp_path / "audit.jsonl").read_text()
    assert set(json.loads(text)) == {"n", "time", "event", "what", "prev", "hash"}
    for secret in (str(tmp_path), platform.node(), getpass.getuser()):
        assert secret not in text
