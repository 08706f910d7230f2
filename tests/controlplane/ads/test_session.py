"""Transcripts of a session and its Envoy, without a server: the same scenarios in both variants."""

from __future__ import annotations

from typing import Any

import pytest
from ads_world import (
    DELTA,
    LONG,
    NOW,
    SOTW,
    Envoy,
    cluster,
    endpoints,
    extension,
    gateway,
    listener,
    routes,
    secret,
)

from controlplane.ads.reply import Acked, Nack, Nacked, Synced, Timer
from controlplane.snapshot import CLUSTER, LISTENER, ROUTES, Snapshot
from protos.api import DeltaDiscoveryRequest, DiscoveryRequest


@pytest.fixture(params=[SOTW, DELTA])
def variant(request: Any) -> str:
    return str(request.param)


@pytest.fixture
def envoy(variant: str) -> Envoy:
    return Envoy(variant)


def by(envoy: Envoy, *, sotw: list[str], delta: list[str]) -> list[str]:
    return sotw if envoy.variant == SOTW else delta


def served(variant: str, snapshot: Snapshot, **options: Any) -> Envoy:
    """An Envoy that has all of `snapshot`."""
    envoy = Envoy(variant, **options)
    envoy.publish(snapshot)
    subscribe_all(envoy)
    envoy.events.clear()
    envoy.timers.clear()
    return envoy


def subscribe_all(envoy: Envoy) -> list[str]:
    answers = envoy.subscribe("CDS") + envoy.ack_all()
    answers += envoy.subscribe("LDS") + envoy.ack_all()
    return answers + envoy.subscribe("RDS", "gateway") + envoy.ack_all()


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


# NACK


def test_a_refused_cluster_is_not_sent_again_and_holds_back_the_routes(variant: str):
    envoy = served(variant, gateway("a"))
    bad = gateway("a", "bad")
    envoy.publish(bad)
    assert envoy.nack("no such thing") == []
    version = envoy.status("CDS").version_sent
    assert envoy.events == [Nacked(CLUSTER, version, bad.version, "no such thing")]
    assert envoy.status("CDS").last_nack == Nack(NOW, version, "no such thing")
    assert envoy.timer(Timer.YOUNG) == []

    fixed = gateway("a", "good")
    assert envoy.publish(fixed) == by(envoy, sotw=["CDS a good"], delta=["CDS good"])
    assert envoy.ack() == ["RDS gateway"]
    assert envoy.ack_all() == by(envoy, sotw=[], delta=["CDS -bad"])
    assert envoy.events[-1] == Synced(fixed.version)
    assert envoy.status("CDS").last_nack.message == "no such thing"


def test_a_refused_snapshot_that_is_published_again_is_tried_again(variant: str):
    envoy = served(variant, gateway("a"))
    bad = gateway("a", "bad")
    envoy.publish(bad)
    envoy.nack()
    assert envoy.publish(bad) == by(envoy, sotw=["CDS a bad"], delta=["CDS bad"])
    assert envoy.ack() == ["RDS gateway"]


def test_back_to_the_old_snapshot_after_refused_clusters(variant: str):
    """Envoy may have applied the good part of what it refused."""
    envoy = served(variant, gateway("a", "b"))
    envoy.publish(Snapshot.of([listener(), routes("a", "b"), cluster("a", 1), cluster("b", 9)]))
    envoy.nack()
    assert envoy.publish(gateway("a", "b")) == ["CDS a b"]
    assert envoy.ack() == []
    assert envoy.events[-1] == Synced(gateway("a", "b").version)


def test_back_to_the_old_snapshot_after_refused_routes(variant: str):
    envoy = served(variant, gateway("a"))
    envoy.publish(gateway("b"))
    envoy.ack()
    assert envoy.nack() == []
    assert envoy.publish(gateway("a")) == ["RDS gateway"]
    assert envoy.ack() == by(envoy, sotw=["CDS a"], delta=["CDS -b"])
    assert envoy.ack() == []


def test_a_refused_secret_holds_back_its_snapshot_but_not_other_secrets(variant: str):
    envoy = Envoy(variant)
    envoy.publish(Snapshot.of([cluster("a"), secret("s"), secret("t")]))
    envoy.subscribe("CDS")
    envoy.subscribe("SDS", "s")
    envoy.ack_all()
    envoy.publish(Snapshot.of([cluster("a", 1), secret("s", "bad"), secret("t")]))
    assert envoy.nack() == []
    assert envoy.subscribe("SDS", "s", "t") == ["SDS t"]
    assert envoy.ack() == []


def test_the_refusal_of_what_was_overtaken_does_not_stop_what_overtook_it(variant: str):
    envoy = served(variant, gateway("a"))
    envoy.publish(gateway("a", "bad"))
    envoy.publish(gateway("a", "good"))
    assert envoy.nack() == []
    assert envoy.ack() == ["RDS gateway"]
    assert envoy.ack_all() == by(envoy, sotw=[], delta=["CDS -bad"])


def test_what_is_on_its_way_anyway_is_not_sent_again_for_a_refusal(variant: str):
    envoy = served(variant, gateway("a"))
    envoy.publish(gateway("a", revision=1))
    envoy.publish(gateway("a", revision=2))
    assert envoy.nack() == []
    assert envoy.ack() == []
    assert envoy.events[-1] == Synced(gateway("a", revision=2).version)


def test_a_resource_refused_from_an_older_snapshot_is_sent_once_more(variant: str):
    """So that the refusal is seen to be one of the current snapshot."""
    envoy = served(variant, gateway("a"))
    envoy.publish(Snapshot.of([listener(), routes("bad"), cluster("a")]))
    second = Snapshot.of([listener(), routes("bad"), cluster("a"), secret("s")])
    assert envoy.publish(second) == []
    assert envoy.nack() == ["RDS gateway"]
    assert envoy.nack() == []
    assert [event.snapshot for event in envoy.events][-1] == second.version


# Reconnect


def test_reconnect_with_nothing_changed(variant: str):
    envoy = served(variant, gateway("a"))
    envoy.connect()
    envoy.publish(gateway("a"))
    sotw = ["CDS a", "LDS gateway", "RDS gateway"]
    assert subscribe_all(envoy) == by(envoy, sotw=sotw, delta=[])
    assert envoy.events[-1] == Synced(gateway("a").version)


def test_reconnect_sends_the_difference_in_the_same_order(variant: str):
    envoy = served(variant, gateway("a", "b"))
    envoy.connect()
    envoy.publish(gateway("b", "c"))
    assert envoy.subscribe("CDS") == by(envoy, sotw=["CDS a b c"], delta=["CDS c"])
    assert envoy.subscribe("LDS") == []
    assert envoy.subscribe("RDS", "gateway") == []
    assert envoy.ack_all() == by(
        envoy, sotw=["LDS gateway", "RDS gateway", "CDS b c"], delta=["RDS gateway", "CDS -a"]
    )


def test_reconnect_keeps_old_clusters_until_the_routes_are_asked_for(variant: str):
    envoy = served(variant, gateway("a", "b"))
    envoy.connect()
    envoy.publish(gateway("b"))
    assert envoy.subscribe("CDS") == by(envoy, sotw=["CDS a b"], delta=[])
    assert envoy.ack_all() == []
    assert envoy.subscribe("LDS") == by(envoy, sotw=["LDS gateway"], delta=[])
    assert envoy.ack_all() == []
    assert envoy.subscribe("RDS", "gateway") == ["RDS gateway"]
    assert envoy.ack() == by(envoy, sotw=["CDS b"], delta=["CDS -a"])


def test_who_never_asks_for_routes_loses_old_clusters_when_the_stream_is_no_longer_young(variant: str):
    envoy = Envoy(variant)
    envoy.publish(gateway("a", "b"))
    envoy.subscribe("CDS")
    envoy.ack()
    assert (Timer.YOUNG, 5.0) in envoy.timers
    assert envoy.publish(gateway("a")) == []
    assert envoy.timer(Timer.YOUNG) == by(envoy, sotw=["CDS a"], delta=["CDS -b"])


def test_reconnect_after_a_listener_went(variant: str):
    envoy = served(variant, Snapshot.of([listener(), listener("second"), routes("a"), cluster("a")]))
    envoy.connect()
    envoy.publish(gateway("a"))
    envoy.subscribe("CDS")
    envoy.ack_all()
    assert envoy.subscribe("LDS") == by(envoy, sotw=["LDS gateway"], delta=["LDS -second"])


def test_a_nonce_of_the_old_stream_means_nothing(variant: str):
    envoy = served(variant, gateway("a"))
    envoy.connect()
    envoy.publish(gateway("b"))
    envoy.subscribe("CDS", nonce="1")
    assert [event for event in envoy.events if isinstance(event, Acked)] == []


# Nonces


@pytest.mark.parametrize("nonce", ["", "0", "999", "x"])
def test_a_stale_nonce_is_no_ack(variant: str, nonce: str):
    envoy = served(variant, gateway("a"))
    envoy.publish(gateway("b"))
    assert envoy.subscribe("CDS", nonce=nonce) == []
    assert envoy.events == []
    assert envoy.ack() == ["RDS gateway"]


def test_an_ack_counts_once(variant: str):
    envoy = served(variant, gateway("a"))
    envoy.publish(gateway("a", "b"))
    nonce = envoy.inbox[0].nonce
    envoy.ack()
    envoy.events.clear()
    assert envoy.subscribe("CDS", nonce=nonce) == []
    assert envoy.events == []


# Subscriptions


def test_a_name_more(envoy: Envoy):
    envoy.publish(Snapshot.of([secret("s"), secret("t")]))
    assert envoy.subscribe("SDS", "s") == ["SDS s"]
    assert envoy.subscribe("SDS", "s", "t") == []
    assert envoy.ack() == ["SDS t"]
    assert envoy.ack() == []


def test_a_name_less_and_again(envoy: Envoy):
    envoy.publish(Snapshot.of([secret("s"), secret("t")]))
    envoy.subscribe("SDS", "s", "t")
    envoy.ack()
    assert envoy.subscribe("SDS", "s") == []
    assert envoy.publish(Snapshot.of([secret("s"), secret("t", "new")])) == []
    assert envoy.subscribe("SDS", "s", "t") == ["SDS t"]
    envoy.ack()
    assert envoy.subscribe("SDS") == []
    assert envoy.publish(Snapshot.of([secret("s", "new"), secret("t", "newer")])) == []


def test_an_unknown_resource(envoy: Envoy):
    envoy.publish(Snapshot.of([secret("s")]))
    assert envoy.subscribe("SDS", "s", "nobody") == by(envoy, sotw=["SDS s"], delta=["SDS s -nobody"])
    assert envoy.ack() == []
    assert envoy.publish(Snapshot.of([secret("s"), secret("nobody")])) == ["SDS nobody"]
    assert envoy.ack() == []
    assert envoy.publish(Snapshot.of([secret("s")])) == by(envoy, sotw=[], delta=["SDS -nobody"])


def test_an_unknown_type(envoy: Envoy):
    envoy.publish(gateway("a"))
    envoy.wants["type.googleapis.com/x.Y"] = []
    LONG["x.Y"] = "type.googleapis.com/x.Y"
    assert envoy.subscribe("x.Y", "n") == by(envoy, sotw=[], delta=["type.googleapis.com/x.Y -n"])
    assert envoy.subscribe("CDS") == ["CDS a"]


def test_no_names_are_no_wildcard_for_secrets(envoy: Envoy):
    envoy.publish(Snapshot.of([secret("s")]))
    assert envoy.subscribe("SDS") == []


def test_the_wildcard_by_name(envoy: Envoy):
    envoy.publish(gateway("a"))
    assert envoy.subscribe("CDS", "*") == ["CDS a"]
    envoy.ack()
    assert envoy.publish(gateway("a", "b")) == by(envoy, sotw=["CDS a b"], delta=["CDS b"])


def test_clusters_by_name(envoy: Envoy):
    envoy.publish(gateway("a", "b"))
    assert envoy.subscribe("CDS", "a") == ["CDS a"]
    envoy.ack()
    assert envoy.subscribe("CDS", "a", "b") == by(envoy, sotw=["CDS a b"], delta=["CDS b"])
    envoy.ack()
    # Having named something, an empty list means nothing.
    assert envoy.subscribe("CDS") == by(envoy, sotw=["CDS"], delta=[])
    envoy.ack_all()
    assert envoy.publish(gateway("a", "b", revision=1)) == []


def test_sotw_honours_names_of_a_request_with_a_stale_nonce():
    """https://github.com/envoyproxy/envoy/issues/10363."""
    envoy = Envoy(SOTW)
    envoy.publish(Snapshot.of([secret("s"), secret("t")]))
    envoy.subscribe("SDS", "s")
    envoy.ack()
    assert envoy.subscribe("SDS", "s", "t", nonce="0") == ["SDS t"]


def test_delta_asks_again_for_what_it_forgot():
    envoy = served(DELTA, gateway("a"))
    again = DeltaDiscoveryRequest(type_url=ROUTES, resource_names_subscribe=["gateway"])
    assert [envoy.show(message) for message in envoy.session.on_request(again).messages] == ["RDS gateway"]
    every = DeltaDiscoveryRequest(type_url=CLUSTER, resource_names_subscribe=["*"])
    assert [envoy.show(message) for message in envoy.session.on_request(every).messages] == ["CDS a"]


def test_delta_tells_what_the_wildcard_still_covers():
    envoy = Envoy(DELTA)
    envoy.publish(gateway("a"))
    assert envoy.subscribe("LDS", "*", "gateway", "other") == ["LDS gateway -other"]
    envoy.ack()
    assert envoy.subscribe("LDS", "*") == ["LDS gateway -other"]


def test_delta_without_the_wildcard_keeps_what_it_names():
    envoy = Envoy(DELTA)
    envoy.publish(gateway("a", "b"))
    assert envoy.subscribe("CDS", "*", "a") == ["CDS a b"]
    envoy.ack()
    assert envoy.subscribe("CDS", "a") == []
    assert envoy.publish(gateway("a", "b", revision=1)) == ["CDS a"]


def test_delta_ignores_versions_of_names_it_is_not_asked_for():
    envoy = Envoy(DELTA)
    envoy.publish(Snapshot.of([routes("a")]))
    request = DeltaDiscoveryRequest(
        type_url=ROUTES, resource_names_subscribe=["gateway"], initial_resource_versions={"gone": "1"}
    )
    assert [envoy.show(message) for message in envoy.session.on_request(request).messages] == ["RDS gateway"]


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
