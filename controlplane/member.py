"""The control plane of a group that ``llm-gateway up`` runs: a process that may die at any moment."""

from __future__ import annotations

import asyncio
import json
import logging
import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, NoReturn

from controlplane.admin import Admin
from controlplane.ads.server import Endpoint
from controlplane.config.io import ConfigIO
from controlplane.config.schema import AdminConfig
from controlplane.environment import default_environment
from controlplane.envoy_admin import EnvoyAdmin
from controlplane.file_mode import FileMode
from controlplane.gateway import ControlPlane
from controlplane.group.directory import Places
from controlplane.group.news import Problems, Ready, Serving, Teller, Unable, Waiting
from controlplane.group.state import GroupState
from controlplane.lastgood import LastGood
from controlplane.signals import ENDING, handled
from controlplane.xds.bootstrap import BootstrapPlan, bootstrap
from protos.loader import to_dict

log = logging.getLogger("controlplane")

_POLL: Final = 0.05
_PORT_POLL: Final = 1.0


class GivenUp(Exception):  # noqa: N818 - what it is
    """It cannot run; the supervisor has been told why."""


@dataclass(frozen=True, slots=True)
class Options:
    """files: the YAML. places: the group's directory. workers: how many ext_proc workers there are."""

    files: Sequence[Path]
    places: Places
    workers: int


class Member:
    """One life of it."""

    def __init__(self, options: Options, io: ConfigIO, teller: Teller) -> None:
        places = options.places
        self._places = places
        self._teller = teller
        plan = BootstrapPlan(
            node_id="llm-gateway", ads=f"unix:{places.ads}", admin=f"unix:{places.envoy_admin}"
        )
        self._plan = plan
        last_good = LastGood(places.last_good, plan)
        sockets = tuple(f"unix:{places.worker(number)}" for number in range(options.workers))
        endpoint = Endpoint(unix_socket=places.ads)
        self.gateway = ControlPlane(options.files, io, default_environment(sockets), endpoint, last_good)
        envoy = EnvoyAdmin(places.envoy_admin)
        self.admin = Admin(self.gateway, envoy, places.metrics, self._state)
        self._file_mode = FileMode(self.gateway, envoy, last_good, self._state)
        self._again = False
        """The group was ready before this process started."""

    def _state(self) -> GroupState:
        return GroupState.read(self._places.state)

    async def run(self, stop: asyncio.Event) -> None:
        """Until `stop` is set. Raises: GivenUp."""
        _write(self._places.bootstrap, self._plan)
        self._again = self.gateway.recall()
        loaded = self.gateway.load()
        if self.gateway.compiled is None:
            self._teller.tell(Problems(tuple(map(str, loaded.problems))))
            raise GivenUp
        try:
            await self.gateway.ads.start()
        except OSError as error:
            self._give_up(str(error))
        self._teller.tell(Serving())
        try:
            await self._work(self.gateway.compiled.config.admin, stop)
        finally:
            await self.admin.stop()
            await self.gateway.ads.stop()

    async def _work(self, admin: AdminConfig, stop: asyncio.Event) -> None:
        tasks: set[asyncio.Task[Any]] = {
            asyncio.create_task(work)
            for work in (
                self._listen(admin),
                self._until_ready(),
                self.gateway.watch(),
                self._file_mode.follow(),
            )
        }
        stopping = asyncio.create_task(stop.wait())
        every = {*tasks, stopping}
        try:
            while not stopping.done():
                done, tasks = await asyncio.wait({*tasks, stopping}, return_when=asyncio.FIRST_COMPLETED)
                for task in done - {stopping}:
                    task.result()
        finally:
            for task in every:
                task.cancel()
            await asyncio.gather(*every, return_exceptions=True)

    async def _listen(self, admin: AdminConfig) -> None:
        """A port that is taken ends the first start; later on it is waited for, since traffic comes first."""
        while True:
            try:
                await self.admin.start(admin.address, admin.port)
            except OSError as error:
                message = f"admin: cannot listen on {admin.address}:{admin.port}: {error.strerror or error}"
                if not self._again:
                    self._give_up(message)
                log.error("%s; trying again", message)  # noqa: TRY400 - no bug
                await asyncio.sleep(_PORT_POLL)
            else:
                return

    async def _until_ready(self) -> None:
        told = ""
        while True:
            ready, why = await self.admin.ready()
            if ready and self.gateway.compiled is not None:
                self._teller.tell(Ready(self.gateway.compiled.plan.listener.url))
                return
            if self.gateway.failing and not self._again:
                self._give_up(*self.gateway.failing.messages)
            if why != told:
                self._teller.tell(Waiting(why))
                told = why
            await asyncio.sleep(_POLL)

    def _give_up(self, *messages: str) -> NoReturn:
        self._teller.tell(Unable(messages))
        raise GivenUp


def _write(path: Path, plan: BootstrapPlan) -> None:
    new = path.with_suffix(".new")
    new.write_text(json.dumps(to_dict(bootstrap(plan))))
    new.replace(path)


async def serve(options: Options, io: ConfigIO) -> None:
    """Until SIGTERM or SIGINT. Raises: GivenUp."""
    stop = asyncio.Event()
    with handled(dict.fromkeys(ENDING, stop.set)):
        await Member(options, io, Teller(os.environ)).run(stop)
