"""What Envoy's admin interface knows; only the gateway's own admin listener asks it."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any, Final

from controlplane.group.envoy_http import EnvoyAdminError, ask

__all__ = ["EnvoyAdmin", "EnvoyAdminError"]

_REFUSALS: Final = re.compile(rb"update_(?:rejected|failure): (\d+)")


class EnvoyAdmin:
    """socket: where it listens."""

    def __init__(self, socket: Path) -> None:
        self._socket = socket

    async def clusters(self) -> list[dict[str, Any]]:
        """`/clusters?format=json`. Raises: EnvoyAdminError."""
        try:
            found = json.loads(await ask(self._socket, "GET", "/clusters?format=json"))
        except ValueError as error:
            raise EnvoyAdminError(str(error)) from error
        statuses: list[dict[str, Any]] = found.get("cluster_statuses", [])
        return statuses

    async def get(self, target: str) -> str:
        """Raises: EnvoyAdminError."""
        return (await ask(self._socket, "GET", target)).decode()

    async def refusals(self) -> int:
        """How many resources it has refused, of any type, since it started. Raises: EnvoyAdminError."""
        stats = await ask(self._socket, "GET", "/stats?filter=update_(rejected|failure)$")
        return sum(map(int, _REFUSALS.findall(stats)))
