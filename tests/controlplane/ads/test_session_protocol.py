"""Refusals, reconnects, nonces and subscriptions: the same transcripts, without a server, in both variants."""

from __future__ import annotations

import pytest
from ads_world import (
    DELTA,
    LONG,
    NOW,
    SOTW,
    Envoy,
    by,
    cluster,
    gateway,
    listener,
    routes,
    secret,
    served,
    subscribe_all,
)

from controlplane.ads.reply import Acked, Nack, Nacked, Synced, Timer
from controlplane.snapshot import CLUSTER, ROUTES, Snapshot
from protos.api import DeltaDiscoveryRequest

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
