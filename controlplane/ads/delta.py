"""The incremental variant: only what differs, removals by name."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

from controlplane.ads.order import FULL_SETS, Stage, Step
from controlplane.ads.session import Session
from controlplane.ads.subscription import ABSENT, UNKNOWN, Change, Sent, Subscription
from controlplane.snapshot import version_of
from protos.api import DeltaDiscoveryResponse

if TYPE_CHECKING:
    from controlplane.snapshot import Snapshot

_WILDCARD = "*"


class DeltaSession(Session):
    """https://www.envoyproxy.io/docs/envoy/v1.40.0/api-docs/xds_protocol#incremental-xds."""

    protocol: ClassVar[str] = "delta"

    def _opened(self, request: Any) -> Subscription:
        names = set(request.resource_names_subscribe)
        subscription = Subscription(
            request.type_url,
            fresh=not request.initial_resource_versions,
            wildcard=_WILDCARD in names or (not names and request.type_url in FULL_SETS),
            names=names - {_WILDCARD},
        )
        known = request.initial_resource_versions.items()
        subscription.held = {name: version for name, version in known if subscription.wants(name)}
        return subscription

    def _subscribed(self, subscription: Subscription, request: Any) -> None:
        for name in request.resource_names_subscribe:
            if name == _WILDCARD:
                subscription.wildcard = True
                subscription.refused.clear()
                subscription.held.update(dict.fromkeys(subscription.held, UNKNOWN))
            else:
                # Subscribing again asks for the resource again: Envoy may have forgotten it.
                subscription.names.add(name)
                subscription.forget(name)
        for name in request.resource_names_unsubscribe:
            if name == _WILDCARD:
                subscription.wildcard = False
            subscription.names.discard(name)
            if subscription.wildcard and name != _WILDCARD:
                # Envoy cannot know whether the wildcard still covers it; it must be told.
                subscription.refused.discard(name)
                subscription.held[name] = UNKNOWN
        for name in [name for name in subscription.held if not subscription.wants(name)]:
            subscription.forget(name)

    def _answered(self, subscription: Subscription, nonce: str) -> list[Sent]:
        sent = subscription.outstanding.pop(nonce, None)
        return [sent] if sent else []

    def _owed(self, stage: Stage, subscription: Subscription, snapshot: Snapshot) -> Change | None:
        wanted = snapshot.of_type(stage.type_url)
        held = subscription.held
        resources = {}
        if stage.step is not Step.BREAK:
            resources = {
                name: resource
                for name, resource in wanted.items()
                if subscription.wants(name)
                and held.get(name) != resource.version
                and name not in subscription.refused
            }
        gone = [
            name
            for name in sorted((held.keys() | subscription.names) - wanted.keys() - subscription.refused)
            if held.get(name) != ABSENT and (stage.step is not Step.MAKE or name not in held)
        ]
        # An Envoy that starts waits for the first answer, even if there is nothing.
        first = subscription.wildcard and subscription.fresh and not subscription.answered
        return Change(resources, tuple(gone)) if resources or gone or first else None

    def _hold(self, stage: Stage, subscription: Subscription, change: Change) -> str:  # noqa: ARG002
        held = subscription.held
        held.update({name: resource.version for name, resource in change.resources.items()})
        held.update(dict.fromkeys(change.removed, ABSENT))
        return version_of({name: version for name, version in held.items() if version != ABSENT})

    def _response(self, subscription: Subscription, version: str, change: Change, nonce: str) -> Any:
        response = DeltaDiscoveryResponse(
            type_url=subscription.type_url,
            system_version_info=version,
            removed_resources=change.removed,
            nonce=nonce,
        )
        for name, resource in sorted(change.resources.items()):
            item = response.resources.add(name=name, version=resource.version)
            item.resource.type_url = subscription.type_url
            item.resource.value = resource.body
        return response
