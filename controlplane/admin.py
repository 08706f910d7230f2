"""The admin listener: /metrics, /health/live, /health/ready, /status."""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

from aiohttp import web
from prometheus_client import REGISTRY, CollectorRegistry, generate_latest
from prometheus_client.multiprocess import MultiProcessCollector

from controlplane.envoy_admin import EnvoyAdmin, EnvoyAdminError
from controlplane.gateway import ControlPlane
from controlplane.group.state import GroupState
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
        self._runner: web.AppRunner | None = None

    async def start(self, address: str, port: int) -> None:
        """Raises: OSError: the address is taken."""
        application = web.Application()
        application.router.add_get("/health/live", self._live)
        application.router.add_get("/health/ready", self._ready)
        application.router.add_get("/status", self._status)
        application.router.add_get("/metrics", self._metrics)
        self._runner = web.AppRunner(application, access_log=None)
        await self._runner.setup()
        await web.TCPSite(self._runner, address, port, reuse_address=True).start()

    async def stop(self) -> None:
        if self._runner:
            await self._runner.cleanup()

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

    async def _live(self, _: web.Request) -> web.Response:
        return web.json_response({"status": "live"})

    async def _ready(self, _: web.Request) -> web.Response:
        ready, why = await self.ready()
        return web.json_response({"status": why}, status=200 if ready else 503)

    async def _status(self, _: web.Request) -> web.Response:
        group = self._group() if self._group else None
        return web.json_response(status(self._gateway, await self._clusters(), group))

    async def _metrics(self, _: web.Request) -> web.Response:
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
        return web.Response(text="".join(parts), content_type="text/plain")
