"""A group's private directory: sockets, counters, the last good configuration. Only its owner may look in.

It holds secrets, so it is made where no disk is, if there is such a place. A lock in it, held as long as the
supervisor lives, tells a directory in use from one whose supervisor was killed; the next start removes those.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import shutil
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

PREFIX: Final = "llm-gateway-"
_LONGEST_BASE: Final = 60
"""Characters: a socket's path may have 107 (unix(7))."""
_NEWBORN: Final = 60.0
"""Seconds that a directory may be without its lock: its supervisor is just making it."""


@dataclass(frozen=True, slots=True)
class Places:
    """Where things are in the directory `root`."""

    root: Path

    @property
    def ads(self) -> Path:
        """The control plane's socket."""
        return self.root / "ads.sock"

    @property
    def envoy_admin(self) -> Path:
        return self.root / "envoy.sock"

    @property
    def metrics(self) -> Path:
        """Counters of the workers (``PROMETHEUS_MULTIPROC_DIR``)."""
        return self.root / "metrics"

    @property
    def bootstrap(self) -> Path:
        """What Envoy starts with when the control plane is there."""
        return self.root / "envoy.json"

    @property
    def last_good(self) -> Path:
        """See `controlplane.group.generations`."""
        return self.root / "last-good"

    @property
    def state(self) -> Path:
        """See `controlplane.group.state`."""
        return self.root / "group.json"

    def worker(self, number: int) -> Path:
        return self.root / f"extproc-{number}.sock"


def bases(environment: Mapping[str, str]) -> list[Path]:
    """Where a private directory may be, best first: memory, cleaned by the system, before disks."""
    wanted = [
        environment.get("RUNTIME_DIRECTORY", "").partition(":")[0],  # systemd.exec(5), RuntimeDirectory=
        environment.get("XDG_RUNTIME_DIR", ""),
        "/dev/shm",  # noqa: S108 - the directory made in it is private
        tempfile.gettempdir(),
    ]
    usable = [
        Path(path)
        for path in wanted
        if path and len(path) <= _LONGEST_BASE and Path(path).is_dir() and os.access(path, os.W_OK | os.X_OK)
    ]
    return list(dict.fromkeys(usable)) or [Path(tempfile.gettempdir())]


@contextlib.contextmanager
def private_directory(among: Sequence[Path]) -> Iterator[Places]:
    """A new directory in the first of `among`, gone afterwards; those of dead groups go first."""
    for base in among:
        _clean(base)
    root = Path(tempfile.mkdtemp(prefix=PREFIX, dir=among[0]))
    lock = _lock(root)
    try:
        places = Places(root)
        places.metrics.mkdir()
        yield places
    finally:
        shutil.rmtree(root, ignore_errors=True)
        os.close(lock)


def _lock(root: Path) -> int:
    """The lock gets its name only once it is held: whoever sees it unlocked sees a dead group."""
    unnamed = root / "lock.new"
    lock = os.open(unnamed, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    unnamed.rename(root / "lock")
    return lock


def _clean(base: Path) -> None:
    with contextlib.suppress(OSError), os.scandir(base) as entries:
        for entry in entries:
            with contextlib.suppress(OSError):
                if entry.name.startswith(PREFIX) and entry.is_dir(follow_symlinks=False):
                    _clean_one(Path(entry.path), entry.stat(follow_symlinks=False))


def _clean_one(root: Path, status: os.stat_result) -> None:
    if status.st_uid != os.geteuid():
        return
    try:
        lock = os.open(root / "lock", os.O_RDWR | os.O_NOFOLLOW | os.O_CLOEXEC)
    except FileNotFoundError:
        if time.time() - status.st_mtime > _NEWBORN:
            shutil.rmtree(root, ignore_errors=True)
        return
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return  # its supervisor lives
    else:
        shutil.rmtree(root, ignore_errors=True)
    finally:
        os.close(lock)
