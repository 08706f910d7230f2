"""Where Envoy finds the workers of ext_proc, and what it starts with."""

from __future__ import annotations

from typing import Any

import pytest

from controlplane.plan import Environment, MutualTls
from controlplane.xds.bootstrap import BootstrapPlan, bootstrap
from extproc.contract.names import CLUSTER_EXT_PROC
from protos.loader import to_dict
from tests.controlplane.compiling import LOOPBACK, PROVIDERS, compile_text

TLS = MutualTls("/tls/ca.pem", "/tls/envoy.crt", "/tls/envoy.key")
MODELS = f"{LOOPBACK}\n{PROVIDERS}\nmodels: {{fast: {{target: claude/claude-haiku-4-5}}}}"


def cluster(*addresses: str, tls: MutualTls | None = None) -> dict[str, Any]:
    environment = Environment(addresses, "/etc/ssl/cert.pem", tls)
    resources = compile_text(MODELS, environment=environment).resources
    [found] = [resource for resource in resources if getattr(resource, "name", "") == CLUSTER_EXT_PROC]
    return to_dict(found)


@pytest.mark.parametrize(
    ("addresses", "discovery"),
    [
        (("unix:/run/w0.sock", "unix:/run/w1.sock"), "STATIC"),
        (("127.0.0.1:9000", "[::1]:9000"), "STATIC"),
        (("worker.example:9000",), "STRICT_DNS"),
        (("10.0.0.1:9000", "worker.example:9000"), "STRICT_DNS"),
    ],
)
def test_names_are_looked_up(addresses: tuple[str, ...], discovery: str) -> None:
    found = cluster(*addresses)
    assert found.get("type", "STATIC") == discovery
    assert "transport_socket" not in found


@pytest.mark.parametrize(
    ("addresses", "names", "sni"),
    [
        (("10.0.0.1:9000", "10.0.0.1:9001"), [("IP_ADDRESS", "10.0.0.1")], None),
        (("[::1]:9000",), [("IP_ADDRESS", "::1")], None),
        (("worker.example:9000",), [("DNS", "worker.example")], "worker.example"),
        (("b.example:1", "a.example:1"), [("DNS", "a.example"), ("DNS", "b.example")], None),
    ],
)
def test_over_tls_a_worker_is_who_it_should_be(
    addresses: tuple[str, ...], names: list[tuple[str, str]], sni: str | None
) -> None:
    context = cluster(*addresses, tls=TLS)["transport_socket"]["typed_config"]
    common = context["common_tls_context"]
    allowed = common["validation_context"]["match_typed_subject_alt_names"]
    assert [(one["san_type"], one["matcher"]["exact"]) for one in allowed] == names
    assert context.get("sni") == sni
    assert common["alpn_protocols"] == ["h2"]
    assert common["tls_certificates"][0]["private_key"] == {"filename": "/tls/envoy.key"}
    assert common["validation_context"]["trusted_ca"] == {"filename": "/tls/ca.pem"}


def test_envoy_starts_without_what_crashes_it() -> None:
    [layer] = to_dict(bootstrap(BootstrapPlan("id", "unix:/a", "unix:/b")))["layered_runtime"]["layers"]
    assert layer["static_layer"] == {"envoy.reloadable_features.grpc_side_stream_flow_control": False}
