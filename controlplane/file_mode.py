"""New configurations for an Envoy that reads files: it started while the control plane was away.

There is no ADS stream then that would say what it takes, so its counters are watched after each exchange of
the files, and the files that worked come back when it refuses some. Its next start uses ADS again.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from typing import Final

from controlplane.compiler import Compiled
from controlplane.envoy_admin import EnvoyAdmin, EnvoyAdminError
from controlplane.gateway import ControlPlane
from controlplane.group.state import GroupState
from controlplane.lastgood import LastGood

log = logging.getLogger("controlplane")

_LOOK: Final = 0.25
_VERDICT: Final = 1.0
"""Seconds in which Envoy reads the files and refuses what it does not take."""


class FileMode:
    """state: what the supervisor says."""

    def __init__(
        self, gateway: ControlPlane, envoy: EnvoyAdmin, last_good: LastGood, state: Callable[[], GroupState]
    ) -> None:
        self._gateway = gateway
        self._envoy = envoy
        self._last_good = last_good
        self._state = state
        self._refused = ""

    async def follow(self) -> None:
        """Runs until cancelled."""
        told = False
        while True:
            from_files = self._state().from_files
            if from_files and not told:
                log.warning("envoy reads the files of the last good configuration until its next start")
            told = from_files
            compiled = self._gateway.compiled
            if (
                from_files
                and compiled
                and compiled.snapshot.version not in (self._last_good.version, self._refused)
            ):
                await self._offer(compiled)
            await asyncio.sleep(_LOOK)

    async def _offer(self, compiled: Compiled) -> None:
        version = compiled.snapshot.version
        working = self._last_good.read()
        try:
            before = await self._envoy.refusals()
            if kept := self._gateway.keep(version):
                await kept
            await asyncio.sleep(_VERDICT)
            refused = await self._envoy.refusals() > before
        except EnvoyAdminError:
            return  # it has died; the next one starts from what is there
        if not refused:
            log.info("configuration %s is in force; envoy read it from files", version)
            return
        self._refused = version
        if working is not None:
            self._last_good.exchange(working)
        self._gateway.refused(
            f"Envoy refused configuration {version}, which it read from files; its log says why"
        )
