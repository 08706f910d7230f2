"""The state-of-the-world variant: whole sets of clusters and listeners, other types by name."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

from controlplane.ads.ledger import Ledger
from controlplane.ads.order import FULL_SETS, Stage, Step
from controlplane.ads.session import SETTLE, Session
from controlplane.ads.subscription import Change, Sent, Subscription
from controlplane.snapshot import CLUSTER, version_of
from protos.api import DiscoveryResponse

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from controlplane.ads.reply import Event
    from controlplane.snapshot import Resource, Snapshot

_WILDCARD = "*"


class StateOfTheWorldSession(Session):
    """https://www.envoyproxy.io/docs/envoy/v1.40.0/api-docs/xds_protocol#ack-nack-and-resource-type-instance-version.

    ledger: shared by all sessions of a server, so that a reconnect keeps the clusters in use.
    """

    protocol: ClassVar[str] = "state-of-the-world"

    def __init__(
        self,
        clock: Callable[[], float],
        *,
        stream_id: int = 0,
        peer: str = "",
        settle: float = SETTLE,
        ledger: Ledger | None = None,
    ) -> None:
        super().__init__(clock, stream_id=stream_id, peer=peer, settle=settle)
        self._ledger = ledger or Ledger()

    def _opened(self, request: Any) -> Subscription:
        names = set(request.resource_names)
        return Subscription(
            request.type_url,
            fresh=not request.version_info,
            wildcard=_WILDCARD in names or (not names and request.type_url in FULL_SETS),
            names=names - {_WILDCARD},
            explicit=bool(names),
            kept=self._ledger.clusters(request.version_info) if request.type_url == CLUSTER else {},
        )

    def _subscribed(self, subscription: Subscription, request: Any) -> None:
        # Of every request, also one with a stale nonce: its names are the newest that Envoy told
        # (https://github.com/envoyproxy/envoy/issues/10363).
        names = set(request.resource_names)
        if not names and not subscription.explicit:
            return
        wildcard = _WILDCARD in names
        names.discard(_WILDCARD)
        if (wildcard, names) == (subscription.wildcard, subscription.names):
            return
        subscription.wildcard, subscription.names, subscription.explicit = wildcard, names, True
        if subscription.type_url in FULL_SETS:
            subscription.refused.clear()
        else:
            for name in [name for name in subscription.held if not subscription.wants(name)]:
                subscription.forget(name)

    def _answered(self, subscription: Subscription, nonce: str) -> list[Sent]:
        # Only the newest nonce says something: Envoy may skip the ACKs of what was overtaken.
        if not subscription.outstanding or nonce != next(reversed(subscription.outstanding)):
            return []
        answered = list(subscription.outstanding.values())
        subscription.outstanding.clear()
        return answered

    def _judge(self, subscription: Subscription, answered: list[Sent], request: Any) -> Event:
        event = super()._judge(subscription, answered, request)
        if subscription.type_url == CLUSTER and not request.HasField("error_detail"):
            subscription.kept = answered[-1].change.resources
        return event

    def _owed(self, stage: Stage, subscription: Subscription, snapshot: Snapshot) -> Change | None:
        wanted = self._wanted(stage, subscription, snapshot)
        held = subscription.held
        if stage.type_url not in FULL_SETS:
            changed = {
                name: resource
                for name, resource in wanted.items()
                if held.get(name) != resource.version and name not in subscription.refused
            }
            return Change(changed) if changed else None
        current = subscription.answered and held == _versions(wanted)
        return None if current or subscription.refused else Change(wanted)

    def _hold(self, stage: Stage, subscription: Subscription, change: Change) -> str:
        if stage.type_url in FULL_SETS:
            subscription.held.clear()
        subscription.held.update(_versions(change.resources))
        if stage.step is Step.BREAK:
            subscription.kept = change.resources
        version = version_of(subscription.held)
        if stage.type_url == CLUSTER:
            # Now and not with the ACK, which a connection that breaks may swallow.
            self._ledger.note(version, change.resources)
        return version

    def _wanted(self, stage: Stage, subscription: Subscription, snapshot: Snapshot) -> dict[str, Resource]:
        if stage.type_url not in FULL_SETS and stage.step is Step.BREAK:
            return {}
        wanted = dict(snapshot.of_type(stage.type_url))
        if stage.step is Step.MAKE:
            wanted = {**subscription.kept, **wanted}
        return {name: resource for name, resource in wanted.items() if subscription.wants(name)}

    def _response(self, subscription: Subscription, version: str, change: Change, nonce: str) -> Any:
        response = DiscoveryResponse(type_url=subscription.type_url, version_info=version, nonce=nonce)
        for _, resource in sorted(change.resources.items()):
            response.resources.add(type_url=subscription.type_url, value=resource.body)
        return response


def _versions(resources: Mapping[str, Resource]) -> dict[str, str]:
    return {name: resource.version for name, resource in resources.items()}
