"""The real Envoy, getting everything over ADS from a unix socket."""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import aiohttp

from controlplane.ads.server import AdsServer, Endpoint, Observer
from protos.binary import envoy_binary

TYPES = "type.googleapis.com/envoy"
PATIENCE = 20.0


@dataclass
class RealEnvoy:
    """A running Envoy; `log` is its stderr."""

    process: asyncio.subprocess.Process
    folder: Path

    @property
    def log(self) -> str:
        return (self.folder / "envoy.log").read_text()

    async def admin(self, path: str) -> str:
        return (await self._get("admin.sock", path))[1]

    async def counter(self, name: str) -> int:
        text = await self.admin(f"/stats?filter=^{name}$")
        return int(text.rsplit(":", 1)[1]) if text.strip() else 0

    async def get(self, path: str) -> tuple[int, str]:
        """Of the listener on the unix socket; status 0 while there is none."""
        try:
            return await self._get("listener.sock", path)
        except aiohttp.ClientConnectionError:
            return 0, ""

    async def _get(self, socket: str, path: str) -> tuple[int, str]:
        connector = aiohttp.UnixConnector(str(self.folder / socket))
        async with (
            aiohttp.ClientSession(connector=connector) as client,
            client.get(f"http://envoy{path}") as response,
        ):
            return response.status, await response.text()


async def until(condition: Callable[[], Any]) -> Any:
    """Waits until `condition` (which may be a coroutine function) gives something true."""
    async with asyncio.timeout(PATIENCE):
        while True:
            value = condition()
            if asyncio.iscoroutine(value):
                value = await value
            if value:
                return value
            await asyncio.sleep(0.02)


def bootstrap(folder: Path, api_type: str) -> dict[str, Any]:
    ads = {"ads": {}, "resource_api_version": "V3"}
    http2 = {
        "@type": f"{TYPES}.extensions.upstreams.http.v3.HttpProtocolOptions",
        "explicit_http_config": {
            "http2_protocol_options": {"connection_keepalive": {"interval": "0.05s", "timeout": "10s"}}
        },
    }
    address = {"pipe": {"path": str(folder / "ads.sock")}}
    return {
        "node": {"id": "envoy-1", "cluster": "test"},
        "admin": {"address": {"pipe": {"path": str(folder / "admin.sock")}}},
        "dynamic_resources": {
            "ads_config": {
                "api_type": api_type,
                "transport_api_version": "V3",
                "set_node_on_first_message_only": True,
                "grpc_services": [
                    {
                        "envoy_grpc": {
                            "cluster_name": "ads",
                            "retry_policy": {
                                "retry_back_off": {"base_interval": "0.05s", "max_interval": "0.1s"}
                            },
                        }
                    }
                ],
            },
            "cds_config": ads,
            "lds_config": ads,
        },
        "static_resources": {
            "clusters": [
                {
                    "name": "ads",
                    "type": "STATIC",
                    "connect_timeout": "1s",
                    "load_assignment": {
                        "cluster_name": "ads",
                        "endpoints": [{"lb_endpoints": [{"endpoint": {"address": address}}]}],
                    },
                    "typed_extension_protocol_options": {
                        "envoy.extensions.upstreams.http.v3.HttpProtocolOptions": http2
                    },
                }
            ]
        },
    }


@contextlib.asynccontextmanager
async def running_envoy(folder: Path, api_type: str) -> AsyncIterator[RealEnvoy]:
    (folder / "bootstrap.json").write_text(json.dumps(bootstrap(folder, api_type)))
    with (folder / "envoy.log").open("wb") as log:
        process = await asyncio.create_subprocess_exec(
            str(envoy_binary()),
            *("-c", str(folder / "bootstrap.json"), "--disable-hot-restart", "--concurrency", "1"),
            *("-l", "warning", "--drain-time-s", "1"),
            stdout=log,
            stderr=log,
        )
    try:
        yield RealEnvoy(process, folder)
    finally:
        process.kill()
        await process.wait()


@contextlib.asynccontextmanager
async def serving(folder: Path, observer: Observer | None = None) -> AsyncIterator[AdsServer]:
    server = AdsServer(Endpoint(unix_socket=folder / "ads.sock"), observer=observer, settle=0.05)
    await server.start()
    try:
        yield server
    finally:
        await server.stop(0.1)
