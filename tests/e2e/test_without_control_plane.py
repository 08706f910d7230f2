"""The control plane is away, or cannot start, or finds a broken file: traffic flows, and Envoy can start."""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import time
from typing import Any

import openai
import pytest

from controlplane.group import generations
from tests.e2e.conftest import Accounts, Start
from tests.e2e.harness import Gateway
from tests.e2e.processes import children, group_directory
from tests.e2e.test_kills import LIMIT, config

HELLO: Any = [{"role": "user", "content": "hello"}]
MODELS = ("native", "translated", "failover")
pytestmark = pytest.mark.alone


def answers(gateway: Gateway, *models: str) -> bool:
    """Each of them does, and streams."""
    with gateway.openai(timeout=10) as client:
        try:
            for model in models or MODELS:
                assert client.chat.completions.create(model=model, messages=HELLO).choices
                chunks = list(client.chat.completions.create(model=model, messages=HELLO, stream=True))
                assert chunks[-1].choices[0].finish_reason == "stop"
        except openai.APIError:
            return False
    return True


def kill(gateway: Gateway, kind: str) -> int:
    (victim,) = children(gateway.pid)[kind]
    os.kill(victim, signal.SIGKILL)
    return victim


def status(gateway: Gateway) -> Any:
    """None while the control plane is away."""
    try:
        return gateway.status()
    except OSError:
        return None


def back(gateway: Gateway, victim: int) -> Any:
    """The status that the next control plane tells."""
    gateway.until(lambda: children(gateway.pid)["control plane"] not in ([], [victim]))
    return gateway.until(lambda: status(gateway))


def kept(gateway: Gateway) -> str:
    """The version of the last good configuration on disk; "" before there is one."""
    file = group_directory(gateway.pid) / "last-good" / "current" / "version"
    return file.read_text() if file.exists() else ""


class Obstacle:
    """A directory where the control plane wants its socket: it cannot start until that is gone."""

    def __init__(self, gateway: Gateway) -> None:
        self._gateway = gateway
        self._socket = group_directory(gateway.pid) / "ads.sock"

    def __enter__(self) -> None:
        self._socket.unlink()
        self._socket.mkdir()
        kill(self._gateway, "control plane")
        self._gateway.until(lambda: self._deaths() >= 3)

    def __exit__(self, *_: object) -> None:
        self._socket.rmdir()
        self._gateway.until(lambda: status(self._gateway))

    def _deaths(self) -> int:
        return sum("control plane ended" in line for line in self._gateway.log)


def test_a_new_envoy_starts_from_the_last_configuration(accounts: Accounts, start: Start) -> None:
    with start(config(accounts)) as gateway:
        gateway.write(config(accounts, "  added: {target: openai/added}"))  # what counts is the last one
        gateway.until(lambda: answers(gateway, "added"))
        gateway.until(lambda: kept(gateway) == gateway.status()["config"]["version"])
        with Obstacle(gateway):
            assert answers(gateway)
            kill(gateway, "envoy")
            killed = time.monotonic()
            gateway.until(lambda: answers(gateway, "native"))
            assert time.monotonic() - killed < LIMIT
            assert answers(gateway, *MODELS, "added")
        told = gateway.status()
        assert told["group"]["envoy_from"] == "files"
        assert gateway.metric("llm_gateway_envoy_from_files") == 1
        assert any("files of the last good configuration" in line for line in gateway.log)

        # Such an Envoy is live-editable …
        more = config(accounts, "  more: {target: third/claude-haiku-4-5}").replace(
            "models:", f"  third: {accounts.provider('third', 'anthropic')}\nmodels:"
        )
        gateway.write(more)
        gateway.until(lambda: answers(gateway, "more"))
        gateway.until(lambda: gateway.status()["config"]["version"] != told["config"]["version"])
        # … and what it refuses is taken back …
        gateway.write(more.replace("address: 127.0.0.1,", "address: 192.0.2.1,"))
        gateway.until(lambda: not gateway.status()["config"]["in_force"])
        assert "Envoy refused" in gateway.status()["config"]["problems"][0]
        gateway.write(more)
        gateway.until(lambda: gateway.status()["config"]["in_force"])
        assert answers(gateway, *MODELS, "more")
        # … and its next start uses ADS again.
        kill(gateway, "envoy")
        gateway.until(lambda: gateway.status()["envoys"])
        assert gateway.status()["group"]["envoy_from"] == "ads"
        assert gateway.metric("llm_gateway_envoy_from_files") == 0
        gateway.until(lambda: answers(gateway, *MODELS, "more"))


def test_a_broken_file_does_not_matter_to_the_next_control_plane(accounts: Accounts, start: Start) -> None:
    with start(config(accounts)) as gateway:
        before = gateway.status()["config"]
        gateway.until(lambda: kept(gateway) == before["version"])
        pushes = gateway.metric("envoy_cluster_manager_cds_update_success")
        gateway.write("models: [")
        gateway.until(lambda: not gateway.status()["config"]["in_force"])
        (gateway.file.parent / "openai.key").unlink()  # a secret of the last good one is gone too
        told = back(gateway, kill(gateway, "control plane"))
        assert told["config"]["version"] == before["version"]
        assert not told["config"]["in_force"]
        assert str(gateway.file) in told["config"]["problems"][0]
        assert set(told["providers"]) == {"openai", "claude"}
        assert gateway.metric("llm_gateway_config_in_force") == 0
        gateway.until(lambda: gateway.status()["envoys"])
        gateway.until(lambda: gateway.status()["envoys"][0]["config_version"] == before["version"])
        # The same versions: nothing was sent again.
        assert gateway.metric("envoy_cluster_manager_cds_update_success") == pushes
        assert answers(gateway)

        # An Envoy that starts now has the last good one too.
        kill(gateway, "envoy")
        gateway.until(lambda: answers(gateway))

        (gateway.file.parent / "openai.key").write_text(accounts.key("openai"))
        gateway.write(config(accounts, "  added: {target: openai/added}"))
        gateway.until(lambda: answers(gateway, "added"))
        assert gateway.status()["config"]["in_force"]
        assert gateway.metric("llm_gateway_config_in_force") == 1


def test_a_damaged_last_good_configuration(accounts: Accounts, start: Start) -> None:
    with start(config(accounts)) as gateway:
        current = group_directory(gateway.pid) / "last-good" / "current"
        gateway.until(lambda: kept(gateway) == gateway.status()["config"]["version"])
        for name in ("input.json", "clusters.json"):
            (current / name).write_bytes((current / name).read_bytes()[:-7])
        # With a good file nobody needs it.
        told = back(gateway, kill(gateway, "control plane"))
        assert told["config"]["in_force"]
        assert any("damaged" in line for line in gateway.log)
        # With a broken one the control plane waits for a better one, and traffic flows.
        gateway.until(lambda: gateway.status()["envoys"])
        gateway.until(lambda: generations.read(current.parent))  # it was written again
        (current / "input.json").write_bytes(b"{}")
        gateway.write("models: [")
        kill(gateway, "control plane")
        gateway.until(lambda: any("the control plane cannot start" in line for line in gateway.log))
        assert answers(gateway)
        # Then an Envoy that starts has nothing to start from, and waits too.
        kill(gateway, "envoy")
        gateway.until(lambda: any("damaged; envoy waits" in line for line in gateway.log))
        gateway.write(config(accounts))
        gateway.until(lambda: answers(gateway))
        gateway.until(lambda: (told := status(gateway)) and told["config"]["in_force"])


def binds(holder: socket.socket, port: int) -> bool:
    """Once the dead process is gone to its last thread."""
    with contextlib.suppress(OSError):
        holder.bind(("127.0.0.1", port))
        return True
    return False


def test_a_port_that_was_taken_meanwhile(accounts: Accounts, start: Start) -> None:
    """The admin listener waits for its port; edits are live without it."""
    with start(config(accounts)) as gateway:
        gateway.until(lambda: kept(gateway) == gateway.status()["config"]["version"])
        with socket.socket() as holder:
            holder.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            kill(gateway, "control plane")
            gateway.until(lambda: binds(holder, gateway.admin_port))
            holder.listen()
            gateway.until(lambda: any("trying again" in line for line in gateway.log))
            gateway.write(config(accounts, "  added: {target: openai/added}"))
            gateway.until(lambda: answers(gateway, "added"))
        gateway.until(lambda: status(gateway))
