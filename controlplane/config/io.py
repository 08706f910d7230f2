"""The outside world, as far as a configuration needs it."""

from __future__ import annotations

import errno
import os
from pathlib import Path
from typing import Final, Protocol

LARGEST_FILE: Final = 4 * 1024 * 1024
"""Bytes; a file beyond it (a device, a wrong path) is not read."""


class ConfigIO(Protocol):
    """What a loader may ask for."""

    def read(self, path: Path) -> bytes:
        """A file's content. Raises: OSError."""
        ...

    def env(self, name: str) -> str | None:
        """An environment variable; None if it is not set."""
        ...


class SystemIO:
    """Files and environment of this process."""

    def read(self, path: Path) -> bytes:
        with path.open("rb") as file:
            content = file.read(LARGEST_FILE + 1)
        if len(content) > LARGEST_FILE:
            raise OSError(errno.EFBIG, os.strerror(errno.EFBIG))
        return content

    def env(self, name: str) -> str | None:
        return os.environ.get(name)
