"""The configuration that was last in force, on disk: for the next control plane, and for Envoys without one.

Kept as its input, of which the next process makes everything again, and as xDS files, which a new Envoy
reads while no control plane answers.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from controlplane.compiler import Compiled, compile_files
from controlplane.group import generations
from controlplane.plan import Environment
from controlplane.recorded import Recording
from controlplane.xds.bootstrap import BootstrapPlan
from controlplane.xds.files import Where, files

log = logging.getLogger("controlplane")

_INPUT: Final = "input.json"
_VERSION: Final = "version"


class LastGood:
    """directory: private, see `controlplane.group.generations`. plan: of Envoys that start from it."""

    def __init__(self, directory: Path, plan: BootstrapPlan) -> None:
        self._directory = directory
        self._plan = plan
        self.version = ""
        """Of what is kept; "" for nothing, or nothing that is known."""

    def keep(self, compiled: Compiled, recording: Recording) -> None:
        """Make it the last good one. That it cannot be written is logged: what runs goes on."""
        version = compiled.snapshot.version
        if version == self.version:
            return
        where = Where(self._directory, self._directory / generations.CURRENT)
        try:
            found = files(
                compiled.resources, version, self._plan, where, bootstrap_name=generations.BOOTSTRAP
            )
            found |= {_INPUT: recording.encode(), _VERSION: version.encode()}
            generations.write(self._directory, found)
        except (OSError, ValueError) as error:
            log.error("the last good configuration cannot be kept: %s", error)  # noqa: TRY400 - no bug
            return
        self.version = version

    def recall(self, paths: Sequence[Path], environment: Environment) -> tuple[Compiled, Recording] | None:
        """What was kept, if it is whole and makes the same resources again."""
        if not self._directory.exists():
            return None
        found = generations.read(self._directory)
        try:
            recording = Recording.decode(found[_INPUT]) if found else None
        except (ValueError, KeyError, TypeError, AttributeError):
            recording = None
        if found is None or recording is None:
            log.error("the last good configuration in %s is damaged; it is not used", self._directory)
            return None
        _, compiled = compile_files(paths, recording, environment)
        if compiled is None or compiled.snapshot.version != found[_VERSION].decode():
            log.warning("the last good configuration was made by another version of this program; not used")
            return None
        self.version = compiled.snapshot.version
        return compiled, recording

    def exchange(self, content: dict[str, bytes]) -> None:
        """Back to a generation that was read before. Raises: OSError."""
        generations.write(self._directory, content)
        self.version = content.get(_VERSION, b"").decode()

    def read(self) -> dict[str, bytes] | None:
        """What is kept, as files."""
        return generations.read(self._directory)
