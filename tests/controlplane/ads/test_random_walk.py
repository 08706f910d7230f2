"""Any order of events: Envoys of both variants end with the newest good snapshot, and on the way none
of them ever has a route to a cluster that it does not have."""

from __future__ import annotations

from typing import Any

from ads_world import DELTA, SOTW, Envoy, cluster, clusters_of, gateway, listener, routes
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from controlplane.ads.publisher import Publisher
from controlplane.ads.reply import Acked, Nacked, Synced, Timer
from controlplane.snapshot import CLUSTER, LISTENER, ROUTES, Snapshot

BAD = "bad"
NAMES = st.sets(st.sampled_from("abcd"), max_size=3)
ENVOYS = st.integers(0, 1)
ROUNDS = 300


class Walk(RuleBasedStateMachine):
    """Two Envoys around one publisher, with the server's part played here.

    Envoy refuses clusters called `BAD`, having applied the others, and routes for the path `BAD`.
    """

    @initialize()
    def begin(self) -> None:
        self.publisher = Publisher()
        self.envoys = [Envoy(SOTW, settle=0.3), Envoy(DELTA, settle=0.3)]
        self.running: list[list[Timer]] = [[], []]
        self.stream_of = [0, 1]
        self.next_stream = 2
        self.tainted = [False, False]
        self.generation = [0, 0]
        for number in self.stream_of:
            self.publisher.opened(number)
        self.publisher.publish(gateway("a"))
        for number, envoy in enumerate(self.envoys):
            self.act(number, envoy.subscribe("CDS"))
        self.finish()
        assert self.publisher.accepted

    @rule(names=NAMES, revision=st.integers(0, 2))
    def publish(self, names: set[str], revision: int) -> None:
        self.publisher.publish(gateway(*sorted(names), revision=revision))

    @rule(names=NAMES, revision=st.integers(0, 2))
    def publish_bad_clusters(self, names: set[str], revision: int) -> None:
        self.publisher.publish(gateway(*sorted(names), BAD, revision=revision))

    @rule(names=NAMES)
    def publish_bad_routes(self, names: set[str]) -> None:
        clusters = [cluster(name) for name in sorted(names)]
        self.publisher.publish(
            Snapshot.of([listener(), routes(*sorted(names), name="gateway"), *clusters, BAD_ROUTES])
        )

    @rule(number=ENVOYS)
    def hear_of_snapshot(self, number: int) -> None:
        """The server gets round to telling this stream."""
        assert self.publisher.current is not None
        self.generation[number] = self.publisher.generation
        if self.envoys[number].session.version != self.publisher.current.version:
            self.publisher.heard(self.stream_of[number])
        self.act(number, self.envoys[number].publish(self.publisher.current))

    @rule(number=ENVOYS)
    @precondition(lambda self: any(envoy.inbox for envoy in self.envoys))
    def handle_a_response(self, number: int) -> None:
        envoy = self.envoys[number]
        if not envoy.inbox:
            return
        response = envoy.inbox[0]
        named = envoy.named(response)
        url = response.type_url
        if BAD in named and url in (CLUSTER, ROUTES):
            if url == CLUSTER:
                good = {name: body for name, body in named.items() if name != BAD}
                envoy.holds.setdefault(url, {}).update(good)
                self.tainted[number] = True
            self.act(number, envoy.nack(f"{BAD} is bad"))
            return
        self.act(number, envoy.ack())
        if url == CLUSTER and LISTENER not in envoy.wants:
            self.act(number, envoy.subscribe("LDS"))
        elif url == LISTENER and ROUTES not in envoy.wants:
            self.act(number, envoy.subscribe("RDS", "gateway", BAD))

    @rule(number=ENVOYS)
    def fire_a_timer(self, number: int) -> None:
        if self.running[number]:
            self.act(number, self.envoys[number].timer(self.running[number].pop(0)))

    @rule(number=ENVOYS)
    def reconnect(self, number: int) -> None:
        """Not after a refusal that Envoy applied in part: until all is well again it would not name
        what it took then, nor would the true Envoy."""
        if self.tainted[number]:
            return
        envoy = self.envoys[number]
        wants = dict(envoy.wants)
        self.publisher.closed(self.stream_of[number])
        envoy.connect()
        self.running[number].clear()
        self.stream_of[number] = self.next_stream
        self.publisher.opened(self.next_stream)
        self.next_stream += 1
        self.hear_of_snapshot(number)
        for url, kind in ((CLUSTER, "CDS"), (LISTENER, "LDS"), (ROUTES, "RDS")):
            if url in wants:
                self.act(number, envoy.subscribe(kind, *wants[url]))

    @invariant()
    def every_route_has_its_cluster(self) -> None:
        for envoy in self.envoys:
            held = envoy.holds.get(CLUSTER, {})
            for body in envoy.holds.get(ROUTES, {}).values():
                assert clusters_of(body) <= held.keys()

    def teardown(self) -> None:
        self.finish()
        snapshot = self.publisher.current
        assert snapshot is not None
        assert self.publisher.accepted
        good = not any(BAD in snapshot.of_type(url) for url in (CLUSTER, ROUTES))
        assert good
        assert (self.publisher.rejection is None) or self.publisher.published is not snapshot
        for envoy in self.envoys:
            for url in (CLUSTER, LISTENER, ROUTES):
                bodies = {name: resource.body for name, resource in snapshot.of_type(url).items()}
                assert envoy.holds[url] == bodies
            assert envoy.session.status().synced == snapshot.version

    def finish(self) -> None:
        """Until nothing is left to do."""
        for _ in range(ROUNDS):
            if not self.step_each():
                return
        raise AssertionError("it goes on for ever")

    def step_each(self) -> bool:
        """One thing that each Envoy has to do; whether there was any."""
        busy = False
        for number, envoy in enumerate(self.envoys):
            if self.generation[number] != self.publisher.generation:
                self.hear_of_snapshot(number)
            elif envoy.inbox:
                self.handle_a_response(number)
            elif self.running[number]:
                self.fire_a_timer(number)
            else:
                continue
            busy = True
        return busy

    def act(self, number: int, _: list[str]) -> None:
        """The server's part: timers, and what the publisher must hear."""
        envoy = self.envoys[number]
        for timer, _seconds in envoy.timers:
            if timer in self.running[number]:
                self.running[number].remove(timer)
            self.running[number].append(timer)
        envoy.timers.clear()
        events: list[Any] = list(envoy.events)
        envoy.events.clear()
        for event in events:
            match event:
                case Nacked():
                    self.publisher.nacked("envoy", event, 0.0)
                case Synced(version):
                    self.tainted[number] = False
                    self.publisher.synced(self.stream_of[number], version)
                case Acked():
                    pass


BAD_ROUTES = routes(name=BAD)

Walk.TestCase.settings = settings(max_examples=80, stateful_step_count=40, deadline=None, derandomize=True)
TestWalk = Walk.TestCase
