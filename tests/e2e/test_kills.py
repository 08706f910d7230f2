"""SIGKILL to each process of the group, under load: what it costs, and how soon the service is back."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import time
from functools import partial
from typing import Any

import pytest

from tests.e2e.conftest import Accounts, Start
from tests.e2e.harness import Gateway
from tests.e2e.load import PATH, Load, body
from tests.e2e.processes import alive, children, group_directory
from tests.soak.client import Connection, Cut

pytestmark = pytest.mark.alone

LIMIT = 2.0
"""Seconds that the service may be away."""
EDITS = 5.0
"""Seconds until edits are live again. Nobody waits for them, so starting it is left to what CPU there is."""
ROUNDS = 5
MIX = [body("native"), body("translated"), body("failover"), body("translated", stream=True)]


def config(accounts: Accounts, models: str = "") -> str:
    return f"""
listener: {{address: 127.0.0.1, port: {{port}}}}
admin: {{port: {{admin}}}}
providers:
  openai: {accounts.provider("openai", "openai")}
  claude: {accounts.provider("claude", "anthropic")}
models:
  native: {{target: openai/native}}
  translated: {{target: claude/claude-haiku-4-5}}
  failover: {{targets: [{{provider: openai, model: a}}, {{provider: claude, model: b, priority: 1}}]}}
{models}
"""


async def until(condition: Any, limit: float) -> None:
    deadline = time.monotonic() + limit
    while not condition():
        assert time.monotonic() < deadline, f"not within {limit} s"
        await asyncio.sleep(0.01)


async def test_each_process_in_turn(accounts: Accounts, start: Start) -> None:
    with start(config(accounts)) as gateway:
        before = children(gateway.pid)
        async with Load(gateway.port, MIX).running() as load:
            await asyncio.sleep(0.5)
            for number in range(ROUNDS):
                await kill_worker(gateway, load, number % 2)
                await kill_control_plane(gateway, load)
                await kill_worker(gateway, load, (number + 1) % 2)
                await kill_envoy(gateway, load)
            await asyncio.to_thread(gateway.until, lambda: gateway.status()["envoys"])
        after = children(gateway.pid)
        assert {kind: len(pids) for kind, pids in after.items()} == {
            kind: len(pids) for kind, pids in before.items()
        }
        restarts = gateway.status()["group"]["restarts"]
        assert restarts == {
            "envoy": ROUNDS,
            "control plane": ROUNDS,
            "ext_proc worker 0": ROUNDS,
            "ext_proc worker 1": ROUNDS,
        }
        assert gateway.metric("llm_gateway_process_restarts_total") == 4 * ROUNDS


async def kill_worker(gateway: Gateway, load: Load, number: int) -> None:
    """The requests that ran in it may fail; none that begins afterwards."""
    victim = worker(gateway, number)
    killed = time.monotonic()
    os.kill(victim, signal.SIGKILL)
    await until(lambda: worker(gateway, number) not in (0, victim), LIMIT)
    await asyncio.sleep(1)
    # A request that began just before the kill may be sent just after it: to the killed worker.
    assert load.failed(since=killed + 0.01) == []


async def kill_control_plane(gateway: Gateway, load: Load) -> None:
    """Nothing at all, and edits are live again soon."""
    (victim,) = children(gateway.pid)["control plane"]
    killed = time.monotonic()
    os.kill(victim, signal.SIGKILL)
    await until(lambda: children(gateway.pid)["control plane"] not in ([], [victim]), LIMIT)

    def connected() -> bool:
        try:
            return bool(gateway.status()["envoys"])
        except OSError:
            return False

    await asyncio.to_thread(gateway.until, connected)
    assert time.monotonic() - killed < EDITS
    assert load.failed(since=killed) == []


async def kill_envoy(gateway: Gateway, load: Load) -> None:
    """What runs ends; soon all requests are answered again."""
    (victim,) = children(gateway.pid)["envoy"]
    killed = time.monotonic()
    os.kill(victim, signal.SIGKILL)
    await until(lambda: load.answered(since=killed + 0.05), LIMIT)
    back = load.answered(since=killed + 0.05)
    assert back - killed < LIMIT
    await asyncio.sleep(0.5)
    assert load.failed(since=back) == []


def worker(gateway: Gateway, number: int) -> int:
    """The pid of that worker; 0 for none."""
    state = json.loads((group_directory(gateway.pid) / "group.json").read_text())
    pid = int(state["pids"].get(f"ext_proc worker {number}", 0))
    return pid if alive(pid) else 0


async def stream(gateway: Gateway, model: str, chunks: int) -> bool:
    """It came to its end."""
    connection = Connection(gateway.port)
    try:
        text = f"x [sim:chunks={chunks},delay=0.1]"
        answer = await connection.post(PATH, body(model, text, stream=True))
    except Cut:
        return False
    finally:
        await connection.close()
    return answer.status == 200 and answer.body.endswith(b"data: [DONE]\n\n")


async def test_a_killed_worker_costs_only_its_own_streams(accounts: Accounts, start: Start) -> None:
    with start(config(accounts)) as gateway:
        native = [asyncio.create_task(stream(gateway, "native", 25)) for _ in range(5)]
        translated = [asyncio.create_task(stream(gateway, "translated", 25)) for _ in range(20)]
        await asyncio.sleep(1)
        shares = {
            host["address"]: host["active_requests"]
            for host in (await asyncio.to_thread(gateway.status))["ext_proc"]
        }
        (own,) = (share for address, share in shares.items() if address.endswith("extproc-0.sock"))
        assert 0 < own < 20
        os.kill(worker(gateway, 0), signal.SIGKILL)
        later = [asyncio.create_task(stream(gateway, "translated", 5)) for _ in range(10)]
        assert all(await asyncio.gather(*native, *later))
        assert (await asyncio.gather(*translated)).count(False) == own


async def test_with_all_workers_dead_requests_wait_for_the_next(accounts: Accounts, start: Start) -> None:
    with start(config(accounts)) as gateway:
        async with Load(gateway.port, MIX).running() as load:
            for _ in range(3):
                await asyncio.sleep(1)
                killed = time.monotonic()
                for victim in children(gateway.pid)["extproc"]:
                    os.kill(victim, signal.SIGKILL)
                await asyncio.sleep(0.1)
                await until(partial(load.answered, since=killed + 0.1), LIMIT)
                assert load.failed(since=killed + 0.01) == []


def test_nothing_is_left_and_the_next_start_is_soon(accounts: Accounts, start: Start) -> None:
    """SIGKILL to the supervisor itself."""
    with start(config(accounts)) as gateway:
        directory = group_directory(gateway.pid)
        pids = [pid for kind in children(gateway.pid).values() for pid in kind]
        assert len(pids) == 4
        os.kill(gateway.pid, signal.SIGKILL)
        gateway.stop()
        killed = time.monotonic()
        gateway.until(lambda: not any(map(alive, pids)), limit=1)
        assert directory.exists()  # nobody was left to remove it
        gateway.start()
        assert time.monotonic() - killed < LIMIT
        assert not directory.exists()
        with gateway.openai() as client:
            for model in ("native", "translated"):
                answer = client.chat.completions.create(
                    model=model, messages=[{"role": "user", "content": "hello"}]
                )
                assert answer.choices[0].message.content
        directory = group_directory(gateway.pid)
    assert not directory.exists()
