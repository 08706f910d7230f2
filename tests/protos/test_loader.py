"""Message classes of the private pool."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from google.protobuf import descriptor_pool
from google.protobuf.json_format import ParseError

from protos.api import Cluster, Listener, RouteConfiguration, Router
from protos.loader import any_of, from_dict, message, to_dict

ROOT = Path(__file__).parents[2]
LISTENER = "envoy.config.listener.v3.Listener"
MANAGER = "envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager"
ROUTER = "envoy.extensions.filters.http.router.v3.Router"


def url(name: str) -> str:
    return f"type.googleapis.com/{name}"


AN_ANY_IN_AN_ANY = {
    "name": "gateway",
    "filter_chains": [
        {
            "filters": [
                {
                    "name": "http",
                    "typed_config": {
                        "@type": url(MANAGER),
                        "stat_prefix": "gateway",
                        "http_filters": [
                            {"name": "router", "typed_config": {"@type": url(ROUTER), "dynamic_stats": False}}
                        ],
                    },
                }
            ]
        }
    ],
}


def test_plain_data_with_an_any_in_an_any_survives():
    listener = from_dict(LISTENER, AN_ANY_IN_AN_ANY)
    assert to_dict(listener) == AN_ANY_IN_AN_ANY
    assert from_dict(LISTENER, to_dict(listener)) == listener
    assert isinstance(listener, Listener)


def test_a_packed_message_can_be_read_again():
    packed = any_of(Cluster(name="a"))
    assert packed.type_url == url("envoy.config.cluster.v3.Cluster")
    assert Cluster.FromString(packed.value) == Cluster(name="a")
    assert to_dict(packed) == {"@type": packed.type_url, "name": "a"}


def test_equal_messages_are_packed_to_equal_bytes():
    """Maps have no order on the wire; versions are hashes of these bytes."""
    fields = {f"key-{n}": {"string_value": f"value-{n}"} for n in range(50)}

    def cluster(names: list[str]) -> Cluster:
        made = Cluster(name="a")
        for name in names:
            made.metadata.filter_metadata["llm"].fields[name].string_value = fields[name]["string_value"]
        return made

    forwards, backwards = cluster(list(fields)), cluster(list(reversed(fields)))
    assert forwards == backwards
    assert any_of(forwards).SerializeToString() == any_of(backwards).SerializeToString()


def test_packed_bytes_are_the_same_in_every_process():
    script = (
        "from protos.api import Cluster; from protos.loader import any_of\n"
        "data = {'filter_metadata': {'llm': {'fields': {str(n): {'number_value': n} for n in range(30)}}}}\n"
        "print(any_of(Cluster(name='a', metadata=data)).value.hex())"
    )
    told = {
        subprocess.run(
            [sys.executable, "-c", script],
            cwd=ROOT,
            check=True,
            capture_output=True,
            text=True,
            env={"PYTHONHASHSEED": str(seed)},
        ).stdout
        for seed in range(3)
    }
    assert len(told) == 1


def test_the_constructor_refuses_an_unknown_field():
    with pytest.raises(ValueError, match="no_such_field"):
        Cluster(no_such_field=1)
    with pytest.raises(ValueError, match="no_such_field"):
        RouteConfiguration(virtual_hosts=[{"no_such_field": 1}])


@pytest.mark.parametrize(
    "data",
    [
        {"no_such_field": 1},
        {"filter_chains": [{"no_such_field": 1}]},
        {"name": 1},
        {"metadata": {"typed_filter_metadata": {"a": {"@type": url("envoy.no.such.Message")}}}},
        {"metadata": {"typed_filter_metadata": {"a": {"@type": url(ROUTER), "no_such_field": 1}}}},
    ],
    ids=["field", "inner field", "type", "type in an Any", "field in an Any"],
)
def test_plain_data_with_a_mistake_is_refused(data):
    with pytest.raises(ParseError):
        from_dict(LISTENER, data)


def test_a_message_that_envoy_does_not_have():
    with pytest.raises(KeyError):
        message("envoy.no.such.Message")


def test_the_pool_is_private():
    """Another library's copy of the same file in the default pool would clash with ours."""
    with pytest.raises(KeyError):
        descriptor_pool.Default().FindMessageTypeByName(Router.DESCRIPTOR.full_name)


def test_the_name_envoy_is_still_the_package_with_the_binary():
    """Also where the repository's own folder of that name is first on the path."""
    script = "import envoy; print(envoy.__file__)"
    found = subprocess.run(
        [sys.executable, "-c", script], cwd=ROOT, check=True, capture_output=True, text=True
    )
    assert "site-packages" in found.stdout


def test_no_folder_of_ours_can_become_a_package_that_envoys_api_or_binary_needs():
    assert not (ROOT / "envoy" / "__init__.py").exists()
    modules = [path.stem for path in ROOT.glob("*.py")] + [
        path.parent.name for path in ROOT.glob("*/__init__.py")
    ]
    assert not {"envoy", "xds", "udpa", "google", "grpc"} & set(modules)
