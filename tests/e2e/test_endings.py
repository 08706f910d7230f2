"""How a group ends: crash loops with a clear message, draining in which something dies, signals."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.e2e.conftest import Accounts, Start
from tests.e2e.harness import COMMAND, Gateway, free_port
from tests.e2e.processes import children
from tests.e2e.test_group import config, run
from tests.e2e.test_kills import stream, worker
from tests.e2e.waiting import until

SHADOW = """
import os, sys
if "{victim}" in sys.orig_argv:
    print("the disk is on fire", file=sys.stderr, flush=True)
    os._exit(3)
"""


@pytest.mark.parametrize("victim", ["envoy", "extproc", "controlplane"])
def test_a_crash_loop_ends_with_what_the_process_said(
    accounts: Accounts, tmp_path: Path, victim: str
) -> None:
    (tmp_path / "sitecustomize.py").write_text(SHADOW.format(victim=victim))
    binary = tmp_path / "envoy"
    binary.write_text("#!/bin/sh\necho 'the disk is on fire' >&2\nexit 3\n")
    binary.chmod(0o755)
    text = config(accounts).replace("{port}", str(free_port())).replace("{admin}", str(free_port()))
    (tmp_path / "gateway.yaml").write_text(text)
    environment = {**os.environ, "PYTHONPATH": str(tmp_path)}
    if victim == "envoy":
        environment["ENVOY"] = str(binary)
    ended = run("up", "-c", str(tmp_path / "gateway.yaml"), env=environment)
    assert ended.returncode == 2
    name = {"envoy": "envoy", "extproc": "ext_proc worker ", "controlplane": "control plane"}[victim]
    *_, what, said = ended.stderr.splitlines()
    assert what.startswith(name)
    assert what.endswith("ended 6 times in a row without ever serving, last with status 3")
    assert said == "  the disk is on fire"
    assert "Traceback" not in ended.stderr


async def test_a_worker_that_dies_while_draining_is_replaced(accounts: Accounts, start: Start) -> None:
    with start(config(accounts)) as gateway:
        streams = [asyncio.create_task(stream(gateway, model, 30)) for model in ("native", "translated") * 6]
        await asyncio.sleep(0.5)
        os.kill(gateway.pid, signal.SIGTERM)
        await asyncio.sleep(0.3)
        victim = worker(gateway, 0)
        os.kill(victim, signal.SIGKILL)
        await asyncio.to_thread(gateway.until, lambda: worker(gateway, 0) not in (0, victim))
        ended = await asyncio.gather(*streams)
        assert all(ended[0::2])
        assert any(ended[1::2])  # those of the other worker
        assert await asyncio.to_thread(gateway._process.wait, 20) == 0


async def test_draining_ends_with_envoy(accounts: Accounts, start: Start) -> None:
    with start(config(accounts)) as gateway:
        lost = asyncio.create_task(stream(gateway, "native", 300))
        await asyncio.sleep(0.5)
        os.kill(gateway.pid, signal.SIGTERM)
        await asyncio.sleep(0.3)
        (envoy,) = children(gateway.pid)["envoy"]
        began = time.monotonic()
        os.kill(envoy, signal.SIGKILL)
        assert await asyncio.to_thread(gateway._process.wait, 20) == 0
        assert time.monotonic() - began < 8
        assert not await lost


@pytest.fixture
def terminal() -> Iterator[None]:
    """A process group that a terminal's end reaches, be the tests themselves under nohup(1)."""
    before = signal.signal(signal.SIGHUP, signal.SIG_DFL)
    yield
    signal.signal(signal.SIGHUP, before)


@pytest.mark.usefixtures("terminal")
def test_a_closed_terminal_drains(accounts: Accounts, start: Start) -> None:
    with start(config(accounts)) as gateway:
        before = children(gateway.pid)
        os.kill(gateway.pid, signal.SIGUSR1)  # log files are opened again: nothing to see
        time.sleep(0.3)
        assert children(gateway.pid) == before
        os.kill(gateway.pid, signal.SIGHUP)
        assert gateway._process.wait(20) == 0


def test_a_signal_while_starting(accounts: Accounts, tmp_path: Path) -> None:
    gateway = Gateway(tmp_path, config(accounts))
    (tmp_path / "sitecustomize.py").write_text(
        "import sys, time\n'extproc' in sys.orig_argv and time.sleep(9)"
    )
    with subprocess.Popen(
        [str(COMMAND), "up", "-c", str(gateway.file)],
        env={**os.environ, "PYTHONPATH": str(tmp_path)},
        stderr=subprocess.PIPE,
        stdout=subprocess.PIPE,
    ) as process:
        until(lambda: children(process.pid)["extproc"], 20)  # it listens to signals before it has children
        process.send_signal(signal.SIGTERM)
        out, _ = process.communicate(timeout=20)
        assert process.returncode == 0
        assert b"ready" not in out
