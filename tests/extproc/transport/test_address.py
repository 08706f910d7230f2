"""Why an address cannot be listened on."""

from __future__ import annotations

import socket
import tempfile
from pathlib import Path

import pytest

from extproc.transport.address import check_free


@pytest.fixture
def directory():
    """Short: the path of a socket has 107 bytes, and tmp_path may be longer."""
    with tempfile.TemporaryDirectory(prefix="extproc-") as path:
        yield Path(path)


def test_a_free_path_stays_free(directory):
    check_free(f"unix:{directory / 's'}")
    assert list(directory.iterdir()) == []


def test_a_free_port_stays_free():
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = probe.getsockname()[1]
    check_free(f"127.0.0.1:{port}")
    socket.create_server(("127.0.0.1", port)).close()


@pytest.mark.parametrize("address", ["localhost:0", "127.0.0.1:0", "0.0.0.0:0"])
def test_any_free_port(address):
    check_free(address)


def test_what_a_dead_process_left_is_removed(directory):
    with socket.socket(socket.AF_UNIX) as dead:
        dead.bind(str(directory / "s"))
        dead.listen()
    check_free(f"unix:{directory / 's'}")
    assert list(directory.iterdir()) == []


def test_the_socket_of_a_living_process_stays(directory):
    with socket.socket(socket.AF_UNIX) as alive:
        alive.bind(str(directory / "s"))
        alive.listen()
        with pytest.raises(OSError, match=r"^cannot listen on unix:.*/s: another process serves it$"):
            check_free(f"unix:{directory / 's'}")
    assert (directory / "s").exists()


def test_a_port_that_is_taken():
    with socket.create_server(("127.0.0.1", 0)) as taken:
        address = f"127.0.0.1:{taken.getsockname()[1]}"
        with pytest.raises(OSError, match=f"^cannot listen on {address}: Address already in use$"):
            check_free(address)


def test_a_file_is_not_taken_for_a_socket(directory):
    (directory / "s").write_text("precious")
    with pytest.raises(OSError, match="Address already in use"):
        check_free(f"unix:{directory / 's'}")
    assert (directory / "s").read_text() == "precious"


@pytest.mark.parametrize(
    ("address", "reason"),
    [
        ("unix:/nowhere/at/all", "No such file or directory"),
        ("unix:/tmp/" + "s" * 120, "AF_UNIX path too long"),
        ("nonsense", "not unix:PATH or HOST:PORT"),
        (":8080", "not unix:PATH or HOST:PORT"),
        ("127.0.0.1:", "not unix:PATH or HOST:PORT"),
        ("127.0.0.1:http", "not unix:PATH or HOST:PORT"),
        ("127.0.0.1:65536", "not unix:PATH or HOST:PORT"),
        ("192.0.2.1:80", "Cannot assign requested address"),
    ],
)
def test_reasons(address, reason):
    with pytest.raises(OSError) as raised:
        check_free(address)
    assert str(raised.value) == f"cannot listen on {address}: {reason}"
