"""What an Envoy gets and in which order: the same transcripts, without a server, in both variants."""

from __future__ import annotations

import pytest
from ads_world import (
    DELTA,
    NOW,
    SOTW,
    Envoy,
    by,
    cluster,
    endpoints,
    extension,
    gateway,
    listener,
    routes,
    secret,
    served,
    subscribe_all,
)

from controlplane.ads.reply import Acked, Synced, Timer
from controlplane.snapshot import CLUSTER, LISTENER, ROUTES, Snapshot
from protos.api import DeltaDiscoveryRequest, DiscoveryRequest

# Initial fetch


def test_initial_fetch(envoy: Envoy):
    snapshot = gateway("a", "b")
    assert envoy.publish(snapshot) == []
    assert envoy.subscribe("CDS") == ["CDS a b"]
    assert envoy.ack() == []
    assert envoy.subscribe("LDS") == ["LDS gateway"]
    assert envoy.ack() == []
    assert envoy.subscribe("RDS", "gateway") == ["RDS gateway"]
    assert envoy.ack() == []
    assert envoy.events == [
        Acked(CLUSTER, snapshot.versions[CLUSTER]),
        Acked(LISTENER, snapshot.versions[LISTENER]),
        Acked(ROUTES, snapshot.versions[ROUTES]),
        Synced(snapshot.version),
    ]


def test_a_stream_that_opens_before_the_first_snapshot(envoy: Envoy):
    assert envoy.subscribe("CDS") == []
    assert envoy.publish(gateway("a")) == ["CDS a"]


def test_an_empty_snapshot_is_an_answer(envoy: Envoy):
    envoy.publish(Snapshot.of([]))
    assert envoy.subscribe("CDS") == ["CDS"]
    assert envoy.ack() == []
    assert envoy.subscribe("LDS") == ["LDS"]
    assert envoy.ack() == []


def test_secrets_and_endpoints_are_answered_while_clusters_warm(envoy: Envoy):
    """Envoy sends the ACK of CDS after it has them."""
    envoy.publish(Snapshot.of([cluster("a", eds=True), endpoints("a"), secret("s"), listener(), routes("a")]))
    envoy.subscribe("CDS")
    assert envoy.subscribe("SDS", "s") == ["SDS s"]
    assert envoy.subscribe("EDS", "a") == ["EDS a"]
    clusters = envoy.inbox.pop(0)
    envoy.ack_all()
    envoy.inbox.append(clusters)
    assert envoy.ack() == []


def test_an_extension_that_a_cluster_warms_with_does_not_wait_for_the_cluster(envoy: Envoy):
    envoy.publish(Snapshot.of([cluster("a"), extension("x"), listener()]))
    envoy.subscribe("CDS")
    assert envoy.subscribe("ECDS", "x") == ["ECDS x"]


def test_listeners_and_routes_wait_for_the_clusters(envoy: Envoy):
    envoy.publish(gateway("a"))
    assert envoy.subscribe("CDS") == ["CDS a"]
    assert envoy.subscribe("LDS") == []
    assert envoy.subscribe("RDS", "gateway") == []
    assert envoy.ack() == ["LDS gateway"]
    assert envoy.ack() == ["RDS gateway"]
    assert envoy.ack() == []


def test_who_never_asks_for_clusters_is_not_kept_waiting(envoy: Envoy):
    envoy.publish(gateway("a"))
    assert envoy.subscribe("RDS", "gateway") == ["RDS gateway"]


# Updates


def test_one_cluster_changes(variant: str):
    envoy = served(variant, gateway("a", "b"))
    after = Snapshot.of([listener(), routes("a", "b"), cluster("a"), cluster("b", 1)])
    assert envoy.publish(after) == by(envoy, sotw=["CDS a b"], delta=["CDS b"])
    assert envoy.ack() == []
    assert envoy.events == [Acked(CLUSTER, after.versions[CLUSTER]), Synced(after.version)]


def test_the_same_snapshot_again_sends_nothing(variant: str):
    envoy = served(variant, gateway("a"))
    assert envoy.publish(gateway("a")) == []


def test_new_clusters_before_routes_old_clusters_after(variant: str):
    envoy = served(variant, gateway("a", "b"))
    after = gateway("b", "c")
    assert envoy.publish(after) == by(envoy, sotw=["CDS a b c"], delta=["CDS c"])
    assert envoy.ack() == ["RDS gateway"]
    assert envoy.ack() == by(envoy, sotw=["CDS b c"], delta=["CDS -a"])
    assert envoy.ack() == []
    assert envoy.events[-1] == Synced(after.version)
    assert envoy.status("CDS").version_acked == after.versions[CLUSTER]


def test_a_cluster_is_replaced_with_all_that_it_needs(variant: str):
    def world(name: str) -> Snapshot:
        return Snapshot.of([cluster(name, eds=True), endpoints(name), secret(name), listener(), routes(name)])

    envoy = Envoy(variant)
    envoy.publish(world("a"))
    envoy.subscribe("CDS")
    envoy.subscribe("SDS", "a")
    envoy.subscribe("EDS", "a")
    envoy.subscribe("LDS")
    envoy.subscribe("RDS", "gateway")
    envoy.ack_all()

    assert envoy.publish(world("b")) == by(envoy, sotw=["CDS a b"], delta=["CDS b"])
    assert envoy.subscribe("SDS", "a", "b") == ["SDS b"]
    assert envoy.subscribe("EDS", "a", "b") == ["EDS b"]
    assert envoy.ack() == []
    assert envoy.ack() == []
    assert envoy.ack() == ["RDS gateway"]
    assert envoy.ack() == by(envoy, sotw=["CDS b"], delta=["CDS -a"])
    assert envoy.ack() == by(envoy, sotw=[], delta=["EDS -a"])
    assert envoy.ack_all() == by(envoy, sotw=[], delta=["SDS -a"])
    assert envoy.events[-1] == Synced(world("b").version)


def test_every_type_waits_for_those_before_it(variant: str):
    def world(revision: int) -> Snapshot:
        return Snapshot.of(
            [
                cluster("a", revision, eds=True),
                endpoints("a", 80 + revision),
                secret("s", str(revision)),
                extension("x", revision),
                listener(revision=revision),
                routes(*["a"] * (revision + 1)),
            ]
        )

    envoy = Envoy(variant)
    envoy.publish(world(0))
    envoy.subscribe("CDS")
    envoy.subscribe("SDS", "s")
    envoy.subscribe("EDS", "a")
    envoy.ack_all()
    envoy.subscribe("LDS")
    envoy.subscribe("ECDS", "x")
    envoy.subscribe("RDS", "gateway")
    envoy.ack_all()

    assert envoy.publish(world(1)) == ["SDS s"]
    assert envoy.ack() == ["CDS a", "EDS a"]
    assert envoy.ack() == []  # the endpoints are still on their way
    assert envoy.ack() == ["ECDS x"]
    assert envoy.ack() == ["LDS gateway"]
    assert envoy.ack() == ["RDS gateway"]
    assert envoy.ack() == []
    assert envoy.events[-1] == Synced(world(1).version)


def test_endpoints_follow_a_changed_cluster_though_they_are_the_same(variant: str):
    """Envoy warms a changed EDS cluster only with a new response (xds_protocol, resource warming)."""
    envoy = Envoy(variant)
    envoy.publish(
        Snapshot.of([cluster("a", eds=True), cluster("b", eds=True), endpoints("a"), endpoints("b")])
    )
    envoy.subscribe("CDS")
    envoy.subscribe("EDS", "a", "b")
    envoy.ack_all()
    after = Snapshot.of([cluster("a", 1, eds=True), cluster("b", eds=True), endpoints("a"), endpoints("b")])
    assert envoy.publish(after) == by(envoy, sotw=["CDS a b", "EDS a"], delta=["CDS a", "EDS a"])


def test_a_snapshot_overtakes_another_whose_clusters_still_warm(variant: str):
    envoy = served(variant, gateway("a"))
    envoy.publish(gateway("a", "slow"))
    assert envoy.publish(gateway("a", "b")) == by(envoy, sotw=["CDS a b"], delta=["CDS b"])
    answers = envoy.ack_all()
    assert answers == by(envoy, sotw=["RDS gateway"], delta=["RDS gateway", "CDS -slow"])
    assert sorted(envoy.holds[CLUSTER]) == ["a", "b"]
    assert envoy.events[-1] == Synced(gateway("a", "b").version)


def test_what_is_on_its_way_is_bounded(variant: str):
    envoy = served(variant, gateway("a"))
    answers = [envoy.publish(gateway("a", f"b{number}")) for number in range(20)]
    assert sum(map(len, answers)) == 8
    envoy.ack_all()
    assert sorted(envoy.holds[CLUSTER]) == ["a", "b19"]


def test_removed_clusters_that_come_back_in_time_stay(variant: str):
    envoy = served(variant, gateway("a", "b"))
    envoy.publish(gateway("a"))
    assert [envoy.show(message) for message in envoy.inbox] == ["RDS gateway"]
    assert envoy.publish(gateway("a", "b")) == []
    assert envoy.ack() == ["RDS gateway"]
    assert envoy.ack() == []
    assert sorted(envoy.holds[CLUSTER]) == ["a", "b"]


def test_clusters_on_their_way_out_are_not_kept_for_the_next_snapshot(variant: str):
    envoy = served(variant, gateway("a", "b"))
    envoy.publish(gateway("a"))
    assert envoy.ack() == by(envoy, sotw=["CDS a"], delta=["CDS -b"])
    assert envoy.publish(gateway("a", "c")) == by(envoy, sotw=["CDS a c"], delta=["CDS c"])


# Settling


def settling(variant: str) -> Envoy:
    return served(variant, gateway("a"), settle=0.3)


def test_routes_to_new_clusters_wait_a_while_after_the_ack(variant: str):
    envoy = settling(variant)
    envoy.publish(gateway("b"))
    assert envoy.timers == []
    assert envoy.ack() == []
    assert envoy.timers == [(Timer.SETTLE, 0.3)]
    assert envoy.subscribe("RDS", "gateway", nonce="0") == []
    assert envoy.timer(Timer.SETTLE) == ["RDS gateway"]
    assert envoy.ack() == by(envoy, sotw=["CDS b"], delta=["CDS -a"])


def test_the_initial_fetch_does_not_wait(variant: str):
    envoy = Envoy(variant, settle=0.3)
    envoy.publish(gateway("a"))
    assert subscribe_all(envoy) == ["CDS a", "LDS gateway", "RDS gateway"]
    assert envoy.timers == [(Timer.YOUNG, 5.0)]


@pytest.mark.parametrize(
    "after", [gateway("a", revision=1), Snapshot.of([listener(), routes(), cluster("a")])]
)
def test_without_a_new_cluster_nothing_waits(variant: str, after: Snapshot):
    envoy = settling(variant)
    envoy.publish(after)
    envoy.ack_all()
    assert envoy.timers == []
    assert envoy.events[-1] == Synced(after.version)


def test_a_reconnect_with_new_clusters_waits(variant: str):
    envoy = settling(variant)
    envoy.connect()
    envoy.publish(gateway("a", "b"))
    envoy.subscribe("CDS")
    envoy.subscribe("LDS")
    envoy.subscribe("RDS", "gateway")
    assert envoy.ack() == []
    assert envoy.timers[-1] == (Timer.SETTLE, 0.3)
    envoy.timer(Timer.SETTLE)
    assert "RDS gateway" in [envoy.show(message) for message in envoy.inbox] + envoy.ack_all()


def test_refused_clusters_do_not_settle(variant: str):
    envoy = settling(variant)
    envoy.publish(gateway("b"))
    envoy.nack()
    assert envoy.timers == []


# Status


def test_status(variant: str):
    envoy = Envoy(variant)
    envoy.publish(gateway("a"))
    build = {"version": {"major_number": 1, "minor_number": 40, "patch": 2}}
    node = {"id": "n", "cluster": "c", "user_agent_build_version": build}
    request = DiscoveryRequest if variant == SOTW else DeltaDiscoveryRequest
    envoy.session.on_request(request(type_url=CLUSTER, node=node))
    status = envoy.session.status()
    assert (status.node_id, status.node_cluster, status.envoy_version) == ("n", "c", "1.40.2")
    assert status.protocol == {SOTW: "state-of-the-world", DELTA: "delta"}[variant]
    assert status.connected_since == NOW
    assert status.synced == ""
    assert list(status.types) == [CLUSTER]
    assert status.types[CLUSTER].version_sent == gateway("a").versions[CLUSTER]
    assert status.types[CLUSTER].version_acked == ""


def test_synced_is_empty_while_a_change_is_on_its_way(variant: str):
    envoy = served(variant, gateway("a"))
    assert envoy.session.status().synced == gateway("a").version
    envoy.publish(gateway("b"))
    assert envoy.session.status().synced == ""
    envoy.ack_all()
    assert envoy.session.status().synced == gateway("b").version
