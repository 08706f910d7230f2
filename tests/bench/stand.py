"""Everything that a run needs: providers, the Envoys to compare, and an ext_proc worker for each gateway.

Each site has an Envoy of its own, all of them up at once, only one under load at a time.
"""

from __future__ import annotations

import contextlib
import json
import subprocess
import sys
import urllib.request
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from protos.binary import envoy_binary
from tests.bench import configs
from tests.bench.processes import StandError, accepts, accepts_unix, free_ports, running, until
from tests.bench.rows import PLAIN, TRANSCODER, TRANSCODER_MINIMAL, Kind, gateway_site
from tests.bench.upstream import FACES


@dataclass(frozen=True, slots=True)
class Site:
    """An Envoy under test.

    ports: where it takes requests; ours has one for both kinds.
    worker: the process of ext_proc, if it has one.
    provider: the process that plays the providers, for all sites the same.
    """

    name: str
    ports: Mapping[Kind, int]
    envoy: int
    worker: int | None
    provider: int


class Stand:
    """The sites, by name, each started when `directory` has its files; use `stand`."""

    def __init__(self, directory: Path, stack: contextlib.ExitStack) -> None:
        self._directory = directory
        self._stack = stack
        self.sites: dict[str, Site] = {}
        self._provider = 0

    def start(self, sites: Sequence[str], transports: Sequence[str], *, choice: bool) -> None:
        """Raises: StandError, configs.ConfigError, FileNotFoundError (no Envoy binary)."""
        self._upstreams = self._start_providers()
        for transport in transports:
            name = gateway_site(transport)
            if name in sites or (TRANSCODER in sites and transport == transports[0]):
                self._start_gateway(name, transport if choice else None)
        if TRANSCODER in sites:
            self._start_transcoder(gateway_site(transports[0]))
        buffer = configs.buffer_of(configs.gateway(1, self._upstreams, "unix:unused"))
        if PLAIN in sites:
            self._start_minimal(PLAIN, buffer, {"unary": "openai", "stream": "openai-stream"})
        if TRANSCODER_MINIMAL in sites:
            faces: dict[Kind, str] = {"unary": "anthropic", "stream": "anthropic-stream"}
            self._start_minimal(TRANSCODER_MINIMAL, buffer, faces)

    def log(self, name: str) -> str:
        """What a process said last."""
        return (self._directory / f"{name}.log").read_text(errors="replace")[-2000:]

    def _run(
        self, name: str, argv: Sequence[str], environment: Mapping[str, str] | None = None
    ) -> tuple[subprocess.Popen[bytes], Path]:
        log = self._directory / f"{name}.log"
        return self._stack.enter_context(running(argv, log, environment)), log

    def _start_providers(self) -> dict[str, int]:
        upstreams = dict(zip(FACES, free_ports(len(FACES)), strict=True))
        arguments = [f"{face}={port}" for face, port in upstreams.items()]
        process, log = self._run("upstream", [sys.executable, "-m", "tests.bench.upstream", *arguments])
        until(lambda: all(map(accepts, upstreams.values())), process, log, "the upstream")
        self._provider = process.pid
        return upstreams

    def _start_gateway(self, name: str, transport: str | None) -> None:
        socket = self._directory / f"{name}.sock"
        metrics = self._directory / f"{name}.metrics"
        metrics.mkdir()
        # -P: what is installed, which may be compiled, not what stands in this folder.
        argv = [sys.executable, "-P", "-m", "extproc", "serve", "--listen", f"unix:{socket}"]
        argv += ["--transport", transport] if transport else []
        worker, log = self._run(f"{name}.worker", argv, {"PROMETHEUS_MULTIPROC_DIR": str(metrics)})
        until(lambda: accepts_unix(socket), worker, log, f"the worker of {name}")
        [port] = free_ports(1)
        config = configs.gateway(port, self._upstreams, f"unix:{socket}")
        envoy = self._start_envoy(name, config, [port], worker=log)
        self.sites[name] = Site(name, {"unary": port, "stream": port}, envoy, worker.pid, self._provider)

    def _start_transcoder(self, gateway: str) -> None:
        """The gateway's configuration and worker; the worker serves nothing but health checks."""
        [port] = free_ports(1)
        socket = self._directory / f"{gateway}.sock"
        config = configs.transcoder(configs.gateway(port, self._upstreams, f"unix:{socket}"))
        log = self._directory / f"{gateway}.worker.log"
        envoy = self._start_envoy(TRANSCODER, config, [port], worker=log)
        self.sites[TRANSCODER] = Site(
            TRANSCODER, {"unary": port, "stream": port}, envoy, None, self._provider
        )

    def _start_minimal(self, name: str, buffer: int, faces: Mapping[Kind, str]) -> None:
        ports: dict[Kind, int] = dict(zip(faces, free_ports(len(faces)), strict=True))
        listeners = {ports[kind]: self._upstreams[face] for kind, face in faces.items()}
        make = configs.plain if name == PLAIN else configs.transcoder_minimal
        envoy = self._start_envoy(name, make(listeners, buffer), list(ports.values()))
        self.sites[name] = Site(name, ports, envoy, None, self._provider)

    def _start_envoy(
        self, name: str, config: dict[str, Any], ports: Sequence[int], *, worker: Path | None = None
    ) -> int:
        """worker: the log of the worker that must be healthy too."""
        file = self._directory / f"{name}.json"
        file.write_text(json.dumps(config))
        argv = [str(envoy_binary()), "-c", str(file), *_ENVOY_OPTIONS]
        process, log = self._run(name, argv)
        until(lambda: all(map(accepts, ports)), process, log, f"Envoy {name}")
        if worker is not None:
            until(lambda: _ready(ports[0]), process, worker, f"ext_proc of {name}")
        return process.pid


_ENVOY_OPTIONS: Final = (
    *("--concurrency", "1", "--disable-hot-restart", "-l", "warning", "--component-log-level", "misc:error"),
)


def _ready(port: int) -> bool:
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/health/ready", timeout=2) as response:
            return int(response.status) == 200
    except OSError:
        return False


@contextlib.contextmanager
def stand(
    directory: Path, sites: Sequence[str], transports: Sequence[str], *, choice: bool
) -> Iterator[Stand]:
    """All that `sites` need, until the block ends. Raises: as `Stand.start`."""
    with contextlib.ExitStack() as stack:
        brought_up = Stand(directory, stack)
        brought_up.start(sites, transports, choice=choice)
        missing = set(sites) - set(brought_up.sites)
        if missing:
            raise StandError(f"nobody starts {', '.join(sorted(missing))}")
        yield brought_up
