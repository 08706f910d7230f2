"""``llm-gateway up``: control plane, ext_proc workers and Envoy as one group on one machine."""

from __future__ import annotations

import asyncio
import contextlib
import json
import logging
import shutil
import signal
import sys
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Literal, TypeAlias

from controlplane.admin import Admin
from controlplane.ads.server import Endpoint
from controlplane.config.io import ConfigIO
from controlplane.config.schema import AdminConfig
from controlplane.environment import default_environment
from controlplane.envoy_admin import EnvoyAdmin, EnvoyAdminError
from controlplane.gateway import ControlPlane
from controlplane.processes import Child, Command
from controlplane.xds.bootstrap import BootstrapPlan, bootstrap
from protos.binary import envoy_binary
from protos.loader import to_dict

log = logging.getLogger("supervisor")

_START_LIMIT: Final = 60.0
_POLL: Final = 0.05
_PATIENCE: Final = 5.0
"""Seconds from SIGTERM to SIGKILL, after the draining."""
_ACTIVE: Final = "http.gateway.downstream_rq_active"


LogLevel: TypeAlias = Literal["info", "warning", "error"]


class ConfigError(Exception):
    """The configuration has problems, a line each."""


class StartError(Exception):
    """The group cannot run here; the message says what to do about it."""


@dataclass(frozen=True, slots=True)
class Options:
    """workers: ext_proc processes. concurrency: Envoy's worker threads, None for one a core.

    drain: seconds that streams may take to finish after SIGTERM.
    log_level: of the workers and of Envoy, which is never asked for more than `warning`.
    """

    files: Sequence[Path]
    workers: int = 2
    concurrency: int | None = None
    drain: float = 30.0
    log_level: LogLevel = "info"


class Group:
    """Everything that runs, in a private directory that is gone afterwards."""

    def __init__(self, options: Options, io: ConfigIO) -> None:
        self._options = options
        self._hurry = False
        self._directory = Path(tempfile.mkdtemp(prefix="llm-gateway-"))
        self._metrics = self._directory / "metrics"
        self._metrics.mkdir()
        sockets = [self._directory / f"extproc-{number}.sock" for number in range(options.workers)]
        self._envoy = EnvoyAdmin(f"unix:{self._directory / 'envoy.sock'}")
        ads = self._directory / "ads.sock"
        environment = default_environment(tuple(f"unix:{socket}" for socket in sockets))
        self.gateway = ControlPlane(options.files, io, environment, Endpoint(unix_socket=ads))
        self.admin = Admin(self.gateway, self._envoy, self._metrics)
        self._workers = [self._worker(number, socket) for number, socket in enumerate(sockets)]
        self._data_plane = Child(self._envoy_command(ads))

    def hurry(self) -> None:
        """Do not wait for what still runs."""
        self._hurry = True

    async def run(self, stop: asyncio.Event, on_ready: Callable[[], None]) -> None:
        """Until `stop` is set, then drain.

        Raises: ConfigError, StartError, CrashLoop, OSError.
        """
        try:
            await self._run(stop, on_ready)
        finally:
            shutil.rmtree(self._directory, ignore_errors=True)

    async def _run(self, stop: asyncio.Event, on_ready: Callable[[], None]) -> None:
        loaded = self.gateway.load()
        if loaded.config is None:
            raise ConfigError("\n".join(map(str, loaded.problems)))
        await self.gateway.ads.start()
        try:
            await self._listen(loaded.config.admin)
            await self._supervise(stop, on_ready)
        finally:
            await self.admin.stop()
            await self.gateway.ads.stop()

    async def _listen(self, admin: AdminConfig) -> None:
        try:
            await self.admin.start(admin.address, admin.port)
        except OSError as error:
            reason = error.strerror or error
            raise StartError(f"admin: cannot listen on {admin.address}:{admin.port}: {reason}") from error

    async def _supervise(self, stop: asyncio.Event, on_ready: Callable[[], None]) -> None:
        children = (self._data_plane, *self._workers)
        running = [asyncio.create_task(child.keep_running()) for child in children]
        watching = asyncio.create_task(self.gateway.watch())
        stopping = asyncio.create_task(stop.wait())
        starting = asyncio.create_task(self._until_ready(on_ready))
        try:
            tasks = {*running, watching, stopping, starting}
            while not stopping.done():
                done, tasks = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
                for task in done - {stopping}:
                    task.result()
            await self._drain()
        finally:
            for task in (watching, stopping, starting):
                task.cancel()
            await self._data_plane.stop(_PATIENCE)
            await asyncio.gather(*(worker.stop(_PATIENCE) for worker in self._workers))
            await asyncio.gather(*running, watching, stopping, starting, return_exceptions=True)

    async def _until_ready(self, on_ready: Callable[[], None]) -> None:
        deadline = asyncio.get_running_loop().time() + _START_LIMIT
        why = ""
        while asyncio.get_running_loop().time() < deadline:
            ready, why = await self.admin.ready()
            if ready:
                on_ready()
                return
            if self.gateway.failing:
                raise StartError("\n".join(self.gateway.failing.messages))
            await asyncio.sleep(_POLL)
        raise StartError(f"not ready after {_START_LIMIT:.0f} s: {why}")

    async def _drain(self) -> None:
        """Health fails first, so that load balancers turn away; then what runs may finish."""
        self.admin.draining = True
        deadline = asyncio.get_running_loop().time() + self._options.drain
        with contextlib.suppress(EnvoyAdminError):
            await self._envoy.post("/healthcheck/fail")
            while asyncio.get_running_loop().time() < deadline and not self._hurry:
                stats = await self._envoy.get(f"/stats?filter=^{_ACTIVE}$")
                if int(stats.rpartition(":")[2] or 0) == 0:
                    return
                await asyncio.sleep(_POLL)
            log.warning("requests were still running; they are cut")

    def _worker(self, number: int, socket: Path) -> Child:
        argv = [sys.executable, "-m", "extproc", "serve", "--listen", f"unix:{socket}"]
        argv += ["--log-level", self._options.log_level]
        return Child(
            Command(f"ext_proc worker {number}", argv, {"PROMETHEUS_MULTIPROC_DIR": str(self._metrics)})
        )

    def _envoy_command(self, ads: Path) -> Command:
        config = self._directory / "envoy.json"
        admin = f"unix:{self._directory / 'envoy.sock'}"
        plan = BootstrapPlan(node_id="llm-gateway", ads=f"unix:{ads}", admin=admin)
        config.write_text(json.dumps(to_dict(bootstrap(plan))))
        level = "error" if self._options.log_level == "error" else "warning"
        argv = [str(envoy_binary()), "-c", str(config), "--disable-hot-restart", "-l", level]
        # Envoy warns at each start of extensions that its API marks as work in progress.
        argv += ["--component-log-level", "misc:error"]
        if self._options.concurrency is not None:
            argv += ["--concurrency", str(self._options.concurrency)]
        return Command("envoy", argv, {})


async def up(options: Options, io: ConfigIO, on_ready: Callable[[ControlPlane], None]) -> None:
    """Run the group until SIGTERM or SIGINT; a second one cuts the draining short.

    on_ready: called once traffic can flow.

    Raises: ConfigError, StartError, CrashLoop, OSError, FileNotFoundError (no Envoy binary).
    """
    stop = asyncio.Event()
    group = Group(options, io)

    def asked_to_stop() -> None:
        if stop.is_set():
            group.hurry()
        stop.set()

    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, asked_to_stop)
    await group.run(stop, lambda: on_ready(group.gateway))
