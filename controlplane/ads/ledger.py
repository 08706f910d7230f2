"""The clusters that recent state-of-the-world responses held, by version.

An Envoy that reconnects tells only the version it has. With the clusters behind that version the
new stream can keep those that the old routes name; without, they would go before the routes do.
(Delta needs none of it: there Envoy tells the names.)
"""

from __future__ import annotations

from collections import OrderedDict
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Mapping

    from controlplane.snapshot import Resource

_SIZE: Final = 16


class Ledger:
    """Shared by the streams of one server; the oldest entries go first."""

    def __init__(self, size: int = _SIZE) -> None:
        self._size = size
        self._clusters: OrderedDict[str, Mapping[str, Resource]] = OrderedDict()

    def note(self, version: str, clusters: Mapping[str, Resource]) -> None:
        self._clusters[version] = clusters
        self._clusters.move_to_end(version)
        if len(self._clusters) > self._size:
            self._clusters.popitem(last=False)

    def clusters(self, version: str) -> Mapping[str, Resource]:
        """Empty for a version that is not known, or no more."""
        return self._clusters.get(version, {})
