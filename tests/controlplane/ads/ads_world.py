"""Resources to publish, and a small model of an Envoy that speaks to a session in either variant."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from controlplane.ads.delta import DeltaSession
from controlplane.ads.ledger import Ledger
from controlplane.ads.reply import Event, Reply, Timer
from controlplane.ads.sotw import StateOfTheWorldSession
from controlplane.snapshot import CLUSTER, ENDPOINTS, EXTENSION, LISTENER, ROUTES, SECRET, Snapshot
from protos.api import Cluster, DeltaDiscoveryRequest, DiscoveryRequest, RouteConfiguration
from protos.loader import from_dict

SHORT = {CLUSTER: "CDS", ENDPOINTS: "EDS", EXTENSION: "ECDS", LISTENER: "LDS", ROUTES: "RDS", SECRET: "SDS"}
LONG = {short: url for url, short in SHORT.items()}
SOTW, DELTA = "sotw", "delta"
NOW = 1_000_000.0
CONFIG = "envoy.config"


def cluster(name: str, revision: int = 0, *, eds: bool = False) -> Any:
    kind = {"type": "EDS", "eds_cluster_config": {"eds_config": {"ads": {}}}} if eds else {"type": "STATIC"}
    return from_dict(
        f"{CONFIG}.cluster.v3.Cluster", {"name": name, "connect_timeout": f"{revision + 1}s", **kind}
    )


def secret(name: str, value: str = "") -> Any:
    data = {"name": name, "generic_secret": {"secret": {"inline_string": value}}}
    return from_dict("envoy.extensions.transport_sockets.tls.v3.Secret", data)


def endpoints(name: str, port: int = 80) -> Any:
    address = {"socket_address": {"address": "127.0.0.1", "port_value": port}}
    data = {"cluster_name": name, "endpoints": [{"lb_endpoints": [{"endpoint": {"address": address}}]}]}
    return from_dict(f"{CONFIG}.endpoint.v3.ClusterLoadAssignment", data)


def extension(name: str, revision: int = 0) -> Any:
    router = {
        "@type": "type.googleapis.com/envoy.extensions.filters.http.router.v3.Router",
        "upstream_log": [],
        "suppress_envoy_headers": bool(revision),
    }
    return from_dict(f"{CONFIG}.core.v3.TypedExtensionConfig", {"name": name, "typed_config": router})


def listener(name: str = "gateway", revision: int = 0) -> Any:
    return from_dict(f"{CONFIG}.listener.v3.Listener", {"name": name, "stat_prefix": str(revision)})


def routes(*clusters: str, name: str = "gateway") -> Any:
    targets = [{"match": {"prefix": f"/{target}"}, "route": {"cluster": target}} for target in clusters]
    hosts = [{"name": "all", "domains": ["*"], "routes": targets}]
    return from_dict(f"{CONFIG}.route.v3.RouteConfiguration", {"name": name, "virtual_hosts": hosts})


def gateway(*clusters: str, revision: int = 0) -> Snapshot:
    """A listener, and a route to each of these clusters."""
    return Snapshot.of([listener(), routes(*clusters), *(cluster(name, revision) for name in clusters)])


def clusters_of(body: bytes) -> set[str]:
    """The clusters that a RouteConfiguration names."""
    configuration = RouteConfiguration.FromString(body)
    return {route.route.cluster for host in configuration.virtual_hosts for route in host.routes}


@dataclass
class Envoy:
    """What Envoy holds, and the one stream it has. Each verb returns what the session answers, in short.

    A response shows as ``CDS a b -c``: its resources, and what it removes. Nothing is judged until
    `ack` or `nack` is called, which take the oldest response first.
    """

    variant: str
    settle: float = 0.0
    ledger: Ledger = field(default_factory=Ledger)
    holds: dict[str, dict[str, bytes]] = field(default_factory=dict)
    versions: dict[str, dict[str, str]] = field(default_factory=dict)
    version_info: dict[str, str] = field(default_factory=dict)
    wants: dict[str, list[str]] = field(default_factory=dict)
    nonces: dict[str, str] = field(default_factory=dict)
    inbox: list[Any] = field(default_factory=list)
    events: list[Event] = field(default_factory=list)
    timers: list[tuple[Timer, float]] = field(default_factory=list)
    session: Any = None

    def __post_init__(self) -> None:
        self.connect()

    def connect(self) -> None:
        """A new stream; what the old one still had to say is lost."""
        if self.variant == SOTW:
            self.session = StateOfTheWorldSession(lambda: NOW, settle=self.settle, ledger=self.ledger)
        else:
            self.session = DeltaSession(lambda: NOW, settle=self.settle)
        self.inbox.clear()
        self.nonces.clear()
        self.wants.clear()

    def publish(self, snapshot: Snapshot) -> list[str]:
        return self._take(self.session.on_snapshot(snapshot))

    def timer(self, timer: Timer) -> list[str]:
        return self._take(self.session.on_timer(timer))

    def subscribe(self, kind: str, *names: str, nonce: str | None = None) -> list[str]:
        """Ask for `names` and no others from now on; none at first is everything."""
        url = LONG[kind]
        before = self.wants.get(url)
        self.wants[url] = list(names)
        if self.variant == SOTW:
            return self._request(url, resource_names=names, response_nonce=self._nonce(url, nonce))
        known = {}
        if before is None:
            wildcard = not names or "*" in names
            held = self.versions.get(url, {})
            known = {name: held[name] for name in held if wildcard or name in names}
        return self._request(
            url,
            resource_names_subscribe=[name for name in names if name not in (before or [])],
            resource_names_unsubscribe=[name for name in before or [] if name not in names],
            initial_resource_versions=known,
            response_nonce=nonce or "",
        )

    def ack(self) -> list[str]:
        response = self.inbox.pop(0)
        self.apply(response)
        url = response.type_url
        if self.variant == SOTW:
            self.version_info[url] = response.version_info
        else:
            held = self.versions.setdefault(url, {})
            held.update({resource.name: resource.version for resource in response.resources})
            for name in response.removed_resources:
                held.pop(name, None)
        return self._judge(response)

    def nack(self, message: str = "no") -> list[str]:
        return self._judge(self.inbox.pop(0), error_detail={"message": message})

    def ack_all(self) -> list[str]:
        """Acks until there is nothing left; returns all that came meanwhile."""
        answers = []
        while self.inbox:
            answers += self.ack()
        return answers

    def apply(self, response: Any) -> None:
        url = response.type_url
        held = self.holds.setdefault(url, {})
        held.update(self.named(response))
        if self.variant == SOTW and url in (CLUSTER, LISTENER):
            self.holds[url] = self.named(response)
        for name in getattr(response, "removed_resources", ()):
            held.pop(name, None)

    def named(self, response: Any) -> dict[str, bytes]:
        if self.variant == SOTW:
            return {name_of(response.type_url, any_.value): any_.value for any_ in response.resources}
        return {resource.name: resource.resource.value for resource in response.resources}

    def status(self, kind: str) -> Any:
        return self.session.status().types[LONG[kind]]

    def _nonce(self, url: str, nonce: str | None) -> str:
        return self.nonces.get(url, "") if nonce is None else nonce

    def _judge(self, response: Any, **more: Any) -> list[str]:
        url = response.type_url
        self.nonces[url] = response.nonce
        if self.variant == SOTW:
            more["resource_names"] = self.wants[url]
        return self._request(url, response_nonce=response.nonce, **more)

    def _request(self, url: str, **fields: Any) -> list[str]:
        request = (DiscoveryRequest if self.variant == SOTW else DeltaDiscoveryRequest)(
            type_url=url, **fields
        )
        if self.variant == SOTW:
            request.version_info = self.version_info.get(url, "")
        return self._take(self.session.on_request(request))

    def _take(self, reply: Reply) -> list[str]:
        self.inbox += reply.messages
        self.events += reply.events
        self.timers += reply.timers
        return [self.show(message) for message in reply.messages]

    def show(self, response: Any) -> str:
        gone = [f"-{name}" for name in getattr(response, "removed_resources", ())]
        kind = SHORT.get(response.type_url, response.type_url)
        return " ".join([kind, *sorted(self.named(response)), *gone])


def name_of(url: str, body: bytes) -> str:
    message = {CLUSTER: Cluster, ROUTES: RouteConfiguration}.get(url)
    if message is None:
        message = type(EXAMPLES[url])
    parsed = message.FromString(body)
    return str(parsed.cluster_name if url == ENDPOINTS else parsed.name)


EXAMPLES = {
    SECRET: secret("x"),
    ENDPOINTS: endpoints("x"),
    EXTENSION: extension("x"),
    LISTENER: listener("x"),
}


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
