"""The control plane at work: loads, publishes, watches, reloads. A reload that fails changes nothing."""

from __future__ import annotations

import asyncio
import logging
import time
from collections import deque
from collections.abc import Awaitable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from prometheus_client import Counter, Gauge

from controlplane.ads.publisher import Rejection
from controlplane.ads.reply import StreamStatus
from controlplane.ads.server import AdsServer, Endpoint, Observer
from controlplane.compiler import Compiled, compile_files
from controlplane.config.io import ConfigIO
from controlplane.config.load import LoadResult
from controlplane.config.problems import Problem
from controlplane.lastgood import LastGood
from controlplane.nack import explain_rejection
from controlplane.plan import Environment
from controlplane.recorded import Recorder, Recording
from controlplane.watch import FileWatch, watch

log = logging.getLogger("controlplane")

_REMEMBERED: Final = 20

_reloads = Counter("llm_gateway_config_reloads", "Attempts to load the configuration", ["result"])
_nacks = Counter("llm_gateway_xds_rejections", "Resources that an Envoy refused", ["type"])
_envoys = Gauge("llm_gateway_connected_envoys", "Envoys with an open ADS stream")
_in_force = Gauge("llm_gateway_config_in_force", "1: the configuration files as they are now are in force")


@dataclass(frozen=True, slots=True)
class Failure:
    """A reload that changed nothing, or a configuration that Envoy refused.

    time: seconds since the epoch. messages: one line each, with file:line where known.
    """

    time: float
    messages: tuple[str, ...]


class ControlPlane(Observer):
    """One configuration for any number of Envoys.

    paths: the YAML files, merged left to right.
    last_good: where what came in force is kept for the next process; None: nowhere.
    """

    def __init__(
        self,
        paths: Sequence[Path],
        io: ConfigIO,
        environment: Environment,
        endpoint: Endpoint,
        last_good: LastGood | None = None,
    ) -> None:
        self._paths = tuple(paths)
        self._io = io
        self._environment = environment
        self._last_good = last_good
        self._keeping = ThreadPoolExecutor(1, thread_name_prefix="last-good")
        self._recording = Recording({}, {})
        self.ads = AdsServer(endpoint, observer=self)
        self.compiled: Compiled | None = None
        self.loaded_at = 0.0
        self.failures: deque[Failure] = deque(maxlen=_REMEMBERED)
        self.failing: Failure | None = None
        """Why the files as they are now are not in force; None: they are."""

    def recall(self) -> bool:
        """Have what was in force when the last process died, in case the files are wrong by now.

        Before the first `load`. False: there is nothing.
        """
        recalled = self._last_good.recall(self._paths, self._environment) if self._last_good else None
        if recalled is None:
            return False
        self.compiled, self._recording = recalled
        self.ads.remember(self.compiled.snapshot)
        return True

    def load(self) -> LoadResult:
        """Read the files and publish what they give; with a problem, the last good one stays."""
        recorder = Recorder(self._io)
        loaded, compiled = self._compile(recorder)
        if compiled is None:
            self._fail(tuple(map(str, loaded.problems)))
            _reloads.labels("refused").inc()
            if self.compiled is not None and self.ads.publisher.published is None:
                log.error("serving configuration %s, the last good one", self.compiled.snapshot.version)
                self.ads.publish(self.compiled.snapshot)
            return loaded
        changed = self.compiled is None or self.compiled.snapshot.version != compiled.snapshot.version
        if changed or self.failing:
            self.loaded_at = time.time()
            _reloads.labels("accepted").inc()
            for warning in loaded.warnings:
                log.warning("%s", warning)
            log.info("configuration %s loaded", compiled.snapshot.version)
        self.compiled, self._recording = compiled, recorder.recording()
        self.failing = None
        _in_force.set(1)
        self.ads.publish(compiled.snapshot)
        return loaded

    def _compile(self, io: ConfigIO) -> tuple[LoadResult, Compiled | None]:
        try:
            return compile_files(self._paths, io, self._environment)
        except Exception as error:
            # A bug that one configuration brings out must not take away the one that works.
            log.exception("the configuration cannot be compiled")
            problem = Problem(
                str(self._paths[0]), 1, 1, "", f"internal error: {type(error).__name__}: {error}"
            )
            return LoadResult(None, [problem], [], frozenset(self._paths)), None

    async def watch(self) -> None:
        """Reload whenever a file that the configuration is made of changes. Runs until cancelled."""
        files = watch(self._paths)
        self._reload(files)
        async for _ in files:
            self._reload(files)

    def _reload(self, files: FileWatch) -> None:
        """Load; again where it read what was not yet watched, since that may have changed in between."""
        while not (read := self.load().files) <= files.paths:
            files.replace(read)
        files.replace(read)

    def _fail(self, messages: tuple[str, ...]) -> None:
        if self.failing and self.failing.messages == messages:
            return
        _in_force.set(0)
        self.failing = Failure(time.time(), messages)
        self.failures.append(self.failing)
        if self.compiled is None:
            return  # the first load: whoever started us tells
        for message in messages:
            log.error("%s", message)

    # What the ADS server tells.

    def stream_opened(self, _: StreamStatus) -> None:
        _envoys.inc()

    def stream_closed(self, _: StreamStatus) -> None:
        _envoys.dec()

    def nacked(self, _: StreamStatus, type_url: str, __: str, message: str) -> None:
        _nacks.labels(type_url.rpartition(".")[2]).inc()
        self._fail((self._in_users_words(type_url, message),))

    def rolled_back(self, rejection: Rejection) -> None:
        log.error("back to configuration %s; %s was refused", rejection.rolled_back_to, rejection.snapshot)

    def accepted(self, version: str) -> None:
        log.info("configuration %s is in force on every Envoy", version)
        self.keep(version)

    def keep(self, version: str) -> Awaitable[None] | None:
        """It works: keep it for the next process, and for an Envoy that starts while there is none.

        In a thread, since a large configuration takes a second; one after the other, so the last one stays.
        None if it is not what is known here.
        """
        compiled, recording, last_good = self.compiled, self._recording, self._last_good
        if last_good is None or compiled is None or compiled.snapshot.version != version:
            return None
        loop = asyncio.get_running_loop()
        return loop.run_in_executor(self._keeping, last_good.keep, compiled, recording)

    def refused(self, message: str) -> None:
        """An Envoy that reads files did not take the newest configuration."""
        self._fail((message,))

    def _in_users_words(self, type_url: str, message: str) -> str:
        if self.compiled is None:
            return message
        problem: Problem = explain_rejection(self.compiled.loaded, type_url, message)
        return str(problem)
