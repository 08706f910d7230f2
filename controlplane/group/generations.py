"""The last good configuration as files: written whole, exchanged by one rename, checked before use.

``current`` is a symlink to the directory of one generation. Envoy watches for it to be replaced
(``watched_directory``), so a generation is never seen half written, nor mixed with another. A manifest of
digests tells a generation that somebody damaged.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import shutil
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Final

CURRENT: Final = "current"
BOOTSTRAP: Final = "envoy.json"
"""What an Envoy starts with that reads the generation."""
_MANIFEST: Final = "manifest.json"


def write(directory: Path, files: Mapping[str, bytes]) -> None:
    """Make `files` (name -> content) the current generation. Raises: OSError; then the last one stays."""
    directory.mkdir(mode=0o700, exist_ok=True)
    root = Path(tempfile.mkdtemp(prefix="g-", dir=directory))
    try:
        for name, content in files.items():
            _write(root / name, content)
        _write(root / _MANIFEST, json.dumps({name: _digest(files[name]) for name in files}).encode())
        link = directory / f"{root.name}.link"
        link.symlink_to(root.name)
        link.replace(directory / CURRENT)
    except OSError:
        shutil.rmtree(root, ignore_errors=True)
        raise
    for other in directory.iterdir():
        if other.name not in (root.name, CURRENT):
            with contextlib.suppress(OSError):
                shutil.rmtree(other) if other.is_dir() and not other.is_symlink() else other.unlink()


def read(directory: Path) -> dict[str, bytes] | None:
    """The current generation by name; None if there is none, or it is not as it was written."""
    try:
        root = (directory / CURRENT).resolve(strict=True)
        manifest = json.loads((root / _MANIFEST).read_bytes())
        found = {name: (root / name).read_bytes() for name in manifest}
    except (OSError, ValueError):
        return None
    intact = all(_digest(content) == manifest[name] for name, content in found.items())
    return found if intact else None


def _write(path: Path, content: bytes) -> None:
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(content)


def _digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()
