"""What a session tells the server: messages to write, timers to start, what happened, how it stands."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import Enum
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping


class Timer(Enum):
    """Why a session wants to be called again; starting a timer that runs restarts it."""

    SETTLE = "settle"
    """Clusters that were added have had their time to warm."""
    YOUNG = "young"
    """The stream is old enough for its Envoy to have repeated all its subscriptions."""


@dataclass(frozen=True, slots=True)
class Acked:
    """Envoy took a response."""

    type_url: str
    version: str


@dataclass(frozen=True, slots=True)
class Nacked:
    """Envoy refused a response made from the snapshot with version `snapshot`; `message` is its words."""

    type_url: str
    version: str
    snapshot: str
    message: str


@dataclass(frozen=True, slots=True)
class Synced:
    """Envoy took all that it subscribes to of the snapshot with version `snapshot`."""

    snapshot: str


Event = Acked | Nacked | Synced


@dataclass(frozen=True, slots=True)
class Reply:
    """What to do now.

    messages: DiscoveryResponse or DeltaDiscoveryResponse, to be written in this order.
    timers: call ``on_timer`` with each after that many seconds.
    """

    messages: tuple[Any, ...] = ()
    timers: tuple[tuple[Timer, float], ...] = ()
    events: tuple[Event, ...] = ()


@dataclass(frozen=True, slots=True)
class Nack:
    """A refusal, for people.

    time: seconds since the epoch.
    version: of the type, as in the response that was refused.
    message: Envoy's own words.
    """

    time: float
    version: str
    message: str


@dataclass(frozen=True, slots=True)
class TypeStatus:
    """How one type stands on a stream; a version is "" before the first response, or the first ACK."""

    version_sent: str = ""
    version_acked: str = ""
    last_nack: Nack | None = None


@dataclass(frozen=True, slots=True)
class StreamStatus:
    """One Envoy's stream.

    protocol: ``state-of-the-world`` or ``delta``.
    envoy_version: such as ``1.40.0``, "" if the client does not tell.
    connected_since: seconds since the epoch.
    synced: the version of the snapshot once Envoy took all of it that it subscribes to, "" until then.
    types: type URL -> status, only of the types that the stream subscribes to.
    """

    id: int
    peer: str
    protocol: str
    node_id: str
    node_cluster: str
    envoy_version: str
    connected_since: float
    synced: str = ""
    types: Mapping[str, TypeStatus] = field(default_factory=dict)
