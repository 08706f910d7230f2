"""YAML files -> a configuration with what it refers to, or every problem at once."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import reduce
from pathlib import Path
from types import MappingProxyType

from controlplane.config.check import check
from controlplane.config.io import ConfigIO
from controlplane.config.material import FILE_KEYS, read_material
from controlplane.config.problems import ConfigPath, Position, Problem, by_position
from controlplane.config.report import Report
from controlplane.config.schema import Config
from controlplane.config.secrets import Secret
from controlplane.config.source import Node, Source, merge, replace_text
from controlplane.config.yamltext import ParsedText, parse


@dataclass(frozen=True, slots=True)
class LoadResult:
    """What a set of files gives.

    config: None if there is any problem.
    problems, warnings: sorted by file, line and column.
    files: every path that was asked for (YAML, secrets, certificates), readable or not: what to watch.
    secrets: values by what they are for: ``provider/NAME``.
    tls: PEM files of the listener and of providers, by the path in `config`.
    """

    config: Config | None
    problems: list[Problem]
    warnings: list[Problem]
    files: frozenset[Path]
    secrets: Mapping[str, Secret] = field(default_factory=lambda: MappingProxyType({}))
    tls: Mapping[Path, bytes] = field(default_factory=lambda: MappingProxyType({}), repr=False)
    source: Source | None = field(default=None, repr=False)
    first_file: str = ""

    def position(self, path: ConfigPath) -> Position:
        """Where `path`, e.g. ``("models", "fast", "targets", 1)``, stands, or the nearest thing around it."""
        return Position(self.first_file, 1, 1) if self.source is None else self.source.position(path)

    def problem(self, path: ConfigPath, message: str) -> Problem:
        """A later stage's finding, in the form of all others."""
        return Problem.at(self.position(path), path, message)


def load(paths: Sequence[Path], io: ConfigIO) -> LoadResult:
    """The configuration that `paths` (at least one) give together, later ones overruling. Never raises."""
    files = [str(path) for path in paths]
    parsed = [_read(path, io) for path in paths]
    found = [problem for text in parsed for problem in text.problems]
    roots = [text.root for text in parsed if text.root is not None]
    if len(roots) < len(parsed):
        # What a whole file would have said is unknown: anything else might be its consequence.
        return LoadResult(None, by_position(found, files), [], frozenset(paths), first_file=files[0])
    source = _relative_to_its_file(
        Source(
            reduce(merge, roots),
            tuple(files),
            frozenset(path for text in parsed for path in text.broken),
        )
    )
    report = Report(source)
    parts = check(source.raw(), report)
    material = read_material(parts, io, report)
    problems = by_position([*found, *report.problems], files)
    return LoadResult(
        config=None if problems else parts.config(),
        problems=problems,
        warnings=report.warnings,
        files=frozenset(paths) | material.files,
        secrets=MappingProxyType(material.secrets),
        tls=MappingProxyType(material.tls),
        source=source,
        first_file=files[0],
    )


def _read(path: Path, io: ConfigIO) -> ParsedText:
    try:
        return parse(io.read(path), str(path))
    except OSError as error:
        problem = Problem(str(path), 1, 1, "", f"cannot read the file: {error.strerror or error}")
        return ParsedText(problems=[problem])


def _relative_to_its_file(source: Source) -> Source:
    """Paths in the YAML start at the folder of the file that they stand in."""
    moved: dict[ConfigPath, str] = {}
    for pattern in FILE_KEYS:
        for path, node in _matching(source.root, pattern):
            if isinstance(node.value, str) and node.value:
                moved[path] = str(Path(node.at.file).parent / node.value)
    return Source(replace_text(source.root, moved), source.files, source.broken)


def _matching(node: Node, pattern: ConfigPath, path: ConfigPath = ()) -> Iterator[tuple[ConfigPath, Node]]:
    if not pattern:
        yield path, node
    elif isinstance(node.value, dict):
        for key, child in node.value.items():
            if pattern[0] in ("*", key):
                yield from _matching(child, pattern[1:], (*path, key))
