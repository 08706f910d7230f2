"""One Envoy's ADS stream, without I/O: requests and snapshots in, replies out.

https://www.envoyproxy.io/docs/envoy/v1.40.0/api-docs/xds_protocol

Both variants keep per type what Envoy wants and has. After each event the session walks the stages
of `controlplane.ads.order` and sends what a stage owes and its gate lets through. So nothing has to be
remembered about how a state came about: a subscription that comes late, a snapshot that comes while
another is on its way, a roll-back and a reconnect are all the same case.

Envoy sends the ACK of a CDS response when all clusters of it are warm (seen with 1.40.0; see
``ClusterManagerImpl::updateClusterCounts``), so routes that wait for this ACK find their clusters. DNS
that answers late, or a client other than Envoy, gets `settle` seconds more.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar, Final

from controlplane.ads.order import CLUSTER_USERS, STAGES, Gate, Stage, Step
from controlplane.ads.reply import (
    Acked,
    Event,
    Nack,
    Nacked,
    Reply,
    StreamStatus,
    Synced,
    Timer,
)
from controlplane.ads.subscription import Change, Sent, Subscription
from controlplane.snapshot import CLUSTER, ENDPOINTS, LISTENER, ROUTES, TYPES, Snapshot

if TYPE_CHECKING:
    from collections.abc import Callable

SETTLE: Final = 0.3
YOUNG: Final = 5.0
"""Seconds. After a reconnect Envoy repeats all its subscriptions at once."""

_OVERTAKING: Final = 8
"""How many CDS responses may be on their way. Of other types it is one: their ACKs come at once."""


@dataclass(frozen=True, slots=True)
class _Node:
    id: str = ""
    cluster: str = ""
    version: str = ""


class Session(ABC):
    """The state of one stream.

    clock: seconds since the epoch, for `status` only.
    stream_id, peer: for `status` only, the first also as `id`.
    settle: seconds between the ACK of clusters that were added and what names them; 0 for none.
        Never used for an Envoy that just started: it warms its clusters before it asks for more.
    """

    protocol: ClassVar[str]

    def __init__(
        self, clock: Callable[[], float], *, stream_id: int = 0, peer: str = "", settle: float = SETTLE
    ) -> None:
        self._clock = clock
        self.id = stream_id
        self._peer = peer
        self._settle = settle
        self._since = clock()
        self._node = _Node()
        self._snapshot: Snapshot | None = None
        self._subscriptions: dict[str, Subscription] = {}
        self._settling = False
        self._young = True
        self._nonce = 0
        self._synced = ""

    @property
    def version(self) -> str:
        """Of the snapshot that the stream is to have, "" before the first."""
        return self._snapshot.version if self._snapshot else ""

    def status(self) -> StreamStatus:
        return StreamStatus(
            id=self.id,
            peer=self._peer,
            protocol=self.protocol,
            node_id=self._node.id,
            node_cluster=self._node.cluster,
            envoy_version=self._node.version,
            connected_since=self._since,
            synced=self._synced,
            types={url: subscription.status for url, subscription in self._subscriptions.items()},
        )

    def on_request(self, request: Any) -> Reply:
        """A DiscoveryRequest or DeltaDiscoveryRequest of this stream."""
        timers: list[tuple[Timer, float]] = []
        if not self._subscriptions:
            timers.append((Timer.YOUNG, YOUNG))
        if request.HasField("node"):
            self._node = _node(request.node)
        subscription = self._subscriptions.get(request.type_url)
        if subscription is None:
            subscription = self._opened(request)
            self._subscriptions[request.type_url] = subscription
        else:
            self._subscribed(subscription, request)
        events: list[Event] = []
        if answered := self._answered(subscription, request.response_nonce):
            events.append(self._judge(subscription, answered, request))
            if any(sent.adds_clusters for sent in answered) and self._settle and isinstance(events[0], Acked):
                self._settling = True
                timers.append((Timer.SETTLE, self._settle))
        return self._reconcile(timers, events)

    def on_snapshot(self, snapshot: Snapshot) -> Reply:
        """This is the snapshot to have; what Envoy refused of the last one, or this one, is tried again."""
        self._snapshot = snapshot
        self._synced = ""
        for subscription in self._subscriptions.values():
            subscription.refused.clear()
        return self._reconcile([], [])

    def on_timer(self, timer: Timer) -> Reply:
        match timer:
            case Timer.SETTLE:
                self._settling = False
            case Timer.YOUNG:
                self._young = False
        return self._reconcile([], [])

    @abstractmethod
    def _opened(self, request: Any) -> Subscription:
        """The first request of a type."""

    @abstractmethod
    def _subscribed(self, subscription: Subscription, request: Any) -> None:
        """What a later request changes in `subscription`."""

    @abstractmethod
    def _answered(self, subscription: Subscription, nonce: str) -> list[Sent]:
        """The responses that the request with `nonce` judges, taken off those on their way."""

    @abstractmethod
    def _owed(self, stage: Stage, subscription: Subscription, snapshot: Snapshot) -> Change | None:
        """What is missing for `stage`; None for nothing."""

    @abstractmethod
    def _hold(self, stage: Stage, subscription: Subscription, change: Change) -> str:
        """Note what Envoy has after `change`; returns the version of its clusters."""

    @abstractmethod
    def _response(self, subscription: Subscription, version: str, change: Change, nonce: str) -> Any: ...

    def _judge(self, subscription: Subscription, answered: list[Sent], request: Any) -> Event:
        sent = answered[-1]
        if not request.HasField("error_detail"):
            subscription.acked(sent)
            return Acked(subscription.type_url, sent.version)
        message = request.error_detail.message
        nack = Nack(self._clock(), sent.version, message)
        subscription.nacked(sent, nack, current=sent.snapshot == self.version)
        return Nacked(subscription.type_url, sent.version, sent.snapshot, message)

    def _reconcile(self, timers: list[tuple[Timer, float]], events: list[Event]) -> Reply:
        messages: list[Any] = []
        if self._snapshot is not None:
            offered = taken = True
            for stage in (*STAGES, *self._foreign()):
                subscription = self._subscriptions.get(stage.type_url)
                if subscription is None:
                    continue
                owed = self._owed(stage, subscription, self._snapshot)
                due = owed and self._due(stage, subscription, owed, offered=offered, taken=taken)
                if due:
                    messages.append(self._send(stage, subscription, due, self._snapshot))
                offered = offered and due is owed
                settled = not (self._settling and stage.type_url == CLUSTER)
                taken = taken and offered and subscription.taken and settled
            if taken and not self._synced and self._serving(self._snapshot):
                self._synced = self._snapshot.version
                events.append(Synced(self._synced))
        return Reply(tuple(messages), tuple(timers), tuple(events))

    def _foreign(self) -> list[Stage]:
        """Types that we have nothing of; delta is told so."""
        return [
            Stage(type_url, Step.MAKE, Gate.OPEN) for type_url in self._subscriptions if type_url not in TYPES
        ]

    def _due(
        self, stage: Stage, subscription: Subscription, owed: Change, *, offered: bool, taken: bool
    ) -> Change | None:
        """The part of `owed` that may go now."""
        if len(subscription.outstanding) >= (_OVERTAKING if stage.type_url == CLUSTER else 1):
            return None
        match stage.gate:
            case Gate.OPEN:
                return owed
            case Gate.OFFERED:
                return owed if offered else None
            case Gate.TAKEN:
                ready = taken and (stage.step is not Step.BREAK or self._users_known())
                return owed if ready else None
            case Gate.TAKEN_OR_NEW:
                if taken:
                    return owed
                return owed.without(subscription.held.keys()) if offered else None

    def _users_known(self) -> bool:
        """What names clusters is subscribed to, or never will be: old clusters may go once it is current."""
        return not self._young or not any(
            self._snapshot and self._snapshot.of_type(type_url)
            for type_url in CLUSTER_USERS
            if type_url not in self._subscriptions
        )

    def _serving(self, snapshot: Snapshot) -> bool:
        """Envoy has come to the types that it asks for last; one that still warms its clusters has not."""
        needed = [url in self._subscriptions for url in (LISTENER, ROUTES) if snapshot.of_type(url)]
        return all(needed) or (any(needed) and not self._young)

    def _send(self, stage: Stage, subscription: Subscription, change: Change, snapshot: Snapshot) -> Any:
        self._nonce += 1
        nonce = str(self._nonce)
        known = subscription.held.keys() | subscription.kept.keys()
        starting = subscription.fresh and not subscription.answered
        adds = stage.type_url == CLUSTER and not starting and not change.resources.keys() <= known
        changed = [
            new for name, new in change.resources.items() if subscription.held.get(name) != new.version
        ]
        version = self._hold(stage, subscription, change)
        if stage.type_url != CLUSTER:
            version = snapshot.versions.get(stage.type_url, version)
        subscription.sent(nonce, Sent(snapshot.version, version, change, adds))
        if endpoints := self._subscriptions.get(ENDPOINTS):
            # A changed cluster warms with endpoints that arrive after it, be they the same as before.
            for resource in changed:
                if resource.awaits in endpoints.names:
                    endpoints.forget(resource.awaits)
        return self._response(subscription, version, change, nonce)


def _node(node: Any) -> _Node:
    version = node.user_agent_build_version.version
    told = node.HasField("user_agent_build_version")
    text = f"{version.major_number}.{version.minor_number}.{version.patch}" if told else ""
    return _Node(node.id, node.cluster, text)
