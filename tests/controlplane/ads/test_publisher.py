from __future__ import annotations

import pytest
from ads_world import gateway

from controlplane.ads.publisher import Publisher, Rejection
from controlplane.ads.reply import Nacked
from controlplane.snapshot import ROUTES, Snapshot

ONE, TWO, THREE = gateway("one"), gateway("two"), gateway("three")


def publisher(*streams: int) -> Publisher:
    """With these streams, which all took ONE."""
    made = Publisher()
    made.publish(ONE)
    for stream in streams:
        made.opened(stream)
    for stream in streams:
        made.synced(stream, ONE.version)
    return made


def nack(made: Publisher, snapshot: Snapshot | None, message: str = "no") -> Rejection | None:
    assert snapshot is not None
    return made.nacked("envoy-1", Nacked(ROUTES, "v", snapshot.version, message), 7.0)


def test_nothing_at_first():
    made = Publisher()
    assert (made.current, made.published, made.rejection, made.accepted) == (None, None, None, False)


def test_accepted_when_all_streams_took_it():
    made = Publisher()
    made.publish(ONE)
    assert not made.accepted
    made.opened(1)
    made.opened(2)
    made.synced(1, ONE.version)
    assert not made.accepted
    made.synced(2, ONE.version)
    assert made.accepted


def test_a_stream_that_closes_is_not_waited_for():
    made = Publisher()
    made.publish(ONE)
    made.opened(1)
    made.opened(2)
    made.synced(1, ONE.version)
    made.closed(2)
    assert made.accepted


def test_without_streams_nothing_is_accepted():
    made = Publisher()
    made.publish(ONE)
    made.opened(1)
    made.closed(1)
    assert not made.accepted


def test_what_is_accepted_stays_so_when_a_stream_opens():
    made = publisher(1)
    made.opened(2)
    assert made.accepted


def test_back_to_the_last_good_one():
    made = publisher(1)
    made.publish(TWO)
    assert made.current is TWO
    rejection = nack(made, TWO, "cannot")
    assert rejection == Rejection(
        time=7.0,
        node_id="envoy-1",
        snapshot=TWO.version,
        type_url=ROUTES,
        version="v",
        message="cannot",
        rolled_back_to=ONE.version,
    )
    assert made.rejection == rejection
    assert made.current is ONE
    assert made.published is TWO


def test_the_rejection_stays_until_a_later_snapshot_is_accepted():
    made = publisher(1)
    made.publish(TWO)
    nack(made, TWO)
    made.synced(1, ONE.version)
    assert made.rejection is not None
    made.publish(THREE)
    assert made.rejection is not None
    made.synced(1, THREE.version)
    assert made.rejection is None


def test_publishing_the_old_one_again_ends_the_rejection():
    made = publisher(1)
    made.publish(TWO)
    nack(made, TWO)
    made.publish(gateway("one"))
    assert made.rejection is None


def test_a_snapshot_once_refused_may_be_tried_again():
    made = publisher(1)
    made.publish(TWO)
    nack(made, TWO)
    made.publish(TWO)
    assert made.current is TWO
    made.synced(1, TWO.version)
    assert made.rejection is None


def test_the_generation_tells_that_streams_have_to_be_told():
    made = publisher(1)
    seen = [made.generation]
    for step in (lambda: made.publish(TWO), lambda: nack(made, TWO), lambda: made.publish(ONE)):
        step()
        seen.append(made.generation)
    assert sorted(set(seen)) == seen
    nack(made, TWO)
    assert made.generation == seen[-1]


def test_several_envoys_refuse_the_same():
    made = publisher(1, 2)
    made.publish(TWO)
    assert nack(made, TWO, "first") is not None
    assert nack(made, TWO, "second") is None
    assert made.current is ONE
    assert made.rejection is not None
    assert (made.rejection.message, made.rejection.rolled_back_to) == ("second", ONE.version)


def test_nothing_to_go_back_to():
    made = Publisher()
    made.publish(ONE)
    made.opened(1)
    assert nack(made, ONE) is None
    assert made.current is ONE
    assert made.rejection is not None
    assert made.rejection.rolled_back_to == ""


def test_one_envoy_took_it_another_refused():
    made = publisher(1, 2)
    made.publish(TWO)
    made.synced(1, TWO.version)
    assert nack(made, TWO) is not None
    assert made.current is ONE


def test_a_newcomer_that_refuses_what_all_others_took_changes_nothing():
    made = publisher(1)
    made.publish(TWO)
    made.synced(1, TWO.version)
    made.opened(2)
    assert nack(made, TWO, "cannot bind") is None
    assert made.current is TWO
    assert made.rejection is not None
    assert made.rejection.message == "cannot bind"


def test_what_one_envoy_took_is_good_though_another_never_answers():
    made = publisher(1)
    made.opened(2)
    made.publish(TWO)
    made.synced(1, TWO.version)
    made.publish(THREE)
    nack(made, THREE)
    assert made.current is TWO


def test_the_refusal_of_what_was_replaced_already_changes_nothing():
    made = publisher(1)
    made.publish(TWO)
    made.publish(THREE)
    assert nack(made, TWO) is None
    assert made.current is THREE


def test_back_over_several():
    made = publisher(1, 2)
    made.publish(TWO)
    made.synced(1, TWO.version)
    made.publish(THREE)
    nack(made, THREE)
    assert made.current is TWO
    nack(made, TWO)
    assert made.current is ONE


def test_a_snapshot_published_again_has_to_be_accepted_again():
    made = publisher(1)
    made.publish(TWO)
    made.synced(1, TWO.version)
    made.publish(ONE)
    assert not made.accepted
    assert nack(made, ONE) is not None
    assert made.current is TWO


def test_streams_that_did_not_hear_of_what_came_between_have_the_old_one_still():
    made = publisher(1)
    made.publish(TWO)
    made.publish(ONE)
    assert made.accepted


def test_a_stream_that_heard_of_what_came_between_has_to_come_back():
    made = publisher(1)
    made.publish(TWO)
    made.heard(1)
    made.publish(ONE)
    assert not made.accepted
    made.synced(1, ONE.version)
    assert made.accepted


def test_the_history_is_bounded():
    made = publisher(1)
    made.opened(2)  # never takes anything, so that nothing is accepted
    snapshots = [gateway(f"c{number}") for number in range(12)]
    for snapshot in snapshots:
        made.publish(snapshot)
        made.synced(1, snapshot.version)
    ways = []
    while rejection := nack(made, made.current):
        ways.append(rejection.rolled_back_to)
    assert ways == [snapshot.version for snapshot in reversed(snapshots[4:11])]


def test_the_way_back_ends_at_what_was_accepted():
    made = publisher(1)
    made.publish(TWO)
    nack(made, TWO)
    assert nack(made, ONE) is None
    assert made.current is ONE


@pytest.mark.parametrize("version", ["", "unknown", TWO.version])
def test_a_version_that_is_not_current_is_not_accepted(version: str):
    made = Publisher()
    made.publish(ONE)
    made.opened(1)
    made.synced(1, version)
    assert not made.accepted
