"""Requests at the socket level, for what no HTTP client would show."""

from __future__ import annotations

import json
import socket
import time
from dataclasses import dataclass
from typing import Any

from simulator import Simulator

OPENAI = {"model": "m", "messages": [{"role": "user", "content": "one two three"}]}
ANTHROPIC = {**OPENAI, "max_tokens": 100}


@dataclass(frozen=True)
class RawResponse:
    """What came until the connection ended; `reset` if it ended with a reset."""

    status: int | None
    headers: dict[str, str]
    body: bytes
    reset: bool
    complete: bool

    @property
    def chunks(self) -> list[bytes]:
        """The chunks of a chunked body."""
        found, rest = [], self.body
        while rest:
            size, _, rest = rest.partition(b"\r\n")
            found.append(rest[: int(size, 16)])
            rest = rest[int(size, 16) + 2 :]
        return [chunk for chunk in found if chunk]


def request_bytes(path: str, body: dict[str, Any] | bytes, *, method: str = "POST") -> bytes:
    data = body if isinstance(body, bytes) else json.dumps(body).encode()
    head = (
        f"{method} {path} HTTP/1.1\r\nhost: x\r\nauthorization: Bearer key\r\nx-api-key: key\r\n"
        f"anthropic-version: 2023-06-01\r\ncontent-type: application/json\r\nconnection: close\r\n"
        f"content-length: {len(data)}\r\n\r\n"
    )
    return head.encode() + data


def ask(
    simulator: Simulator, path: str, body: dict[str, Any] | bytes, *, method: str = "POST"
) -> RawResponse:
    """The whole response."""
    received, reset = b"", False
    with connect(simulator) as connection:
        connection.sendall(request_bytes(path, body, method=method))
        try:
            while data := connection.recv(65536):
                received += data
        except ConnectionResetError:
            reset = True
    return parse(received, reset=reset)


def connect(simulator: Simulator) -> socket.socket:
    return socket.create_connection(("127.0.0.1", simulator.port), timeout=30)


def read_until(connection: socket.socket, mark: bytes) -> bytes:
    received = b""
    while mark not in received:
        data = connection.recv(65536)
        assert data, received
        received += data
    return received


def parse(received: bytes, *, reset: bool = False) -> RawResponse:
    if not received:
        return RawResponse(None, {}, b"", reset, complete=False)
    head, _, body = received.partition(b"\r\n\r\n")
    first, *lines = head.decode().split("\r\n")
    headers = {name.lower(): value for name, _, value in (line.partition(": ") for line in lines)}
    if "content-length" in headers:
        complete = len(body) == int(headers["content-length"])
    else:
        complete = body.endswith(b"0\r\n\r\n")
    return RawResponse(int(first.split()[1]), headers, body, reset, complete)


def outcome(simulator: Simulator, account: str) -> str:
    """How the account's last request ended; waits until it has."""
    while (found := simulator.requests(account)[-1]["outcome"]) == "open":
        time.sleep(0.01)
    return found
