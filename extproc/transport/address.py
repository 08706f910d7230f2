"""Whether an address can be listened on, and if not why, in the system's own words.

A transport's library may know less: grpc says only that it failed, or takes the socket of a process that
is alive.
"""

from __future__ import annotations

import socket
import stat
from pathlib import Path


def inherited(address: str) -> socket.socket | None:
    """The listening socket that ``fd:N`` names, opened by whoever started us; None for other addresses.

    It outlives this process: what connects between two processes waits for the next one, and is not refused.

    Raises:
        OSError: there is none with that number.
    """
    kind, _, number = address.partition(":")
    if kind != "fd" or not number.isdecimal():
        return None
    try:
        return socket.socket(fileno=int(number))
    except OSError as error:
        raise OSError(f"cannot listen on {address}: {error.strerror or error}") from error


def check_free(address: str) -> None:
    """Make sure that `address` (``unix:PATH`` or ``HOST:PORT``) can be bound; clear what a dead process left.

    Raises:
        OSError: it cannot, because of this.
    """
    try:
        if address.startswith("unix:"):
            _check_path(Path(address.removeprefix("unix:")))
        else:
            _check_port(address)
    except OSError as error:
        raise OSError(f"cannot listen on {address}: {error.strerror or error}") from error


def _check_path(path: Path) -> None:
    if path.exists() and stat.S_ISSOCK(path.stat().st_mode):
        with socket.socket(socket.AF_UNIX) as probe:
            if probe.connect_ex(str(path)) == 0:
                raise OSError("another process serves it")
        path.unlink()
    with socket.socket(socket.AF_UNIX) as probe:
        probe.bind(str(path))
    path.unlink()


def _check_port(address: str) -> None:
    host, colon, port = address.rpartition(":")
    if not colon or not host or not port.isdecimal() or int(port) > 65535:  # noqa: PLR2004 - the last port
        raise OSError("not unix:PATH or HOST:PORT")
    found = socket.getaddrinfo(host.strip("[]"), int(port), type=socket.SOCK_STREAM)
    for family, kind, protocol, _, where in found:
        with socket.socket(family, kind, protocol) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind(where)
