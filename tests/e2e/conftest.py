"""One simulator for each test process, and gateways whose credentials are checked afterwards."""

from __future__ import annotations

import contextlib
import itertools
import os
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

import pytest

from controlplane.catalogue.providers import PROVIDER_TYPES
from simulator import Simulator, running
from tests.e2e.harness import CLIENT_KEY, Gateway, running_gateway

_numbers = itertools.count(1)


@pytest.fixture(scope="session")
def simulator() -> Iterator[Simulator]:
    with running(process=True) as simulator:
        yield simulator


def _path(kind: str, *, dated: bool) -> str:
    """Where the simulator, as the vendor, has the endpoints of a provider of type `kind`."""
    row = PROVIDER_TYPES[kind]
    if row.path_required:
        return "/v1/projects/acme/locations/global"
    return (row.versioned_path if dated else row.default_path) or "/v1"


class Accounts:
    """Accounts at the simulator, each with a key of its own, that nobody else uses."""

    def __init__(self, simulator: Simulator, directory: Path) -> None:
        self.simulator = simulator
        self.directory = directory
        self._prefix = f"w{os.getpid()}n{next(_numbers)}"
        self._keys: dict[str, str] = {}

    def key(self, name: str) -> str:
        """The key that the account `name` expects; every other is refused with 401."""
        if name not in self._keys:
            self._keys[name] = f"sk-{self._prefix}-{name}"
            self.simulator.configure(self.full(name), api_key=self._keys[name])
        return self._keys[name]

    def full(self, name: str) -> str:
        return f"{self._prefix}-{name}"

    def provider(self, name: str, kind: str, **more: Any) -> str:
        """The YAML (flow style) of a provider whose account is `name`, at the address that its type has."""
        (self.directory / f"{name}.key").write_text(self.key(name) + "\n")
        fields = {
            "type": kind,
            "base_url": f"{self.simulator.url}/{self.full(name)}{_path(kind, dated='api_version' in more)}",
            "api_key": f"{{file: {name}.key}}",
            **more,
        }
        return "{" + ", ".join(f"{key}: {value}" for key, value in fields.items()) + "}"

    def fault(self, name: str, **knobs: Any) -> None:
        self.simulator.fault(account=self.full(name), **knobs)

    def clear(self, *names: str) -> None:
        for name in names or tuple(self._keys):
            self.simulator.clear_faults(self.full(name))

    def requests(self, name: str) -> list[dict[str, Any]]:
        return [
            r
            for r in self.simulator.requests(account=self.full(name))
            if r["path"].endswith(("/chat/completions", "/messages"))
        ]

    def rotate(self, name: str) -> str:
        """A new key; the account takes any from now on, and what it gets is not checked any more."""
        del self._keys[name]
        self.simulator.configure(self.full(name), api_key=None)
        return f"sk-{self._prefix}-{name}-rotated"

    def last_key(self, name: str) -> str | None:
        """What the newest request to the account carried as authorization."""
        headers = self.requests(name)[-1]["headers"]
        return next((value for header, value in headers if header.lower() == "authorization"), None)

    def check_credentials(self) -> None:
        """No provider received another's credential, the client's key or the client's authorization."""
        for name, own in self._keys.items():
            foreign = {CLIENT_KEY, *self._keys.values()} - {own}
            for request in self.simulator.requests(account=self.full(name)):
                carried = [value for _, value in request["headers"]]
                assert not [value for value in carried for secret in foreign if secret in value], request
                [(header, value)] = [pair for pair in request["headers"] if own in pair[1]]
                assert value == (f"Bearer {own}" if header.lower() == "authorization" else own), request
                assert not any(header.lower().startswith("x-llm-gateway") for header, _ in request["headers"])


Start = Callable[..., AbstractContextManager[Gateway]]


@pytest.fixture
def accounts(simulator: Simulator, tmp_path: Path) -> Iterator[Accounts]:
    found = Accounts(simulator, tmp_path)
    yield found
    found.check_credentials()


@pytest.fixture
def start(tmp_path: Path) -> Start:
    """Starts a gateway on a YAML text; a context manager."""

    @contextlib.contextmanager
    def starter(config: str, *arguments: str) -> Iterator[Gateway]:
        with running_gateway(tmp_path, config, *arguments) as gateway:
            yield gateway

    return starter
