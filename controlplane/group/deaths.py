"""When a process that died is started again, and when that is pointless. No I/O, no clock."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

SETTLED: Final = 10.0
"""Seconds of service after which a process counts as healthy, whatever happened before."""
_PAUSES: Final = (0.0, 0.05, 0.1, 0.2)
"""Seconds before the first, second … start in a row of a process that served, then the last one.
The service may be away for 2 s, and the start itself takes time."""
_PAUSES_OF_STARTS: Final = (0.1, 0.2, 0.4, 0.8)
"""The same where it never came to serve."""


@dataclass(frozen=True, slots=True)
class Limits:
    """How many deaths in a row are a crash loop.

    starts: deaths before the process served at all: a program that cannot start.
    short_lives: deaths before SETTLED seconds of service, those of `starts` included. Far more of them, since
        something else may be killing the process, and each life served somebody.
    """

    starts: int = 6
    short_lives: int = 40


PATIENT: Final = Limits(starts=16)
"""For a group that has been ready: about twelve seconds, since what keeps it from starting may pass."""


class Deaths:
    """The deaths of one process since it last served for long.

    limits: None: it is started again for ever.
    """

    def __init__(self, limits: Limits | None) -> None:
        self.limits = limits
        self._starts = 0
        self._short_lives = 0

    @property
    def in_a_row(self) -> int:
        return self._short_lives

    def pause(self, *, served: bool, lived: float) -> float | None:
        """Seconds to wait before the next start after a death; None: it is a crash loop.

        served: the process had come to the point of doing its work.
        lived: seconds.
        """
        if served and lived >= SETTLED:
            self._short_lives = 0
        self._starts = 0 if served else self._starts + 1
        self._short_lives += 1
        if self.limits is not None and (
            self._starts >= self.limits.starts or self._short_lives >= self.limits.short_lives
        ):
            return None
        pauses, count = (_PAUSES, self._short_lives) if served else (_PAUSES_OF_STARTS, self._starts)
        return pauses[min(count, len(pauses)) - 1]
