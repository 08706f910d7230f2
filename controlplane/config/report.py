"""Collects the problems of one configuration."""

from __future__ import annotations

from controlplane.config.problems import ConfigPath, Position, Problem, by_position
from controlplane.config.source import Source


class Report:
    """Problems and warnings at paths of `source`.

    A path that is settled has its problem already: later findings at it, inside it or around it would only
    repeat that, so they are dropped.
    """

    def __init__(self, source: Source) -> None:
        self._source = source
        self._settled: set[ConfigPath] = set(source.broken)
        self._problems: list[Problem] = []
        self._warnings: list[Problem] = []

    def problem(self, path: ConfigPath, message: str) -> None:
        """A problem with the value at `path`."""
        if not self.is_settled(path):
            self._problems.append(Problem.at(self._source.position(path), path, message))

    def key_problem(self, path: ConfigPath, message: str) -> None:
        """A problem with the key itself."""
        if not self.is_settled(path):
            self._problems.append(Problem.at(self._source.key_position(path), path, message))

    def warning(self, path: ConfigPath, message: str) -> None:
        self._warnings.append(Problem.at(self._source.position(path), path, message))

    def settle(self, path: ConfigPath) -> None:
        self._settled.add(path)

    @property
    def problems(self) -> list[Problem]:
        return by_position(self._problems, self._source.files)

    @property
    def warnings(self) -> list[Problem]:
        return by_position(self._warnings, self._source.files)

    def position(self, path: ConfigPath) -> Position:
        return self._source.position(path)

    def is_settled(self, path: ConfigPath) -> bool:
        """The value at `path` is not what the user wrote, as far as that is known at all."""
        return any(known[: len(path)] == path[: len(known)] for known in self._settled)
