"""Small builders that every emitter uses."""

from __future__ import annotations

import ipaddress
from datetime import timedelta
from typing import Any, Final

from google.protobuf.message import Message

from protos.api import FilterStateInput, HttpRequestHeaderMatchInput
from protos.loader import any_of

ADS: Final[dict[str, Any]] = {"ads": {}, "resource_api_version": "V3"}


def seconds(value: float) -> timedelta:
    return timedelta(seconds=value)


def http_options(options: Message) -> dict[str, Any]:
    """A cluster's ``typed_extension_protocol_options`` with its HttpProtocolOptions."""
    return {"envoy.extensions.upstreams.http.v3.HttpProtocolOptions": any_of(options)}


def socket_address(host: str, port: int) -> dict[str, Any]:
    """``envoy.config.core.v3.Address`` of a TCP port."""
    return {"socket_address": {"address": host, "port_value": port}}


def is_ip(host: str) -> bool:
    """An address, not a name."""
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True


def client_tls(minimum: str) -> dict[str, Any]:
    """TLS versions from `minimum` to 1.3, which Envoy as a client would not offer by itself."""
    return {"tls_minimum_protocol_version": minimum, "tls_maximum_protocol_version": "TLSv1_3"}


def extension(name: str, config: Message) -> dict[str, Any]:
    """A TypedExtensionConfig, an HttpFilter, a transport socket: whatever is a name with a typed config."""
    return {"name": name, "typed_config": any_of(config)}


def string_value(text: str) -> dict[str, Any]:
    return {"string_value": text}


def metadata(namespace: str, values: dict[str, str]) -> dict[str, Any]:
    """``envoy.config.core.v3.Metadata`` with text values."""
    fields = {key: string_value(value) for key, value in values.items()}
    return {"filter_metadata": {namespace: {"fields": fields}}}


def header(name: str, value: str) -> dict[str, Any]:
    """A HeaderValueOption that replaces what is there."""
    return {"header": {"key": name, "value": value}, "append_action": "OVERWRITE_IF_EXISTS_OR_ADD"}


def state_input(key: str) -> dict[str, Any]:
    """Matcher input: the filter state object `key` (routes cannot match dynamic metadata, trap 10)."""
    return extension("filter_state", FilterStateInput(key=key))


def request_header_input(name: str) -> dict[str, Any]:
    return extension("request_header", HttpRequestHeaderMatchInput(header_name=name))


def exact_tree(
    matcher_input: dict[str, Any], branches: dict[str, Any], otherwise: dict[str, Any] | None = None
) -> dict[str, Any]:
    """A matcher that looks the input up in a hash map: O(1) for any number of branches."""
    tree: dict[str, Any] = {"matcher_tree": {"input": matcher_input, "exact_match_map": {"map": branches}}}
    return _with_default(tree, otherwise)


def prefix_tree(
    matcher_input: dict[str, Any], branches: dict[str, Any], otherwise: dict[str, Any] | None = None
) -> dict[str, Any]:
    """A matcher for the longest of the prefixes."""
    tree: dict[str, Any] = {"matcher_tree": {"input": matcher_input, "prefix_match_map": {"map": branches}}}
    return _with_default(tree, otherwise)


def _with_default(matcher: dict[str, Any], otherwise: dict[str, Any] | None) -> dict[str, Any]:
    return matcher if otherwise is None else {**matcher, "on_no_match": otherwise}


def action(config: Message) -> dict[str, Any]:
    """An OnMatch that ends the matching."""
    return {"action": extension("action", config)}


def nested(matcher: dict[str, Any]) -> dict[str, Any]:
    """An OnMatch that goes on with another matcher."""
    return {"matcher": matcher}
