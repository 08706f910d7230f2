from __future__ import annotations

import pytest

from controlplane.snapshot import (
    CLUSTER,
    ENDPOINTS,
    EXTENSION,
    LISTENER,
    ROUTES,
    SECRET,
    TYPES,
    Changes,
    Snapshot,
    changed_names,
    changed_types,
)
from protos.loader import from_dict


def cluster(name: str, timeout: str = "1s", **more):
    return from_dict("envoy.config.cluster.v3.Cluster", {"name": name, "connect_timeout": timeout, **more})


def secret(name: str, value: str = "hunter2"):
    data = {"name": name, "generic_secret": {"secret": {"inline_string": value}}}
    return from_dict("envoy.extensions.transport_sockets.tls.v3.Secret", data)


def endpoints(name: str):
    return from_dict("envoy.config.endpoint.v3.ClusterLoadAssignment", {"cluster_name": name})


def test_resources_by_type_and_name():
    router = {"@type": "type.googleapis.com/envoy.extensions.filters.http.router.v3.Router"}
    snapshot = Snapshot.of(
        [
            cluster("a"),
            cluster("b"),
            secret("s"),
            endpoints("e"),
            from_dict("envoy.config.core.v3.TypedExtensionConfig", {"name": "x", "typed_config": router}),
            from_dict("envoy.config.listener.v3.Listener", {"name": "l"}),
            from_dict("envoy.config.route.v3.RouteConfiguration", {"name": "r"}),
        ]
    )
    assert {url: sorted(snapshot.of_type(url)) for url in TYPES} == {
        SECRET: ["s"],
        CLUSTER: ["a", "b"],
        ENDPOINTS: ["e"],
        EXTENSION: ["x"],
        LISTENER: ["l"],
        ROUTES: ["r"],
    }
    assert snapshot.of_type(CLUSTER)["a"].body == cluster("a").SerializeToString(deterministic=True)
    assert snapshot.of_type("type.googleapis.com/envoy.service.runtime.v3.Runtime") == {}


def test_versions_depend_on_content_and_on_nothing_else():
    one = Snapshot.of([cluster("a"), cluster("b"), secret("s")])
    assert Snapshot.of([secret("s"), cluster("b"), cluster("a")]) == one
    # The same on every replica and in every release: a change here makes every Envoy fetch all anew.
    assert (one.version, one.versions[CLUSTER]) == ("762a72a7a3663e64", "7e1286f100d4caab")


@pytest.mark.parametrize(
    "other",
    [
        [cluster("a"), cluster("b", "2s")],
        [cluster("a")],
        [cluster("a"), cluster("c")],
        [cluster("a"), cluster("b"), cluster("c")],
        [],
    ],
)
def test_another_content_has_another_version(other):
    one, two = Snapshot.of([cluster("a"), cluster("b")]), Snapshot.of(other)
    assert one.version != two.version
    assert changed_types(one, two) == (CLUSTER,)


def test_maps_are_serialised_in_one_order():
    keys = [f"key{number}" for number in range(20)]

    def with_metadata(names):
        filters = {name: {"x": 1} for name in names}
        return Snapshot.of([cluster("a", metadata={"filter_metadata": filters})])

    assert with_metadata(keys) == with_metadata(reversed(keys))


def test_what_changed():
    old = Snapshot.of([cluster("a"), cluster("b"), cluster("c"), secret("s")])
    new = Snapshot.of([cluster("z"), cluster("d"), cluster("b", "9s"), cluster("c"), secret("s")])
    assert changed_types(old, new) == (CLUSTER,)
    assert changed_names(old, new, CLUSTER) == Changes(added=("d", "z"), changed=("b",), removed=("a",))
    assert changed_names(old, new, SECRET) == Changes((), (), ())
    assert changed_types(old, old) == ()
    assert changed_types(None, old) == (SECRET, CLUSTER)
    assert changed_names(None, old, CLUSTER).added == ("a", "b", "c")


@pytest.mark.parametrize(
    ("messages", "problem"),
    [
        ([cluster("a"), cluster("a", "2s")], "two Cluster resources are called 'a'"),
        ([endpoints("a"), endpoints("a")], "two ClusterLoadAssignment resources are called 'a'"),
        ([cluster("")], "a Cluster has no name"),
        (
            [from_dict("envoy.config.core.v3.Node", {"id": "a"})],
            "envoy.config.core.v3.Node is no xDS resource that we serve",
        ),
    ],
)
def test_what_is_no_snapshot(messages, problem):
    with pytest.raises(ValueError, match=problem):
        Snapshot.of(messages)


def test_the_same_name_in_two_types_is_fine():
    assert len(Snapshot.of([cluster("a"), endpoints("a"), secret("a")]).resources) == 3


def test_a_secret_is_not_in_repr():
    assert "hunter2" not in repr(Snapshot.of([secret("s")]))


def test_which_endpoints_a_cluster_awaits():
    eds = {"type": "EDS", "eds_cluster_config": {"eds_config": {"ads": {}}}}
    named = {"type": "EDS", "eds_cluster_config": {"eds_config": {"ads": {}}, "service_name": "service"}}
    clusters = Snapshot.of([cluster("a", **eds), cluster("b", **named), cluster("c")]).of_type(CLUSTER)
    assert [clusters[name].awaits for name in "abc"] == ["a", "service", ""]
