"""Envoy's admin interface, over a unix socket or TCP; only the gateway's own admin listener asks it."""

from __future__ import annotations

from typing import Any, Final

import aiohttp

_TIMEOUT: Final = aiohttp.ClientTimeout(total=5)


class EnvoyAdminError(Exception):
    """Envoy is not there, or did not answer as expected."""


class EnvoyAdmin:
    """`address`: ``unix:PATH`` or ``HOST:PORT``."""

    def __init__(self, address: str) -> None:
        self._socket = address.removeprefix("unix:") if address.startswith("unix:") else None
        self._base = "http://envoy" if self._socket else f"http://{address}"

    async def clusters(self) -> list[dict[str, Any]]:
        """`/clusters?format=json`. Raises: EnvoyAdminError."""
        async with self._session() as session:
            try:
                async with session.get("/clusters", params={"format": "json"}) as response:
                    found = await response.json()
            except (aiohttp.ClientError, TimeoutError, ValueError) as error:
                raise EnvoyAdminError(str(error)) from error
        statuses: list[dict[str, Any]] = found.get("cluster_statuses", [])
        return statuses

    async def get(self, path: str) -> str:
        """Raises: EnvoyAdminError."""
        return await self._text("GET", path)

    async def post(self, path: str) -> str:
        """Raises: EnvoyAdminError."""
        return await self._text("POST", path)

    async def _text(self, method: str, path: str) -> str:
        async with self._session() as session:
            try:
                async with session.request(method, path) as response:
                    text = await response.text()
            except (aiohttp.ClientError, TimeoutError) as error:
                raise EnvoyAdminError(str(error)) from error
            if not response.ok:
                raise EnvoyAdminError(f"{path}: {response.status}")
            return text

    def _session(self) -> aiohttp.ClientSession:
        connector = aiohttp.UnixConnector(self._socket) if self._socket else aiohttp.TCPConnector()
        return aiohttp.ClientSession(self._base, connector=connector, timeout=_TIMEOUT)
