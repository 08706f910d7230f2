"""A small blocking client of ``/_sim/*``, over TCP, TLS or a unix socket."""

from __future__ import annotations

import http.client
import json
import socket
import ssl
from http import HTTPStatus
from pathlib import Path
from typing import Any

from simulator.control import PREFIX
from simulator.server import Listen

_TIMEOUT = 30.0


class ControlClient:
    """Asks the simulator that listens at `listen` (on `port`, if that was chosen freely)."""

    def __init__(self, listen: Listen, port: int) -> None:
        self._listen = listen
        self._port = port

    def ask(self, method: str, what: str, value: Any = None) -> Any:
        """The JSON answer of ``/_sim/<what>``.

        Raises: ValueError with the simulator's words for a request it refuses.
        """
        connection = self._connection()
        try:
            connection.request(method, PREFIX + what, None if value is None else json.dumps(value))
            response = connection.getresponse()
            answer = json.loads(response.read())
        finally:
            connection.close()
        if response.status != HTTPStatus.OK:
            raise ValueError(answer["error"])
        return answer

    def _connection(self) -> http.client.HTTPConnection:
        if self._listen.uds is not None:
            return _UnixConnection(self._listen.uds)
        if self._listen.tls_cert is None:
            return http.client.HTTPConnection(self._listen.host, self._port, timeout=_TIMEOUT)
        context = ssl.create_default_context(cafile=str(self._listen.tls_cert))
        context.check_hostname = False
        context.verify_flags |= ssl.VERIFY_X509_PARTIAL_CHAIN  # trusts exactly this certificate
        return http.client.HTTPSConnection(self._listen.host, self._port, timeout=_TIMEOUT, context=context)


class _UnixConnection(http.client.HTTPConnection):
    def __init__(self, path: Path) -> None:
        super().__init__("localhost", timeout=_TIMEOUT)
        self._path = path

    def connect(self) -> None:
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.sock.connect(str(self._path))
