"""The admin listener: /metrics, /health/live, /health/ready, /status."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Callable
from http import HTTPStatus
from pathlib import Path
from typing import Any

from prometheus_client import REGISTRY, CollectorRegistry, generate_latest
from prometheus_client.multiprocess import MultiProcessCollector

from controlplane.envoy_admin import EnvoyAdmin, EnvoyAdminError
from controlplane.gateway import ControlPlane
from controlplane.group.state import GroupState
from controlplane.pages import Page, PageServer
from controlplane.status import is_ready, status


class Admin:
    """What operators, probes and Prometheus ask.

    envoy: the data plane of this machine, None where Envoy runs elsewhere.
    workers: where the ext_proc workers of this machine keep their counters (``PROMETHEUS_MULTIPROC_DIR``).
    group: what the supervisor says of this machine's processes; None where there is no supervisor.
    """

    def __init__(
        self,
        gateway: ControlPlane,
        envoy: EnvoyAdmin | None = None,
        workers: Path | None = None,
        group: Callable[[], GroupState] | None = None,
    ) -> None:
        self._gateway = gateway
        self._envoy = envoy
        self._workers = workers
        self._group = group
        self._server = PageServer(
            {
                "/health/live": self._live,
                "/health/ready": self._ready,
                "/status": self._status,
                "/metrics": self._metrics,
            }
        )

    async def start(self, address: str, port: int) -> None:
        """Raises: OSError: the address is taken."""
        await self._server.start(address, port)

    async def stop(self) -> None:
        await self._server.stop()

    async def ready(self) -> tuple[bool, str]:
        group = self._group() if self._group else None
        return is_ready(self._gateway, await self._clusters(), group)

    async def _clusters(self) -> list[dict[str, Any]] | None:
        if self._envoy is None:
            return None
        try:
            return await self._envoy.clusters()
        except EnvoyAdminError:
            return []

    async def _live(self) -> Page:
        return _json({"status": "live"})

    async def _ready(self) -> Page:
        ready, why = await self.ready()
        return _json({"status": why}, HTTPStatus.OK if ready else HTTPStatus.SERVICE_UNAVAILABLE)

    async def _status(self) -> Page:
        group = self._group() if self._group else None
        return _json(status(self._gateway, await self._clusters(), group))

    async def _metrics(self) -> Page:
        """Ours, the workers' and Envoy's, in one scrape."""
        parts = [generate_latest(REGISTRY).decode()]
        if self._group is not None:
            parts.append(self._group().metrics())
        if self._workers is not None:
            workers = CollectorRegistry()
            MultiProcessCollector(workers, path=str(self._workers))  # type: ignore[no-untyped-call]
            parts.append(generate_latest(workers).decode())
        if self._envoy is not None:
            with contextlib.suppress(EnvoyAdminError):
                parts.append(await self._envoy.get("/stats/prometheus?usedonly"))
        return Page("".join(parts), "text/plain; version=0.0.4; charset=utf-8")


def _json(data: Any, code: int = HTTPStatus.OK) -> Page:
    return Page(json.dumps(data), "application/json", code)
