"""Which watched files changed, by content.

Directories are watched, not files, so that every way to replace a file is seen: written in place,
renamed over, deleted and made again, and the ``..data`` symlink of Kubernetes' ConfigMap and Secret
mounts, which is swapped for one to another directory
(https://kubernetes.io/docs/concepts/configuration/configmap/#mounted-configmaps-are-updated-automatically).
"""

from __future__ import annotations

import asyncio
import hashlib
import os
from contextlib import aclosing
from pathlib import Path
from typing import TYPE_CHECKING, Final

from watchfiles import awatch

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, AsyncIterator, Iterable

    from watchfiles.main import FileChange

QUIET: Final = 0.06
"""Seconds without an event after which changes are told."""
_LONGEST: Final = 1.0
"""Seconds after which they are told though events go on."""
_LOOK: Final = 1.0
"""Seconds between looks at whether the directories are still the same ones."""
_LINKS: Final = 40
"""Symlinks followed in one path, as many as Linux does (path_resolution(7))."""

_Signature = tuple[int, int, int, int] | None


def watch(paths: Iterable[Path], *, quiet: float = QUIET) -> FileWatch:
    """Watch these files; iterate over the result. `quiet`: seconds, see `QUIET`."""
    return FileWatch(paths, quiet=quiet)


class FileWatch:
    """Yields sets of watched paths whose content is other than it was when last told.

    What counts as the content of a file that cannot be read is why it cannot. Content is compared
    with the moment at which a path became watched: read a file after, not before, watching it.
    """

    def __init__(self, paths: Iterable[Path], *, quiet: float = QUIET) -> None:
        self._quiet = quiet
        self._told: dict[Path, bytes] = {}
        self._seen: dict[Path, _Signature] = {}
        self._stop = asyncio.Event()
        self.replace(paths)

    @property
    def paths(self) -> frozenset[Path]:
        return frozenset(self._told)

    def replace(self, paths: Iterable[Path]) -> None:
        """Watch exactly these files from now on. For those watched before, nothing is lost or told twice."""
        wanted = {Path(path) for path in paths}
        for path in self._told.keys() - wanted:
            del self._told[path]
            self._seen.pop(path, None)
        for path in wanted - self._told.keys():
            self._seen[path] = _signature(path)
            self._told[path] = _digest(path)
        self._stop.set()

    async def __aiter__(self) -> AsyncIterator[frozenset[Path]]:
        while True:
            self._stop.clear()
            try:
                places = _places(self._told)
                # Also what happened between two watchers, of which no event tells.
                if changed := self._changed():
                    yield changed
                async with aclosing(self._events(places)) as events:
                    async for happened in events:
                        if changed := self._changed(only_touched=not happened):
                            yield changed
                        if places != _places(self._told):
                            break
            except FileNotFoundError:
                # A directory went away while we turned to it; look again where it was.
                await asyncio.sleep(self._quiet)

    def _events(self, places: Iterable[Path]) -> AsyncGenerator[set[FileChange], None]:
        return awatch(
            *places,
            watch_filter=None,
            debounce=int(_LONGEST * 1000),
            step=int(self._quiet * 1000),
            stop_event=self._stop,
            rust_timeout=int(_LOOK * 1000),
            yield_on_timeout=True,
            recursive=False,
        )

    def _changed(self, *, only_touched: bool = False) -> frozenset[Path]:
        """only_touched: read only files with another signature. After an event that would not do:
        two writes within one tick of the file system's clock may have the same one."""
        changed = set()
        for path, told in list(self._told.items()):
            signature = _signature(path)
            if only_touched and signature == self._seen[path]:
                continue
            self._seen[path] = signature
            digest = _digest(path)
            if digest != told:
                self._told[path] = digest
                changed.add(path)
        return frozenset(changed)


def _signature(path: Path) -> _Signature:
    """What changes at least when the content does; None if there is no such file."""
    try:
        status = path.stat()
    except OSError:
        return None
    return status.st_dev, status.st_ino, status.st_size, status.st_mtime_ns


def _digest(path: Path) -> bytes:
    try:
        return hashlib.sha256(path.read_bytes()).digest()
    except OSError as error:
        return str(error.errno).encode()


def _places(paths: Iterable[Path]) -> dict[Path, tuple[int, int]]:
    """The directories to watch, each with what identifies it: its name may come to mean another one."""
    found: dict[Path, tuple[int, int]] = {}
    for path in paths:
        for directory in _lookups(path):
            existing = _nearest(directory)
            status = existing.stat()
            found[existing] = (status.st_dev, status.st_ino)
    return found


def _lookups(path: Path) -> list[Path]:
    """The directories in which a name on the way to the file is looked up that a swap would change.

    They are that of the file and those of each symlink that is followed, in any part of the path.
    """
    directories: list[Path] = []
    todo = list(reversed(Path(os.path.abspath(path)).parts))  # noqa: PTH100 - resolve() follows symlinks
    at = Path(todo.pop())
    links = 0
    while todo:
        name = todo.pop()
        step = at / name
        if name == "..":
            at = at.parent
        elif step.is_symlink() and links < _LINKS:
            links += 1
            directories.append(at)
            target = step.readlink()
            parts = list(target.parts)
            if target.is_absolute():
                at = Path(parts.pop(0))
            todo.extend(reversed(parts))
        else:
            if not todo:
                directories.append(at)
            at = step
    return directories


def _nearest(directory: Path) -> Path:
    """`directory`, or while it does not exist the one in which it, or its parent, would appear."""
    while not directory.is_dir():
        directory = directory.parent
    return directory
