"""The whole plan as xDS resources."""

from __future__ import annotations

from google.protobuf.message import Message

from controlplane.plan import Environment, Plan
from controlplane.xds.clusters import clusters
from controlplane.xds.listeners import listener
from controlplane.xds.routes import route_configuration
from controlplane.xds.secrets import secrets


def resources(plan: Plan, environment: Environment) -> list[Message]:
    """Every resource, of every type. The same plan gives the same bytes."""
    return [
        *secrets(plan),
        *clusters(plan, environment),
        listener(plan.listener),
        route_configuration(plan),
    ]
