"""Just enough HTTP/1.1 for a client that trusts its peer, without I/O."""

from __future__ import annotations

from typing import Final

_END: Final = b"\r\n\r\n"


def post(authority: str, path: str, body: bytes) -> bytes:
    """A request as bytes."""
    head = (
        f"POST {path} HTTP/1.1\r\nhost: {authority}\r\nuser-agent: bench\r\n"
        "accept: application/json\r\nauthorization: Bearer sk-client-of-the-gateway\r\n"
        f"content-type: application/json\r\ncontent-length: {len(body)}\r\n\r\n"
    )
    return head.encode() + body


class ResponseReader:
    """One response: feed it until it is complete.

    status: 0 until the head is there.
    headers: names in lower case.
    body: without the chunked coding.
    """

    def __init__(self) -> None:
        self.status = 0
        self.headers: dict[str, str] = {}
        self.body = bytearray()
        self.complete = False
        self._buffer = bytearray()
        self._left: int | None = None

    def feed(self, data: bytes) -> bool:
        """Whether the response is complete.

        Raises: ValueError: this is not a response that can be read.
        """
        self._buffer += data
        if not self.status:
            end = self._buffer.find(_END)
            if end < 0:
                return False
            self._head(bytes(self._buffer[:end]))
            del self._buffer[: end + 4]
        if self._left is not None:
            self._sized(self._left)
        else:
            while not self.complete and self._chunk():
                pass
        return self.complete

    def _head(self, head: bytes) -> None:
        status_line, *lines = head.decode("latin-1").split("\r\n")
        version, _, rest = status_line.partition(" ")
        if not version.startswith("HTTP/1.") or not rest[:3].isdigit():
            raise ValueError(f"not a status line: {status_line!r}")
        self.status = int(rest[:3])
        for line in lines:
            name, _, value = line.partition(":")
            self.headers[name.lower()] = value.strip()
        if "content-length" in self.headers:
            self._left = int(self.headers["content-length"])
        elif self.headers.get("transfer-encoding") != "chunked":
            raise ValueError("neither a length nor chunks")

    def _sized(self, length: int) -> None:
        self.body += self._buffer
        self._buffer.clear()
        self.complete = len(self.body) >= length

    def _chunk(self) -> bool:
        """Take one whole chunk; False: it is not there yet."""
        line = self._buffer.find(b"\r\n")
        if line < 0:
            return False
        size = int(self._buffer[:line].partition(b";")[0], 16)
        end = line + 2 + size
        if len(self._buffer) < end + 2:
            return False
        self.body += self._buffer[line + 2 : end]
        del self._buffer[: end + 2]
        self.complete = size == 0
        return True
