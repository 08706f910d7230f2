"""A real gateway for tests: `llm-gateway up` as a process, simulated providers behind it."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import socket
import subprocess
import sys
import threading
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import openai

from tests.e2e.waiting import until

CLIENT_KEY = "sk-client-of-the-gateway"
"""What applications present; no provider may ever see it."""
START_LIMIT = 60
COMMAND = Path(sys.executable).with_name("llm-gateway")


def free_port() -> int:
    with contextlib.closing(socket.socket()) as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


class Gateway:
    """`llm-gateway up` on `config`, a YAML text with {port} and {admin} to fill in."""

    def __init__(self, directory: Path, config: str, *arguments: str) -> None:
        self.port, self.admin_port = free_port(), free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.admin_url = f"http://127.0.0.1:{self.admin_port}"
        self.file = directory / "gateway.yaml"
        self._arguments = arguments
        self.log: list[str] = []
        self.write(config)

    def write(self, config: str) -> None:
        """Replace the configuration, as an editor does: a new file renamed over the old one."""
        new = self.file.with_suffix(".new")
        new.write_text(config.replace("{port}", str(self.port)).replace("{admin}", str(self.admin_port)))
        new.replace(self.file)

    def start(self) -> None:
        self._process = subprocess.Popen(
            [
                str(COMMAND),
                "up",
                "-c",
                str(self.file),
                "--concurrency",
                "2",
                *self._arguments,
            ],
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            env={**os.environ, "PYTHONWARNINGS": "error"},
        )
        ready = threading.Event()
        self._reader = threading.Thread(target=self._read, args=(ready,))
        self._reader.start()
        if not ready.wait(START_LIMIT) or not any(line.startswith("ready:") for line in self.log):
            self.stop()
            raise AssertionError("the gateway did not start:\n" + "".join(self.log))

    def _read(self, ready: threading.Event) -> None:
        assert self._process.stdout is not None
        with self._process.stdout:
            for line in self._process.stdout:
                self.log.append(line)
                if line.startswith("ready:"):
                    ready.set()
        ready.set()

    @property
    def pid(self) -> int:
        return self._process.pid

    def stop(self) -> int:
        """SIGTERM; the exit status."""
        if self._process.poll() is None:
            self._process.send_signal(signal.SIGTERM)
        try:
            status = self._process.wait(40)
        except subprocess.TimeoutExpired:
            self._process.kill()
            status = self._process.wait()
        self._reader.join(10)
        return status

    def check_log(self) -> None:
        """Nothing that looks like a crash."""
        bad = [
            line
            for line in self.log
            if "Traceback" in line or "bug in request" in line or "[critical]" in line
        ]
        assert not bad, "".join(self.log[-200:])

    def openai(self, **options: Any) -> openai.OpenAI:
        return openai.OpenAI(base_url=f"{self.url}/v1", api_key=CLIENT_KEY, max_retries=0, **options)

    def async_openai(self, **options: Any) -> openai.AsyncOpenAI:
        return openai.AsyncOpenAI(base_url=f"{self.url}/v1", api_key=CLIENT_KEY, max_retries=0, **options)

    def status(self) -> dict[str, Any]:
        with urllib.request.urlopen(f"{self.admin_url}/status", timeout=10) as response:
            found: dict[str, Any] = json.load(response)
        return found

    def metric(self, name: str) -> float:
        """The sum of a metric's samples."""
        with urllib.request.urlopen(f"{self.admin_url}/metrics", timeout=10) as response:
            lines = response.read().decode().splitlines()
        return sum(
            float(line.rpartition(" ")[2]) for line in lines if line.startswith((f"{name}{{", f"{name} "))
        )

    def until(self, condition: Any, limit: float = 15.0) -> Any:
        """See `waiting.until`; a failure shows the log."""
        try:
            return until(condition, limit)
        except AssertionError as error:
            raise AssertionError(f"{error}\n{''.join(self.log[-50:])}") from error


@contextlib.contextmanager
def running_gateway(directory: Path, config: str, *arguments: str) -> Iterator[Gateway]:
    gateway = Gateway(directory, config, *arguments)
    gateway.start()
    try:
        yield gateway
    finally:
        status = gateway.stop()
    assert status == 0, "".join(gateway.log[-100:])
    gateway.check_log()
