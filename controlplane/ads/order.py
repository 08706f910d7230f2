"""The order in which a change reaches one Envoy: make before break.

https://www.envoyproxy.io/docs/envoy/v1.40.0/api-docs/xds_protocol#eventual-consistency-considerations
Routes are not warmed by Envoy: whoever pushes them sees to it that their clusters are there.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import Final

from controlplane.snapshot import CLUSTER, ENDPOINTS, EXTENSION, LISTENER, ROUTES, SECRET


class Gate(Enum):
    """When a stage may send."""

    OPEN = "open"
    OFFERED = "offered"
    """All stages before it have nothing left to send."""
    TAKEN = "taken"
    """Envoy took all that the stages before it sent."""
    TAKEN_OR_NEW = "taken or new"
    """As TAKEN for what Envoy has; what it asks for the first time goes as with OFFERED."""


class Step(Enum):
    """Which half of a change a stage brings."""

    MAKE = "make"
    """What is new or different; what is gone stays, as something may still use it."""
    EXACT = "exact"
    """Both at once."""
    BREAK = "break"
    """Only what is gone."""


@dataclass(frozen=True, slots=True)
class Stage:
    type_url: str
    step: Step
    gate: Gate


STAGES: Final = (
    # Secrets wait for nobody: a cluster that Envoy holds back for want of one would never be taken.
    Stage(SECRET, Step.MAKE, Gate.OPEN),
    Stage(CLUSTER, Step.MAKE, Gate.TAKEN),
    # Envoy takes a cluster (sends the ACK) when it is warm, and a cluster of type EDS warms only
    # with its endpoints: they follow the clusters without waiting for the ACK.
    Stage(ENDPOINTS, Step.MAKE, Gate.OFFERED),
    # A cluster's own filters may come as extensions: it would not warm without them.
    Stage(EXTENSION, Step.MAKE, Gate.TAKEN_OR_NEW),
    # No make and break: a listener that goes and one that comes may want the same port.
    Stage(LISTENER, Step.EXACT, Gate.TAKEN),
    Stage(ROUTES, Step.EXACT, Gate.TAKEN),
    # Nothing names the old clusters any more.
    Stage(CLUSTER, Step.BREAK, Gate.TAKEN),
    Stage(ENDPOINTS, Step.BREAK, Gate.TAKEN),
    Stage(EXTENSION, Step.BREAK, Gate.TAKEN),
    Stage(SECRET, Step.BREAK, Gate.TAKEN),
)

FULL_SETS: Final = frozenset({CLUSTER, LISTENER})
"""Types that know the wildcard subscription, and of which state-of-the-world sends all or nothing."""

CLUSTER_USERS: Final = (EXTENSION, LISTENER, ROUTES)
"""Types whose resources name clusters."""
