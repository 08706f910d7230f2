"""What every Envoy should have: all xDS resources of one configuration, with content versions.

A version is a hash of content, so the same input has the same versions on every replica, and a
reconnect to another replica changes nothing.
"""

from __future__ import annotations

import hashlib
from collections import defaultdict
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Final

from protos.loader import TYPE_URL_PREFIX

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

SECRET: Final = TYPE_URL_PREFIX + "envoy.extensions.transport_sockets.tls.v3.Secret"
CLUSTER: Final = TYPE_URL_PREFIX + "envoy.config.cluster.v3.Cluster"
ENDPOINTS: Final = TYPE_URL_PREFIX + "envoy.config.endpoint.v3.ClusterLoadAssignment"
EXTENSION: Final = TYPE_URL_PREFIX + "envoy.config.core.v3.TypedExtensionConfig"
LISTENER: Final = TYPE_URL_PREFIX + "envoy.config.listener.v3.Listener"
ROUTES: Final = TYPE_URL_PREFIX + "envoy.config.route.v3.RouteConfiguration"

TYPES: Final = (SECRET, CLUSTER, ENDPOINTS, EXTENSION, LISTENER, ROUTES)
"""In the order in which a change must reach Envoy: what is used before what uses it."""

_HASH_LENGTH: Final = 16
_EDS: Final = 3
"""``Cluster.DiscoveryType.EDS``."""

_NOTHING: Final[Mapping[str, Resource]] = MappingProxyType({})


@dataclass(frozen=True, slots=True)
class Resource:
    """One resource as it goes over the wire.

    body: the serialised message, the ``value`` of its Any; hidden from repr since it may be a secret.
    version: hash of `body`.
    awaits: the ClusterLoadAssignment without which a changed cluster of type EDS does not warm,
        "" for everything else.
    """

    name: str
    body: bytes = field(repr=False)
    version: str
    awaits: str = ""


@dataclass(frozen=True, slots=True)
class Snapshot:
    """The resources of one configuration.

    resources: type URL -> name -> Resource; a type without resources is absent.
    versions: type URL -> hash over that type's names and bodies, for every type of `TYPES`.
    version: hash over `versions`.
    """

    resources: Mapping[str, Mapping[str, Resource]]
    versions: Mapping[str, str]
    version: str

    @classmethod
    def of(cls, messages: Iterable[Any]) -> Snapshot:
        """The snapshot of these protobuf messages, each of a type of `TYPES`; their order does not matter.

        Raises:
            ValueError: another type, a resource without a name, or a name used twice within a type.
        """
        found: defaultdict[str, dict[str, Resource]] = defaultdict(dict)
        for message in messages:
            type_url = TYPE_URL_PREFIX + message.DESCRIPTOR.full_name
            if type_url not in TYPES:
                raise ValueError(f"{message.DESCRIPTOR.full_name} is no xDS resource that we serve")
            resource = _resource(type_url, message)
            if not resource.name:
                raise ValueError(f"a {message.DESCRIPTOR.name} has no name")
            if resource.name in found[type_url]:
                raise ValueError(f"two {message.DESCRIPTOR.name} resources are called {resource.name!r}")
            found[type_url][resource.name] = resource
        resources = {type_url: MappingProxyType(named) for type_url, named in found.items()}
        versions = {type_url: version_of(_versions(found.get(type_url, {}))) for type_url in TYPES}
        return cls(
            resources=MappingProxyType(resources),
            versions=MappingProxyType(versions),
            version=_hash(f"{type_url}={versions[type_url]}".encode() for type_url in TYPES),
        )

    def of_type(self, type_url: str) -> Mapping[str, Resource]:
        """The resources of one type by name, empty for a type that we do not serve."""
        return self.resources.get(type_url, _NOTHING)


@dataclass(frozen=True, slots=True)
class Changes:
    """Names of one type, each tuple sorted."""

    added: tuple[str, ...]
    changed: tuple[str, ...]
    removed: tuple[str, ...]


def changed_types(old: Snapshot | None, new: Snapshot) -> tuple[str, ...]:
    """The type URLs that differ, in the order of `TYPES`; None is a snapshot without resources."""
    before = old or Snapshot.of(())
    return tuple(type_url for type_url in TYPES if before.versions[type_url] != new.versions[type_url])


def changed_names(old: Snapshot | None, new: Snapshot, type_url: str) -> Changes:
    """What differs between the resources of one type; None is a snapshot without resources."""
    before = old.of_type(type_url) if old else _NOTHING
    after = new.of_type(type_url)
    return Changes(
        added=tuple(sorted(after.keys() - before.keys())),
        changed=tuple(
            sorted(
                name for name in after.keys() & before.keys() if after[name].version != before[name].version
            )
        ),
        removed=tuple(sorted(before.keys() - after.keys())),
    )


def version_of(versions: Mapping[str, str]) -> str:
    """The version of a set of resources of one type, given name -> version."""
    # Versions have a fixed length, so no two sets give the same bytes.
    return _hash(f"{name}\0{versions[name]}\0".encode() for name in sorted(versions))


def _resource(type_url: str, message: Any) -> Resource:
    body: bytes = message.SerializeToString(deterministic=True)
    name = str(message.cluster_name if type_url == ENDPOINTS else message.name)
    awaits = ""
    if type_url == CLUSTER and message.type == _EDS:
        awaits = str(message.eds_cluster_config.service_name or name)
    return Resource(name, body, _hash((body,)), awaits)


def _versions(resources: Mapping[str, Resource]) -> dict[str, str]:
    return {name: resource.version for name, resource in resources.items()}


def _hash(parts: Iterable[bytes]) -> str:
    digest = hashlib.sha256()
    for part in parts:
        digest.update(part)
    return digest.hexdigest()[:_HASH_LENGTH]
