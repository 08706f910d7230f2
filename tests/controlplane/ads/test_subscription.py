from __future__ import annotations

from controlplane.ads.subscription import ABSENT, Change, Sent, Subscription
from controlplane.snapshot import CLUSTER


def test_what_the_wildcard_lost_is_forgotten_once_envoy_knows():
    subscription = Subscription(CLUSTER, fresh=True, wildcard=True, names={"named"})
    subscription.held = {"gone": ABSENT, "named": ABSENT, "back": "v2"}
    subscription.acked(Sent("s", "v", Change({}, ("gone", "named", "back")), adds_clusters=False))
    assert subscription.held == {"named": ABSENT, "back": "v2"}
