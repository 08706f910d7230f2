"""Envoy's configurations: ours as the control plane compiles it, and what it is compared to."""

from __future__ import annotations

import copy
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from controlplane.compiler import compile_files
from controlplane.environment import default_environment
from controlplane.xds.bootstrap import BootstrapPlan, bootstrap
from controlplane.xds.static import static_bootstrap
from extproc.contract import names
from protos.loader import to_dict

TRANSCODER_FILTER: Final = "tr_anthropic"
_TRANSCODED: Final = ("translated-unary", "translated-stream")
_TYPES: Final = "type.googleapis.com/envoy."
_HTTP_OPTIONS: Final = "envoy.extensions.upstreams.http.v3.HttpProtocolOptions"
_UNLIMITED: Final = 1_000_000


class ConfigError(Exception):
    """The benchmark's own YAML no longer compiles."""


def gateway_yaml(port: int, upstreams: Mapping[str, int]) -> str:
    """A model for each row. Breakers never open: the failing provider is to be asked each time."""

    def provider(kind: str, face: str, credential: str = "api_key: {env: BENCH_KEY}") -> str:
        return (
            f"{{type: {kind}, base_url: 'http://127.0.0.1:{upstreams[face]}', {credential}, "
            "circuit_breaker: {consecutive_errors: 1000000}}"
        )

    keys = "{access_key_id: {env: BENCH_KEY}, secret_access_key: {env: BENCH_KEY}}"
    signed = f"region: us-east-1, aws: {keys}"

    return f"""
listener: {{address: 127.0.0.1, port: {port}}}
providers:
  openai: {provider("openai", "openai")}
  openai-stream: {provider("openai", "openai-stream")}
  second-stream: {provider("openai", "openai-stream")}
  anthropic: {provider("anthropic", "anthropic")}
  anthropic-stream: {provider("anthropic", "anthropic-stream")}
  gemini: {provider("google_ai", "gemini")}
  gemini-stream: {provider("google_ai", "gemini-stream")}
  bedrock: {provider("aws_bedrock", "bedrock", signed)}
  bedrock-stream: {provider("aws_bedrock", "bedrock-stream", signed)}
  failing: {provider("openai", "failing")}
models:
  native-unary: {{target: openai/native-unary}}
  native-stream: {{target: openai-stream/native-stream}}
  alias-unary: {{target: openai/gpt-4o-mini}}
  failover-stream:
    first_token_timeout: 30s
    targets:
      - {{provider: openai-stream, model: gpt-4o-mini}}
      - {{provider: second-stream, model: gpt-4o-mini, priority: 1}}
  translated-unary: {{target: anthropic/claude-haiku-4-5}}
  translated-stream: {{target: anthropic-stream/claude-haiku-4-5}}
  gemini-unary: {{target: gemini/gemini-2.5-flash}}
  gemini-stream: {{target: gemini-stream/gemini-2.5-flash}}
  bedrock-unary: {{target: bedrock/amazon.nova-lite-v1:0}}
  bedrock-stream: {{target: bedrock-stream/amazon.nova-lite-v1:0}}
  messages-unary: {{target: openai/gpt-4o-mini}}
  messages-stream: {{target: openai-stream/gpt-4o-mini}}
  translated-failover:
    targets:
      - {{provider: failing, model: gpt-4o-mini}}
      - {{provider: anthropic, model: claude-haiku-4-5, priority: 1}}
"""


class _InMemory:
    """The YAML, and a key for each provider, so that credentials are injected as they are in earnest."""

    def __init__(self, text: str) -> None:
        self._text = text

    def read(self, path: Path) -> bytes:
        return self._text.encode()

    def env(self, name: str) -> str | None:
        return "sk-of-the-provider"


def gateway(port: int, upstreams: Mapping[str, int], ext_proc: str) -> dict[str, Any]:
    """The compiled resources as one static file: the same as over ADS, without a control plane to wait for.

    Raises: ConfigError.
    """
    io = _InMemory(gateway_yaml(port, upstreams))
    loaded, compiled = compile_files([Path("bench.yaml")], io, default_environment((ext_proc,)))
    if compiled is None:
        raise ConfigError("\n".join(map(str, loaded.problems)))
    config = static_bootstrap(compiled.resources)
    live = to_dict(bootstrap(BootstrapPlan(node_id="bench", ads="unix:unused", admin="unix:unused")))
    config["overload_manager"] = live["overload_manager"]
    return config


def transcoder(gateway_config: Mapping[str, Any]) -> dict[str, Any]:
    """`gateway_config` with Envoy's transcoder where the translated models' ext_proc is, and nothing else."""
    config = copy.deepcopy(dict(gateway_config))
    for cluster in config["static_resources"]["clusters"]:
        if cluster["name"] in ("ext_proc/anthropic", "ext_proc/anthropic-stream"):
            options = cluster["typed_extension_protocol_options"][_HTTP_OPTIONS]
            options["http_filters"] = _with_transcoder(options["http_filters"])
    found = _set_per_route(config["static_resources"]["listeners"])
    if found != len(_TRANSCODED):
        raise ConfigError(f"{found} routes of translated models instead of {len(_TRANSCODED)}")
    return config


def _with_transcoder(chain: list[dict[str, Any]]) -> list[dict[str, Any]]:
    changed = [_transcoder_filter() if f["name"] == names.EXT_PROC_FILTER else f for f in chain]
    if changed == chain:
        raise ConfigError("the chain of a translated model has no ext_proc")
    # ext_proc sets the new length itself; the transcoder leaves the old one.
    return [_remove_length(), *changed]


def _set_per_route(value: Any) -> int:
    """Tell the transcoder what it is to do, on each route of a translated model; how many there are."""
    if isinstance(value, list):
        return sum(map(_set_per_route, value))
    if not isinstance(value, dict):
        return 0
    found = sum(map(_set_per_route, value.values()))
    # By routes of other kinds go the clients that speak Anthropic's format themselves.
    kind, _, model = str(value.get("name", "")).partition("/")
    if "route" in value and kind == "ext_proc" and model in _TRANSCODED:
        value.setdefault("typed_per_filter_config", {})[TRANSCODER_FILTER] = _transcoder_route()
        found += 1
    return found


def _transcoder_filter() -> dict[str, Any]:
    def step(request: str, response: str) -> dict[str, Any]:
        config = {"request_handling": request, "response_handling": response}
        return _extension(
            "envoy.http.ai_filters.transcoder", "extensions.http.ai_filters.transcoder.v3.Transcoder", config
        )

    steps = [step("TO_IR", "FROM_IR"), step("FROM_IR", "TO_IR")]
    kind = "extensions.filters.http.ai_protocol_manager.v3.AiProtocolManager"
    return _extension(TRANSCODER_FILTER, kind, {"request_handling": {}, "filters": steps})


def _transcoder_route() -> dict[str, Any]:
    return {
        "@type": f"{_TYPES}extensions.filters.http.ai_protocol_manager.v3.AiProtocolManagerPerRoute",
        "request": {"llm_protocol": "OPENAI_CHAT_COMPLETIONS"},
        "response": {"llm_protocol": "ANTHROPIC_MESSAGES"},
    }


def _remove_length() -> dict[str, Any]:
    mutations = {"request_mutations": [{"remove": "content-length"}]}
    kind = "extensions.filters.http.header_mutation.v3.HeaderMutation"
    return _extension("remove_length", kind, {"mutations": mutations})


def plain(listeners: Mapping[int, int], buffer: int) -> dict[str, Any]:
    """A proxy and nothing more: on each port one route to one upstream port.

    buffer: bytes, as the gateway's.
    """
    return _minimal(listeners, buffer, [], {})


def transcoder_minimal(listeners: Mapping[int, int], buffer: int) -> dict[str, Any]:
    """The same with the transcoder: what the translation costs without a gateway around it."""
    codec = _extension(
        "envoy.filters.http.upstream_codec", "extensions.filters.http.upstream_codec.v3.UpstreamCodec", {}
    )
    chain = [_remove_length(), _transcoder_filter(), codec]
    return _minimal(listeners, buffer, chain, {TRANSCODER_FILTER: _transcoder_route()})


def _minimal(
    listeners: Mapping[int, int],
    buffer: int,
    upstream_filters: list[dict[str, Any]],
    per_route: dict[str, Any],
) -> dict[str, Any]:
    options: dict[str, Any] = {
        "@type": f"{_TYPES}extensions.upstreams.http.v3.HttpProtocolOptions",
        "explicit_http_config": {"http_protocol_options": {}},
        **({"http_filters": upstream_filters} if upstream_filters else {}),
    }
    limits = dict.fromkeys(("max_connections", "max_pending_requests", "max_requests"), _UNLIMITED)

    def cluster(upstream: int) -> dict[str, Any]:
        address = {"socket_address": {"address": "127.0.0.1", "port_value": upstream}}
        endpoints = [{"lb_endpoints": [{"endpoint": {"address": address}}]}]
        return {
            "name": str(upstream),
            "type": "STATIC",
            "load_assignment": {"cluster_name": str(upstream), "endpoints": endpoints},
            "circuit_breakers": {"thresholds": [limits]},
            "typed_extension_protocol_options": {_HTTP_OPTIONS: options},
        }

    return {
        "static_resources": {
            "listeners": [
                _minimal_listener(port, upstream, buffer, per_route) for port, upstream in listeners.items()
            ],
            "clusters": [cluster(upstream) for upstream in listeners.values()],
        }
    }


def _minimal_listener(port: int, upstream: int, buffer: int, per_route: dict[str, Any]) -> dict[str, Any]:
    route = {
        "match": {"prefix": "/"},
        "route": {"cluster": str(upstream), "timeout": "0s"},
        "typed_per_filter_config": per_route,
    }
    host = {"name": "all", "domains": ["*"], "request_body_buffer_limit": buffer, "routes": [route]}
    router = _extension("envoy.filters.http.router", "extensions.filters.http.router.v3.Router", {})
    manager = {
        "stat_prefix": "plain",
        "route_config": {"name": "all", "virtual_hosts": [host]},
        "http_filters": [router],
    }
    kind = "extensions.filters.network.http_connection_manager.v3.HttpConnectionManager"
    return {
        "name": str(port),
        "address": {"socket_address": {"address": "127.0.0.1", "port_value": port}},
        "per_connection_buffer_limit_bytes": buffer,
        "filter_chains": [
            {"filters": [_extension("envoy.filters.network.http_connection_manager", kind, manager)]}
        ],
    }


def _extension(name: str, kind: str, config: dict[str, Any]) -> dict[str, Any]:
    return {"name": name, "typed_config": {"@type": _TYPES + kind, **config}}


def buffer_of(gateway_config: Mapping[str, Any]) -> int:
    """The gateway's limit of buffered bytes."""
    return int(gateway_config["static_resources"]["listeners"][0]["per_connection_buffer_limit_bytes"])
