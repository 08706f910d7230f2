"""Which snapshot all Envoys are to have, and the way back when one of them refuses it. No I/O."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from controlplane.ads.reply import Nacked
    from controlplane.snapshot import Snapshot

_HISTORY: Final = 8


@dataclass(frozen=True, slots=True)
class Rejection:
    """An Envoy refused a snapshot.

    time: seconds since the epoch.
    node_id: of the Envoy.
    snapshot: the version refused; type_url and version: of the response within it.
    message: Envoy's own words.
    rolled_back_to: the snapshot that all Envoys went back to; "" if they did not, because there was
        none, or because all of them but a newcomer had accepted this one.
    """

    time: float
    node_id: str
    snapshot: str
    type_url: str
    version: str
    message: str
    rolled_back_to: str


class Publisher:
    """The newest snapshot, or the last good one while the newest is refused.

    A snapshot is good once an Envoy took all of it, and accepted once all that are connected did.
    A refusal of the current one makes the last good one current, on every stream. After its
    acceptance that no longer happens: one Envoy that cannot bind a port is no reason to take a
    working configuration away from all others.
    """

    def __init__(self) -> None:
        self._published: Snapshot | None = None
        self._current: Snapshot | None = None
        self._good: list[Snapshot] = []
        self._accepted: set[str] = set()
        self._generation = 0
        self._streams: dict[int, str] = {}
        self._rejection: Rejection | None = None

    @property
    def published(self) -> Snapshot | None:
        """The newest one, as given."""
        return self._published

    @property
    def current(self) -> Snapshot | None:
        """What every stream is to have."""
        return self._current

    @property
    def generation(self) -> int:
        """Another number whenever streams have to be told of `current`, be it the same as before."""
        return self._generation

    @property
    def rejection(self) -> Rejection | None:
        """The last refusal; None again when a snapshot that was published after it is accepted."""
        return self._rejection

    @property
    def accepted(self) -> bool:
        """Every Envoy that was connected at some moment had taken all of `current`."""
        return self._current is not None and self._current.version in self._accepted

    def publish(self, snapshot: Snapshot) -> None:
        """Make `snapshot` current, also one that was refused before: what Envoy missed may be there now."""
        self._published = snapshot
        self._generation += 1
        if self._current is not None and self._current.version == snapshot.version:
            if self.accepted:
                self._rejection = None
            return
        self._accepted.discard(snapshot.version)
        self._current = snapshot
        # Streams may have it already, not having heard of what came between.
        self._accept()

    def remember(self, snapshot: Snapshot) -> None:
        """`snapshot` was in force before this process started: a way back, should the next one be refused."""
        self._good.append(snapshot)

    def opened(self, stream: int) -> None:
        self._streams[stream] = ""

    def closed(self, stream: int) -> None:
        del self._streams[stream]
        self._accept()

    def heard(self, stream: int) -> None:
        """A stream was told of another snapshot than it has."""
        self._streams[stream] = ""

    def synced(self, stream: int, version: str) -> None:
        """A stream took all of the snapshot with `version`."""
        self._streams[stream] = version
        current = self._current
        if current is None or current.version != version:
            return
        self._good = [good for good in self._good if good.version != version] + [current]
        del self._good[:-_HISTORY]
        self._accept()

    def nacked(self, node_id: str, nacked: Nacked, time: float) -> Rejection | None:
        """The Envoy called `node_id` refused a response at `time`; the rejection if all go back now."""
        back = self._way_back(nacked.snapshot)
        went_back_to = ""
        if back is not None:
            self._current = back
            self._generation += 1
            went_back_to = back.version
        elif self._rejection is not None and self._rejection.snapshot == nacked.snapshot:
            went_back_to = self._rejection.rolled_back_to
        self._rejection = Rejection(
            time=time,
            node_id=node_id,
            snapshot=nacked.snapshot,
            type_url=nacked.type_url,
            version=nacked.version,
            message=nacked.message,
            rolled_back_to=went_back_to,
        )
        return self._rejection if back else None

    def _way_back(self, refused: str) -> Snapshot | None:
        if refused in self._accepted:
            return None
        self._good = [good for good in self._good if good.version != refused]
        current = self._current is not None and self._current.version == refused
        return self._good[-1] if current and self._good else None

    def _accept(self) -> None:
        if self._current is None or self._published is None or self.accepted:
            return
        version = self._current.version
        if set(self._streams.values()) != {version}:
            return
        # Only what can still become current is worth remembering.
        self._accepted &= {good.version for good in self._good}
        self._accepted.add(version)
        if self._published.version == version:
            self._rejection = None
