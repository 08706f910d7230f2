"""``llm-gateway up``: control plane, ext_proc workers and Envoy as one group on one machine.

This process does nothing but watch: it is small, and knows neither YAML nor protobuf nor gRPC, so that
hardly anything can end it. Whatever else dies is started again:

* a worker: Envoy turns to the others, and where there are none, to the next (docs/decisions/0005);
* the control plane: traffic does not notice. It is tried for ever once the group has been ready;
* Envoy: from the control plane, or from the files of the last good configuration while that is away.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import signal
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Literal, TypeAlias

from controlplane.group import generations, news
from controlplane.group.child import Child, Command, Ties
from controlplane.group.deaths import PATIENT
from controlplane.group.directory import Places, bases, private_directory
from controlplane.group.envoy_http import EnvoyAdminError, ask
from controlplane.group.state import GroupState, Source
from controlplane.group.workers import Workers
from controlplane.signals import ENDING, handled
from protos.binary import envoy_binary

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
    log_level: of the children; Envoy is never asked for more than `warning`.
    """

    files: Sequence[Path]
    workers: int = 2
    concurrency: int | None = None
    drain: float = 30.0
    log_level: LogLevel = "info"


class Group:
    """Everything that runs, in a private directory that is gone afterwards."""

    def __init__(self, options: Options, places: Places) -> None:
        self._options = options
        self._places = places
        self._binary = envoy_binary()
        self._hurry = False
        self._draining = False
        self._envoy_from = Source.ADS
        self._damaged = ""
        """The generation that an Envoy could not start from."""
        self._why = "the control plane does not answer"
        self._control_plane = Child(
            "control plane", self._control_plane_command, Ties(self._tell, on_news=self._on_news)
        )
        sockets = [places.worker(number) for number in range(options.workers)]
        self._workers = Workers(sockets, self._worker_command, self._tell)
        self._envoy = Child("envoy", self._envoy_command, Ties(self._tell, serves=self._envoy_lives))
        loop = asyncio.get_running_loop()
        self._bootstrapped = asyncio.Event()
        self._ready: asyncio.Future[str] = loop.create_future()

    def hurry(self) -> None:
        """Do not wait for what still runs."""
        self._hurry = True

    def reopen_logs(self) -> None:
        """Envoy opens its log files again at SIGUSR1."""
        self._envoy.send_signal(signal.SIGUSR1)

    async def run(self, stop: asyncio.Event, on_ready: Callable[[str], None]) -> None:
        """Until `stop` is set, then drain.

        on_ready: told the listener's URL once traffic can flow.

        Raises: ConfigError, StartError, CrashLoop, OSError.
        """
        children = (self._control_plane, self._envoy, *self._workers.children)
        running = {
            asyncio.create_task(child.keep_running())
            for child in (self._control_plane, *self._workers.children)
        }
        envoy = asyncio.create_task(self._run_envoy())
        stopping = asyncio.create_task(stop.wait())
        starting = asyncio.create_task(self._until_ready(on_ready))
        every = {*running, envoy, stopping, starting}
        try:
            tasks = every
            while not stopping.done():
                done, tasks = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
                for task in done - {stopping}:
                    task.result()
            await self._drain()
        finally:
            stopping.cancel()
            starting.cancel()
            await self._envoy.stop(_PATIENCE)
            await asyncio.gather(*(child.stop(_PATIENCE) for child in children))
            for task in every:
                task.cancel()
            await asyncio.gather(*every, return_exceptions=True)
            self._workers.close()

    async def _run_envoy(self) -> None:
        await self._bootstrapped.wait()
        await self._envoy.keep_running()

    async def _until_ready(self, on_ready: Callable[[str], None]) -> None:
        try:
            on_ready(await asyncio.wait_for(self._ready, _START_LIMIT))
        except TimeoutError:
            raise StartError(f"not ready after {_START_LIMIT:.0f} s: {self._why}") from None

    def _on_news(self, told: news.News) -> None:
        match told:
            case news.Serving():
                self._control_plane.is_serving()
                self._workers.output.release()
                self._bootstrapped.set()
            case news.Waiting(why):
                self._why = why
            case news.Ready(url) if not self._ready.done():
                self._control_plane.deaths.limits = None
                for child in (self._envoy, *self._workers.children):
                    child.deaths.limits = PATIENT
                self._ready.set_result(url)
            case news.Problems(messages) if not self._ready.done():
                self._give_up(ConfigError("\n".join(messages)))
            case news.Unable(messages) if not self._ready.done():
                self._give_up(StartError("\n".join(messages)))
            case news.Problems(messages) | news.Unable(messages):
                for message in messages:
                    log.error("the control plane cannot start: %s", message)
            case _:
                pass

    def _give_up(self, error: ConfigError | StartError) -> None:
        self._control_plane.let_end()
        self._ready.set_exception(error)

    def _tell(self) -> None:
        children = (self._envoy, self._control_plane, *self._workers.children)
        restarts = {child.name: child.restarts for child in children}
        pids = {child.name: child.pid for child in children if child.pid is not None}
        state = GroupState(self._draining, self._envoy_from.value, restarts, pids)
        with contextlib.suppress(OSError):
            state.write(self._places.state)

    async def _drain(self) -> None:
        """Health fails first, so that load balancers turn away; then what runs may finish.

        Meanwhile a worker that dies is started again, since streams need it. An Envoy that dies is not: there
        is nothing left to wait for.
        """
        self._draining = True
        self._envoy.let_end()
        self._tell()
        deadline = asyncio.get_running_loop().time() + self._options.drain
        while self._envoy.pid is not None:
            # An Envoy that is busy may answer late: that is no reason to cut what it is busy with.
            with contextlib.suppress(EnvoyAdminError):
                await ask(self._places.envoy_admin, "POST", "/healthcheck/fail")
                stats = await ask(self._places.envoy_admin, "GET", f"/stats?filter=^{_ACTIVE}$")
                if int(stats.rpartition(b":")[2] or 0) == 0:
                    return
            if self._hurry or asyncio.get_running_loop().time() >= deadline:
                log.warning("requests were still running; they are cut")
                return
            await asyncio.sleep(_POLL)

    def _control_plane_command(self) -> Command:
        argv = [sys.executable, "-P", "-m", "controlplane", "member", "--directory", str(self._places.root)]
        argv += ["--workers", str(self._options.workers), "--log-level", self._options.log_level]
        for file in self._options.files:
            argv += ["-c", str(file)]
        return Command(argv)

    def _worker_command(self, number: int) -> Command:
        descriptor = self._workers.doorsteps[number].descriptor
        argv = [sys.executable, "-P", "-m", "extproc", "serve", "--listen", f"fd:{descriptor}"]
        argv += ["--log-level", self._options.log_level]
        return Command(argv, {"PROMETHEUS_MULTIPROC_DIR": str(self._places.metrics)}, [descriptor])

    def _envoy_command(self) -> Command:
        self._envoy_from, bootstrap = self._choose_source()
        level = "error" if self._options.log_level == "error" else "warning"
        argv = [str(self._binary), "-c", str(bootstrap), "--disable-hot-restart", "-l", level]
        # Envoy warns at each start of extensions that its API marks as work in progress.
        argv += ["--component-log-level", "misc:error"]
        if self._options.concurrency is not None:
            argv += ["--concurrency", str(self._options.concurrency)]
        return Command(argv)

    def _choose_source(self) -> tuple[Source, Path]:
        ads = Source.ADS, self._places.bootstrap
        if self._control_plane.serving:
            return ads
        current = self._places.last_good / generations.CURRENT
        if not current.is_symlink():
            return ads  # the first start
        generation = current.readlink().name
        if self._envoy_from is Source.FILES and not self._envoy.served:
            self._damaged = generation
        if generation == self._damaged or generations.read(self._places.last_good) is None:
            log.error(
                "the files of the last good configuration are damaged; envoy waits for the control plane"
            )
            return ads
        log.warning("the control plane is away; envoy starts from the files of the last good configuration")
        return Source.FILES, current / generations.BOOTSTRAP

    async def _envoy_lives(self) -> bool:
        try:
            return (await ask(self._places.envoy_admin, "GET", "/ready")).startswith(b"LIVE")
        except EnvoyAdminError:
            return False


async def up(options: Options, on_ready: Callable[[str], None]) -> None:
    """Run the group until SIGTERM, SIGINT or SIGHUP; a second one cuts the draining short.

    on_ready: told the listener's URL once traffic can flow.

    Raises: ConfigError, StartError, CrashLoop, OSError, FileNotFoundError (no Envoy binary).
    """
    with private_directory(bases(os.environ)) as places:
        stop = asyncio.Event()
        group = Group(options, places)

        def asked_to_stop() -> None:
            if stop.is_set():
                group.hurry()
            stop.set()

        ending = (*ENDING, signal.SIGHUP)
        # nohup(1) ignores SIGHUP for us.
        heard = [number for number in ending if signal.getsignal(number) is not signal.SIG_IGN]
        with handled({**dict.fromkeys(heard, asked_to_stop), signal.SIGUSR1: group.reopen_logs}):
            await group.run(stop, on_ready)
