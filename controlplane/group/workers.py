"""The ext_proc workers of a group, each behind a socket of its own that stays open when it dies."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Final

from controlplane.group.child import Child, Command, Ties
from controlplane.group.doorstep import Doorstep
from controlplane.group.output import Held

_START: Final = 0.25
"""Seconds in which no worker comes to serve."""


class Workers:
    """command: what to run for the worker with that number. on_change: called after each start and death."""

    def __init__(
        self, sockets: Sequence[Path], command: Callable[[int], Command], on_change: Callable[[], None]
    ) -> None:
        self._on_change = on_change
        self._away: set[int] = set()
        """Those that died, until the next one in their place may soon serve."""
        self.output = Held()
        self.doorsteps = [Doorstep(path) for path in sockets]
        self.children = [self._child(number, command) for number in range(len(sockets))]

    def _child(self, number: int, command: Callable[[int], Command]) -> Child:
        ties = Ties(
            lambda: self._changed(number),
            serves=self.doorsteps[number].somebody_answers,
            output=self.output,
        )
        return Child(f"ext_proc worker {number}", lambda: command(number), ties)

    def _changed(self, number: int) -> None:
        if self.children[number].pid is None:
            self._away.add(number)
            self._mind_doorsteps()
        elif number in self._away:
            asyncio.get_running_loop().call_later(_START, self._back, number, self.children[number].pid)
        self._on_change()

    def _back(self, number: int, pid: int | None) -> None:
        if self.children[number].pid == pid:
            self._away.discard(number)
            self._mind_doorsteps()

    def _mind_doorsteps(self) -> None:
        serving = {number for number, child in enumerate(self.children) if child.serving}
        for number, doorstep in enumerate(self.doorsteps):
            doorstep.turn_away(everybody=number in self._away and bool(serving - {number}))

    def close(self) -> None:
        for doorstep in self.doorsteps:
            doorstep.close()
