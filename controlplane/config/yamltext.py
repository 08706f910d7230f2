"""YAML text -> a tree with the place of every key and value, or problems.

The format is YAML 1.2 with its core scalar rules, which are those of editors: ``on`` and ``off`` are text
and ``retry.on`` is a key (PyYAML's own rules, of YAML 1.1, make them booleans). Left out on purpose: tags,
anchors, merge keys, several documents in a file. https://yaml.org/spec/1.2.2/#103-core-schema
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Protocol

import yaml

from controlplane.config.problems import ConfigPath, Position, Problem
from controlplane.config.source import Node, Scalar

_DEEPEST = 32
_LONGEST_INTEGER = 20

_NULL = re.compile(r"|~|null|Null|NULL")
_TRUE = re.compile(r"true|True|TRUE")
_FALSE = re.compile(r"false|False|FALSE")
_INTEGER = re.compile(r"[-+]?[0-9]+")
_BASED = re.compile(r"0o[0-7]{1,20}|0x[0-9a-fA-F]{1,20}")
_FLOAT = re.compile(r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?")
_NO_NUMBER = re.compile(r"[-+]?\.(inf|Inf|INF)|\.(nan|NaN|NAN)")
_LINE_BREAK = re.compile(r"\r\n|[\r\n\x85\u2028\u2029]")
_SURROGATE = re.compile("[\ud800-\udfff]")


@dataclass(slots=True)
class ParsedText:
    """One file.

    root: None when the text as a whole could not be read.
    broken: paths whose value is unknown; each has a problem.
    """

    root: Node | None = None
    problems: list[Problem] = field(default_factory=list)
    broken: set[ConfigPath] = field(default_factory=set)


def parse(content: bytes, file: str) -> ParsedText:
    """Never raises; `file` is the name that problems carry."""
    result = ParsedText()
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        place = _end_of(content[: error.start].decode("utf-8-sig"), file)
        result.problems.append(Problem.at(place, (), "not UTF-8 text"))
        return result
    try:
        _Builder(text, file, result).build()
    except _UnreadableError as error:
        result.root = None
        result.problems.append(Problem.at(error.place, (), error.message))
    return result


class _Mark(Protocol):
    """PyYAML's place of something; counts from 0."""

    @property
    def line(self) -> int: ...
    @property
    def column(self) -> int: ...


class _UnreadableError(Exception):
    """The rest of the text has no meaning."""

    def __init__(self, place: Position, message: str) -> None:
        super().__init__(message)
        self.place = place
        self.message = message


class _Builder:
    """Reads PyYAML's parser events of one document."""

    def __init__(self, text: str, file: str, result: ParsedText) -> None:
        self._file = file
        self._result = result
        try:
            self._loader = yaml.SafeLoader(text)
        except yaml.reader.ReaderError as error:
            place = _end_of(text[: error.position], file)
            raise _UnreadableError(
                place, f"the character U+{ord(text[error.position]):04X} is not allowed"
            ) from None

    def build(self) -> None:
        self._next()  # the stream's start
        event = self._next()
        if isinstance(event, yaml.StreamEndEvent):
            raise _UnreadableError(Position(self._file, 1, 1), "the file is empty")
        event = self._next()
        place = self._place(event.start_mark)
        if isinstance(event, yaml.ScalarEvent) and event.style is None and _NULL.fullmatch(event.value):
            raise _UnreadableError(Position(self._file, 1, 1), "the file is empty")
        if not isinstance(event, yaml.MappingStartEvent):
            raise _UnreadableError(place, "expected a mapping of sections (listener, providers, models, ...)")
        root = self._node(event, (), None)
        self._next()  # the document's end
        event = self._next()
        if not isinstance(event, yaml.StreamEndEvent):
            self._problem(
                event.start_mark, (), "a second document starts here; a file holds one, give several files"
            )
        self._result.root = root

    def _next(self) -> yaml.Event:
        try:
            event: yaml.Event = self._loader.get_event()  # type: ignore[no-untyped-call]
        except yaml.MarkedYAMLError as error:
            place = self._place(error.problem_mark or error.context_mark)
            raise _UnreadableError(place, _syntax_message(error)) from None
        except (ValueError, OverflowError):  # an escape beyond Unicode, a version number of 5,000 digits
            place = self._place(self._loader.get_mark())
            raise _UnreadableError(place, "not valid YAML: a number here is out of range") from None
        return event

    def _node(self, event: yaml.Event, path: ConfigPath, key: Position | None) -> Node:
        place = self._place(event.start_mark)
        if len(path) > _DEEPEST:
            raise _UnreadableError(place, "nested too deeply")
        self._refuse_properties(event, path)
        match event:
            case yaml.MappingStartEvent():
                return Node(self._mapping(path), key or place, key or place)
            case yaml.SequenceStartEvent():
                return Node(self._sequence(path), key or place, key or place)
            case yaml.ScalarEvent():
                return Node(self._scalar(event, path), place, key or place)
            case _:
                self._broken(event.start_mark, path, "aliases (*name) are not supported; write the value out")
                return Node(None, place, key or place)

    def _refuse_properties(self, event: yaml.Event, path: ConfigPath) -> None:
        """Problems for a tag or an anchor; the value itself is read as if it had none."""
        if isinstance(event, yaml.AliasEvent):
            return
        if getattr(event, "tag", None) is not None:
            self._problem(event.start_mark, path, "tags (!name) are not supported; write the plain value")
        if getattr(event, "anchor", None) is not None:
            self._problem(event.start_mark, path, "anchors (&name) are not supported; write the plain value")

    def _mapping(self, path: ConfigPath) -> dict[str, Node]:
        entries: dict[str, Node] = {}
        while not isinstance(event := self._next(), yaml.MappingEndEvent):
            name = self._key(event, path)
            value = self._next()
            if name is None:
                self._skip(value, path)
                continue
            key = self._place(event.start_mark)
            node = self._node(value, (*path, name), key)
            if name in entries:
                first = entries[name].key.line
                self._problem(event.start_mark, (*path, name), f"written twice; first in line {first}")
            entries.setdefault(name, node)
        return entries

    def _skip(self, event: yaml.Event, path: ConfigPath) -> None:
        """Reads past a value that belongs to no key; its own problems do not matter."""
        before = len(self._result.problems)
        self._node(event, (*path, "?"), None)
        del self._result.problems[before:]

    def _key(self, event: yaml.Event, path: ConfigPath) -> str | None:
        """The key's text, or None (with a problem) for what cannot be a key."""
        if not isinstance(event, yaml.ScalarEvent):
            self._skip(event, path)
            self._broken(event.start_mark, path, "a key must be text")
            return None
        self._refuse_properties(event, path)
        if _SURROGATE.search(event.value):
            self._broken(
                event.start_mark, path, "a key must be text; this has half a character (a surrogate)"
            )
            return None
        if event.style is None:
            if event.value == "<<":
                self._broken(event.start_mark, path, "merge keys (<<) are not supported; write the keys out")
                return None
            resolved = _resolve(event.value)
            if resolved is None:
                self._broken(event.start_mark, path, "a key is missing here")
                return None
            if not isinstance(resolved, str):
                written = event.value
                self._problem(event.start_mark, (*path, written), f'a key must be text; write "{written}"')
        return event.value

    def _sequence(self, path: ConfigPath) -> list[Node]:
        items: list[Node] = []
        while not isinstance(event := self._next(), yaml.SequenceEndEvent):
            items.append(self._node(event, (*path, len(items)), None))
        return items

    def _scalar(self, event: yaml.ScalarEvent, path: ConfigPath) -> Scalar:
        if _SURROGATE.search(event.value):
            self._broken(event.start_mark, path, "not text: it has half a character (a surrogate)")
            return None
        if event.style is not None:
            return event.value
        value = _resolve(event.value)
        if value is None:
            self._broken(event.start_mark, path, "no value; give one or remove the key")
        return value

    def _problem(self, mark: _Mark | None, path: ConfigPath, message: str) -> None:
        self._result.problems.append(Problem.at(self._place(mark), path, message))

    def _broken(self, mark: _Mark | None, path: ConfigPath, message: str) -> None:
        self._problem(mark, path, message)
        self._result.broken.add(path)

    def _place(self, mark: _Mark | None) -> Position:
        return Position(self._file, mark.line + 1, mark.column + 1) if mark else Position(self._file, 1, 1)


def _end_of(text: str, file: str) -> Position:
    lines = _LINE_BREAK.split(text)
    return Position(file, len(lines), len(lines[-1]) + 1)


def _resolve(text: str) -> Scalar:
    """The value of a scalar written without quotes."""
    if _NULL.fullmatch(text):
        return None
    if _TRUE.fullmatch(text):
        return True
    if _FALSE.fullmatch(text):
        return False
    if _INTEGER.fullmatch(text) and len(text) <= _LONGEST_INTEGER:
        return int(text)
    if _BASED.fullmatch(text):
        return int(text, 0)
    if _FLOAT.fullmatch(text):
        return float(text)
    if _NO_NUMBER.fullmatch(text):
        return float(text.replace(".", "", 1))
    return text


def _syntax_message(error: yaml.MarkedYAMLError) -> str:
    problem = error.problem or "unexpected text"
    if "'\\t'" in problem:
        return "not valid YAML: a tab stands here; indent and separate with spaces"
    if "cannot start any token" in problem:
        return f"not valid YAML: {problem}; text that begins so needs quotes"
    if problem == "mapping values are not allowed here":
        return "not valid YAML: a second ': ' in one line; check the indentation, or put the value in quotes"
    if problem.startswith("expected <block end>"):
        return "not valid YAML: this does not fit to the lines above; check the indentation and the quotes"
    problem = problem.replace("'<stream end>'", "the end of the file")
    context = f" ({error.context})" if error.context else ""
    return f"not valid YAML: {problem}{context}"
