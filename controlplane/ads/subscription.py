"""What one stream wants of one type, and what its Envoy has of it. No I/O."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Final

from controlplane.ads.reply import Nack, TypeStatus

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from controlplane.snapshot import Resource

ABSENT: Final = ""
"""The version of a resource that Envoy knows not to exist."""
UNKNOWN: Final = "?"
"""The version of a resource of which Envoy may have anything, since it refused one."""


@dataclass(frozen=True, slots=True)
class Change:
    """What a response brings.

    resources: by name.
    removed: names; state-of-the-world cannot say them.
    """

    resources: Mapping[str, Resource]
    removed: tuple[str, ...] = ()

    @property
    def names(self) -> set[str]:
        return {*self.resources, *self.removed}

    def without(self, names: Collection[str]) -> Change | None:
        """What is left without `names`; None for nothing."""
        resources = {name: resource for name, resource in self.resources.items() if name not in names}
        removed = tuple(name for name in self.removed if name not in names)
        return Change(resources, removed) if resources or removed else None


@dataclass(frozen=True, slots=True)
class Sent:
    """A response on its way.

    snapshot: version of the snapshot that it was made from.
    version: of the type.
    adds_clusters: it brings clusters that Envoy did not have, and Envoy was not just starting.
    """

    snapshot: str
    version: str
    change: Change
    adds_clusters: bool


@dataclass(slots=True)
class Subscription:
    """One type on one stream.

    fresh: Envoy had nothing of this type when the stream opened.
    wildcard, names: what it wants.
    explicit: a request has named something; from then on an empty list means nothing, not everything.
    held: name -> version that Envoy has once it has handled all responses on their way.
    refused: names of the current snapshot that Envoy refused; not sent again.
    kept: the clusters that a route of this Envoy may name (state-of-the-world only).
    outstanding: nonce -> response on its way, oldest first.
    """

    type_url: str
    fresh: bool
    wildcard: bool = False
    names: set[str] = field(default_factory=set)
    explicit: bool = False
    held: dict[str, str] = field(default_factory=dict)
    refused: set[str] = field(default_factory=set)
    kept: Mapping[str, Resource] = field(default_factory=dict)
    outstanding: dict[str, Sent] = field(default_factory=dict)
    status: TypeStatus = field(default_factory=TypeStatus)

    @property
    def answered(self) -> bool:
        """This stream has had a response."""
        return self.status.version_sent != ""

    @property
    def taken(self) -> bool:
        """Envoy took every response of the current snapshot."""
        return not self.outstanding and not self.refused

    def wants(self, name: str) -> bool:
        return self.wildcard or name in self.names

    def forget(self, name: str) -> None:
        """Envoy dropped what it had under `name`, or was never told."""
        self.held.pop(name, None)
        self.refused.discard(name)

    def sent(self, nonce: str, sent: Sent) -> None:
        self.outstanding[nonce] = sent
        self.status = replace(self.status, version_sent=sent.version)
        self.refused -= sent.change.names

    def acked(self, sent: Sent) -> None:
        self.status = replace(self.status, version_acked=sent.version)
        for name in sent.change.removed:
            if name not in self.names and self.held.get(name) == ABSENT:
                del self.held[name]

    def nacked(self, sent: Sent, nack: Nack, *, current: bool) -> None:
        """Envoy refused `sent`. It may have kept parts of it: CDS and LDS apply what is good.

        current: the response came from the snapshot that the stream is to have.
        """
        self.status = replace(self.status, last_nack=nack)
        overtaken = {name for later in self.outstanding.values() for name in later.change.names}
        lost = sent.change.names - overtaken
        self.held.update(dict.fromkeys(lost, UNKNOWN))
        if current:
            self.refused |= lost
