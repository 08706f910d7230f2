"""Files and an environment in memory."""

import errno
import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

ENVIRONMENT = {"OPENAI_API_KEY": "sk-openai", "ANTHROPIC_API_KEY": "sk-anthropic", "EMPTY": ""}


@dataclass
class MemoryIO:
    """Files and an environment; a file given as an int raises that errno."""

    files: Mapping[str, bytes | int] = field(default_factory=dict)
    variables: Mapping[str, str] = field(default_factory=dict)

    def read(self, path: Path) -> bytes:
        content = self.files.get(str(path), errno.ENOENT)
        if isinstance(content, int):
            raise OSError(content, os.strerror(content))
        return content

    def env(self, name: str) -> str | None:
        return self.variables.get(name)
