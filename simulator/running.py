"""The simulator from Python: in a thread of this process, or as a process of its own.

with running() as sim:                      # or: async with
    client = openai.OpenAI(base_url=f"{sim.url}/openai-a/v1", api_key="any")
    sim.fault(account="openai-a", status=503, times=1)
    sim.requests(account="openai-a")
"""

from __future__ import annotations

import asyncio
import subprocess
import sys
import threading
from concurrent.futures import Future
from types import TracebackType
from typing import Any
from urllib.parse import urlencode

from simulator.client import ControlClient
from simulator.server import Listen, Server

START_TIMEOUT = 60.0
"""Seconds; the SDKs whose types check requests take a few to import."""


class Simulator:
    """A running simulator. The methods block for the time of one small request.

    url: ``http://127.0.0.1:PORT``, or ``unix:PATH``.
    port: 0 for a unix socket.
    """

    def __init__(self, url: str, listen: Listen) -> None:
        self.url = url
        self.port = 0 if listen.uds else int(url.rpartition(":")[2])
        self._client = ControlClient(listen, self.port)

    def requests(self, account: str | None = None) -> list[dict[str, Any]]:
        """What arrived, oldest first; see recorder.Recorded.view."""
        found: list[dict[str, Any]] = self._client.ask("GET", f"requests{_query(account)}")
        return found

    def clear(self) -> None:
        """Forget requests, faults and account settings."""
        for what in ("requests", "faults", "accounts"):
            self._client.ask("DELETE", what)

    def fault(self, **knobs: Any) -> str:
        """Adds a fault (the knobs are in faults.py); returns its id.

        Raises: ValueError naming an invalid knob.
        """
        identifier: str = self._client.ask("POST", "faults", knobs)["ids"][0]
        return identifier

    def faults(self) -> list[dict[str, Any]]:
        """The faults in force."""
        found: list[dict[str, Any]] = self._client.ask("GET", "faults")
        return found

    def clear_faults(self, account: str | None = None) -> None:
        """Forget all faults, or those of one account."""
        self._client.ask("DELETE", f"faults{_query(account)}")

    def configure(self, account: str, **settings: Any) -> None:
        """Sets an account's ``api_key``, ``models`` or ``allow_unknown_fields``.

        Raises: ValueError naming an invalid setting.
        """
        self._client.ask("POST", "accounts", {"account": account, **settings})


def _query(account: str | None) -> str:
    return "" if account is None else "?" + urlencode({"account": account})


class running:  # noqa: N801 - reads as a function
    """Context manager, sync and async, whose value is a Simulator.

    process: a process of its own, for load; the default is a thread, which starts faster.
    options: the fields of server.Listen.

    Raises: OSError or RuntimeError if it cannot start.
    """

    def __init__(self, *, process: bool = False, **options: Any) -> None:
        listen = Listen(**options)
        self._host: _Process | _Thread = _Process(listen) if process else _Thread(listen)
        self._listen = listen

    def __enter__(self) -> Simulator:
        return Simulator(self._host.start(), self._listen)

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._host.stop()

    async def __aenter__(self) -> Simulator:
        return Simulator(await asyncio.to_thread(self._host.start), self._listen)

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await asyncio.to_thread(self._host.stop)


class _Thread:
    """A server on a loop of its own."""

    def __init__(self, listen: Listen) -> None:
        self._listen = listen
        self._url: Future[str] = Future()
        self._loop = asyncio.new_event_loop()
        self._ended = asyncio.Event()
        self._thread = threading.Thread(target=self._run, name="simulator", daemon=True)

    def start(self) -> str:
        self._thread.start()
        return self._url.result(START_TIMEOUT)

    def stop(self) -> None:
        self._loop.call_soon_threadsafe(self._ended.set)
        self._thread.join()

    def _run(self) -> None:
        with asyncio.Runner(loop_factory=lambda: self._loop) as runner:
            runner.run(self._serve())

    async def _serve(self) -> None:
        server = Server()
        try:
            self._url.set_result(await server.start(self._listen))
            await self._ended.wait()
        except OSError as error:
            self._url.set_exception(error)
        finally:
            await server.stop()


class _Process:
    """``python -m simulator``."""

    def __init__(self, listen: Listen) -> None:
        options = {
            "--host": listen.host,
            "--port": listen.port,
            "--uds": listen.uds,
            "--tls-cert": listen.tls_cert,
            "--tls-key": listen.tls_key,
        }
        given = [f"{name}={value}" for name, value in options.items() if value is not None]
        self._command = [sys.executable, "-m", "simulator", *given]
        self._process: subprocess.Popen[str] | None = None

    def start(self) -> str:
        self._process = subprocess.Popen(self._command, stdout=subprocess.PIPE, text=True)  # noqa: S603
        assert self._process.stdout is not None  # noqa: S101 - it is a pipe
        line = self._process.stdout.readline()
        if not line.startswith("listening on "):
            self.stop()
            raise RuntimeError("the simulator did not start; it said why on stderr")
        return line.removeprefix("listening on ").strip()

    def stop(self) -> None:
        if self._process is not None:
            self._process.terminate()
            self._process.communicate()
