"""xDS resources as YAML for people: in a fixed order, without secrets."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Final

import yaml
from google.protobuf.message import Message

from controlplane.snapshot import CLUSTER, ENDPOINTS, EXTENSION, LISTENER, ROUTES, SECRET, TYPES
from protos.loader import TYPE_URL_PREFIX, to_dict

REDACTED: Final = "[redacted]"

HEADINGS: Final = {
    SECRET: "secrets",
    CLUSTER: "clusters",
    ENDPOINTS: "endpoints",
    EXTENSION: "extensions",
    LISTENER: "listeners",
    ROUTES: "routes",
}
"""What each type of `TYPES` is called in the YAML."""

_INLINE: Final = frozenset({"inline_string", "inline_bytes"})
_SENSITIVE: Final = frozenset({"private_key", "password"})
"""Fields that Envoy's API marks ``udpa.annotations.sensitive`` in messages that may stand elsewhere too."""
_CREDENTIALS: Final = frozenset({"access_key_id", "secret_access_key", "session_token"})
"""AWS's, wherever they stand."""
_FIRST: Final = ("@type", "name", "cluster_name")


def resources_yaml(resources: Iterable[Message]) -> str:
    """Heading -> list of resources, sorted by name. Equal resources give equal text.

    Fields have the names of Envoy's documentation, and each Any is resolved.
    """
    found: dict[str, list[dict[str, Any]]] = {}
    for resource in resources:
        type_url = TYPE_URL_PREFIX + resource.DESCRIPTOR.full_name
        found.setdefault(type_url, []).append(_clean(to_dict(resource), secret=type_url == SECRET))
    return _dump(
        {HEADINGS[type_url]: sorted(found[type_url], key=_name) for type_url in TYPES if type_url in found}
    )


def to_yaml(message: Message) -> str:
    """One message, in the same form."""
    return _dump(_clean(to_dict(message), secret=False))


def _dump(data: dict[str, Any]) -> str:
    text: str = yaml.dump(data, Dumper=_Dumper, sort_keys=False, allow_unicode=True, width=float("inf"))
    return text


class _Dumper(yaml.SafeDumper):
    def ignore_aliases(self, data: Any) -> bool:  # noqa: ARG002 - PyYAML's signature
        """No anchors: people compare and copy parts of the text."""
        return True


def _name(resource: dict[str, Any]) -> str:
    return str(resource.get("name", resource.get("cluster_name", "")))


def _clean(value: Any, *, secret: bool) -> Any:
    """`value` in a stable order (maps of protobuf have none), inline texts redacted where `secret`."""
    if isinstance(value, list):
        return [_clean(item, secret=secret) for item in value]
    if not isinstance(value, dict):
        return value
    return {
        key: REDACTED
        if (secret and key in _INLINE) or key in _CREDENTIALS
        else _clean(value[key], secret=secret or key in _SENSITIVE)
        for key in sorted(value, key=_order)
    }


def _order(key: str) -> tuple[int, str]:
    return (_FIRST.index(key) if key in _FIRST else len(_FIRST), key)
