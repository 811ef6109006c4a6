"""YAML of a study, read safely: plain values, every key once, and the line of every key."""

import math
import re
from pathlib import Path
from typing import ClassVar

import yaml

from .problems import Collector, Phrase

_LARGEST_BYTES = 1_000_000
_DEEPEST = 20
_MOST_VALUES = 20_000  # of all labs and settings; references could make gigabytes of a few lines
_STRING, _NULL = "tag:yaml.org,2002:str", "tag:yaml.org,2002:null"
_INTEGER, _FLOAT, _BOOL = "tag:yaml.org,2002:int", "tag:yaml.org,2002:float", "tag:yaml.org,2002:bool"


class _Loader(getattr(yaml, "CSafeLoader", yaml.SafeLoader)):
    """Only `true` and `false` are truth values, so that a lab may be called `no`; `12:30` and dates stay text."""

    yaml_implicit_resolvers: ClassVar[dict] = {}


_NUMBER = r"[-+]?(?:[0-9]+\.[0-9]*|\.[0-9]+|[0-9]+)(?:[eE][-+]?[0-9]+)?"
for _tag, _pattern, _first in (
    (_BOOL, r"true|True|TRUE|false|False|FALSE", "tTfF"),
    (_INTEGER, r"[-+]?(?:0|[1-9][0-9]*)", "-+0123456789"),
    (_FLOAT, r"(?!0[0-9])" + _NUMBER, "-+.0123456789"),
    (_NULL, r"~|null|Null|NULL|", ["~", "n", "N", ""]),
):
    _Loader.add_implicit_resolver(_tag, re.compile(rf"^(?:{_pattern})$"), list(_first))


def read_yaml(path: Path, label: str, problems: Collector) -> tuple[dict, dict[tuple, int]] | None:
    """Read one YAML file whose top level is a mapping (or nothing).

    Parameters
    ----------
    path : path
        The file.
    label : str
        Its name in problems.
    problems : Collector
        Receives what is wrong.

    Returns
    -------
    tuple of (dict, dict) or None
        The values; the line of every key path. None if the file cannot be used.
    """
    try:
        raw = path.read_bytes() if path.stat().st_size <= _LARGEST_BYTES else None
    except FileNotFoundError:
        problems.add(label, None, None, Phrase("no such file"), "this file", "hladr init writes an example to fill in")
        return None
    except OSError:
        problems.add(label, None, None, Phrase("a file that cannot be opened"), "a readable file", "check its rights")
        return None
    if raw is None:
        problems.add(label, None, None, Phrase("a file over 1 MB"), "a few lines of settings", "check which file it is")
        return None
    try:
        text = raw.decode("utf-8-sig")
    except UnicodeDecodeError:
        problems.add(label, None, None, Phrase("letters that are not UTF-8"), "UTF-8 text", "save it again as UTF-8")
        return None
    try:
        if not _is_plain(text, label, problems):
            return None
        node = yaml.compose(text, Loader=_Loader)
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        row = mark.line + 1 if mark else None
        lines = text.splitlines()
        found = lines[row - 1].strip() if row and row <= len(lines) and lines[row - 1].strip() else None
        problems.add(
            label,
            row,
            None,
            found or Phrase("text that is not YAML"),
            "key: value, indented with spaces",
            "check colons, indentation (no tabs), brackets and quotation marks here and in the line above",
        )
        return None
    lines: dict[tuple, int] = {}
    if node is None:
        return {}, lines
    reader = _Reader(label, problems, lines)
    try:
        value = reader.value(node, ())
    except _TooMuchError as error:
        problems.add(label, error.row, None, Phrase(error.found), "a few settings", "write values out instead of *")
        return None
    if value is None:
        return {}, lines
    if not isinstance(value, dict):
        problems.add(label, 1, None, Phrase("no keys"), "lines of key: value", "see config/README.md")
        return None
    return value, lines


def _is_plain(text: str, label: str, problems: Collector) -> bool:
    """Refuse several documents and deep nesting."""
    depth = documents = 0
    for event in yaml.parse(text, Loader=_Loader):
        row = event.start_mark.line + 1
        if isinstance(event, yaml.DocumentStartEvent):
            documents += 1
            if documents > 1:
                problems.add(label, row, None, "---", "one document", "remove the line ---")
                return False
        depth += isinstance(event, yaml.CollectionStartEvent) - isinstance(event, yaml.CollectionEndEvent)
        if depth > _DEEPEST:
            problems.add(label, row, None, Phrase("very deep nesting"), "a few levels", "check the brackets")
            return False
    return True


class _TooMuchError(Exception):
    """References (`*name`) that stand for more than settings can be, or for themselves."""

    def __init__(self, row: int, found: str):
        super().__init__(found)
        self.row, self.found = row, found


class _Reader:
    """Nodes to plain values: no tags, no repeated keys; remembers lines. References are what they stand for."""

    def __init__(self, label: str, problems: Collector, lines: dict[tuple, int]):
        self.label, self.problems, self.lines = label, problems, lines
        self.count = 0

    def value(self, node, path: tuple):
        self.count += 1
        if self.count > _MOST_VALUES:
            raise _TooMuchError(node.start_mark.line + 1, f"references that stand for over {_MOST_VALUES:,} values")
        if len(path) > _DEEPEST:
            raise _TooMuchError(node.start_mark.line + 1, "a reference that holds itself")
        if isinstance(node, yaml.MappingNode) and node.tag == "tag:yaml.org,2002:map":
            return self._mapping(node, path)
        if isinstance(node, yaml.SequenceNode) and node.tag == "tag:yaml.org,2002:seq":
            return [self.value(child, (*path, i)) for i, child in enumerate(node.value)]
        if isinstance(node, yaml.ScalarNode):
            text = node.value
            if node.tag == _STRING:
                return text
            if node.tag == _NULL:
                return None
            if node.tag == _BOOL and text.lower() in ("true", "false"):
                return text.lower() == "true"
            if node.tag == _INTEGER and re.fullmatch(r"[-+]?[0-9]{1,300}", text):
                return int(text)
            if node.tag == _FLOAT and re.fullmatch(_NUMBER, text):
                number = float(text)
                return number if math.isfinite(number) else text
        row = node.start_mark.line + 1
        tag = node.tag.replace("tag:yaml.org,2002:", "!!")
        self.problems.add(self.label, row, key_name(path), tag, "a plain value", f"remove {tag[:40]}")
        return None

    def _mapping(self, node, path: tuple) -> dict:
        result = {}
        for key_node, value_node in node.value:
            row = key_node.start_mark.line + 1
            if not isinstance(key_node, yaml.ScalarNode):
                self.problems.add(self.label, row, key_name(path), Phrase("a list as a key"), "a word", "mend the key")
                continue
            key = key_node.value
            here = (*path, key)
            if key in result:
                self.problems.add(
                    self.label,
                    row,
                    key_name(here),
                    Phrase(f"the key a second time (first in row {self.lines[here]})"),
                    "every key once",
                    "keep one of the two",
                )
                continue
            self.lines[here] = row
            result[key] = self.value(value_node, here)
        return result


def key_name(path: tuple) -> str | None:
    """Write a key path with dots."""
    return ".".join(str(part) for part in path) or None


def line_of(lines: dict[tuple, int], path: tuple) -> int | None:
    """Return the line of a key path, else that of the nearest level above it."""
    for length in range(len(path), 0, -1):
        if path[:length] in lines:
            return lines[path[:length]]
    return None
