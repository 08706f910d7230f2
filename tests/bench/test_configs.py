"""The configurations that are compared differ in what is compared, and in nothing else."""

from __future__ import annotations

import re
from typing import Any

import pytest

from tests.bench import configs
from tests.bench.rows import rows
from tests.bench.upstream import FACES

UPSTREAMS = dict(zip(FACES, range(9001, 9100), strict=False))
TRANSLATED = ("ext_proc/anthropic", "ext_proc/anthropic-stream")


@pytest.fixture(scope="module")
def gateway() -> dict[str, Any]:
    return configs.gateway(9000, UPSTREAMS, "unix:/tmp/x.sock")


def chains(config: dict[str, Any]) -> dict[str, list[str]]:
    options = "envoy.extensions.upstreams.http.v3.HttpProtocolOptions"
    return {
        cluster["name"]: [
            filter_["name"]
            for filter_ in cluster["typed_extension_protocol_options"][options].get("http_filters", [])
        ]
        for cluster in config["static_resources"]["clusters"]
    }


def test_the_gateway_has_every_rows_model(gateway: dict[str, Any]) -> None:
    text = str(gateway)
    models = {row.model for row in rows(["grpcio"]) if row.site.startswith("gateway")}
    assert all(re.search(f"(native|ext_proc|ext_proc_unheld)/{re.escape(model)}", text) for model in models)


def test_the_transcoder_stands_where_ext_proc_stood(gateway: dict[str, Any]) -> None:
    ours, theirs = chains(gateway), chains(configs.transcoder(gateway))
    for name, chain in ours.items():
        if name in TRANSLATED:
            swapped = [
                configs.TRANSCODER_FILTER if filter_ == "envoy.filters.http.ext_proc" else filter_
                for filter_ in chain
            ]
            assert theirs[name] == ["remove_length", *swapped]
        else:
            assert theirs[name] == chain


def test_the_transcoder_leaves_the_gateway_alone(gateway: dict[str, Any]) -> None:
    before = str(gateway)
    configs.transcoder(gateway)
    assert str(gateway) == before


def test_a_chain_without_ext_proc_is_an_error(gateway: dict[str, Any]) -> None:
    with pytest.raises(configs.ConfigError, match="has no ext_proc"):
        configs.transcoder(configs.transcoder(gateway))


def test_plain_is_a_route_to_a_cluster(gateway: dict[str, Any]) -> None:
    plain = configs.plain({9100: 9001, 9101: 9002}, configs.buffer_of(gateway))
    assert chains(plain) == {"9001": [], "9002": []}
    buffers = {
        listener["per_connection_buffer_limit_bytes"] for listener in plain["static_resources"]["listeners"]
    }
    assert buffers == {configs.buffer_of(gateway)}
