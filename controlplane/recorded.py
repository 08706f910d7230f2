"""What a configuration was made of, kept so that it can be made again when the files are broken or gone.

The same input gives the same resources, so the input is all that has to be kept. It holds secrets.
"""

from __future__ import annotations

import base64
import errno
import json
import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from controlplane.config.io import ConfigIO


@dataclass(frozen=True, slots=True)
class Recording:
    """One load's input: a ConfigIO that answers as the world did then.

    files: path -> content, or the error number with which it could not be read.
    variables: environment variables, None for unset ones.
    """

    files: Mapping[str, bytes | int] = field(repr=False)
    variables: Mapping[str, str | None] = field(repr=False)

    def read(self, path: Path) -> bytes:
        found = self.files.get(str(path), errno.ENOENT)
        if isinstance(found, int):
            raise OSError(found, os.strerror(found))
        return found

    def env(self, name: str) -> str | None:
        return self.variables.get(name)

    def encode(self) -> bytes:
        files = {
            path: content if isinstance(content, int) else base64.b64encode(content).decode()
            for path, content in self.files.items()
        }
        return json.dumps({"files": files, "variables": dict(self.variables)}).encode()

    @classmethod
    def decode(cls, data: bytes) -> Recording:
        """Raises: ValueError, KeyError, TypeError, AttributeError: `data` is not what `encode` gives."""
        found = json.loads(data)
        files = {
            path: content if isinstance(content, int) else base64.b64decode(content)
            for path, content in found["files"].items()
        }
        return cls(files, found["variables"])


class Recorder:
    """A ConfigIO that remembers what `io` answered."""

    def __init__(self, io: ConfigIO) -> None:
        self._io = io
        self._files: dict[str, bytes | int] = {}
        self._variables: dict[str, str | None] = {}

    def read(self, path: Path) -> bytes:
        try:
            content = self._io.read(path)
        except OSError as error:
            self._files[str(path)] = error.errno or errno.EIO
            raise
        self._files[str(path)] = content
        return content

    def env(self, name: str) -> str | None:
        self._variables[name] = value = self._io.env(name)
        return value

    def recording(self) -> Recording:
        return Recording(dict(self._files), dict(self._variables))
