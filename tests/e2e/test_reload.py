"""Editing the YAML while traffic flows: live in seconds, no stream cut, no request failed, and a bad edit changes nothing."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import openai
import pytest

from tests.e2e.conftest import Accounts, Start
from tests.e2e.harness import Gateway

pytestmark = pytest.mark.alone
HELLO: Any = [{"role": "user", "content": "hello"}]
CHUNKS, DELAY = 60, 0.1
LONG: Any = [{"role": "user", "content": f"count [sim:chunks={CHUNKS},delay={DELAY}]"}]


def config(accounts: Accounts, models: str, providers: str = "") -> str:
    return f"""
listener: {{address: 127.0.0.1, port: {{port}}}}
admin: {{port: {{admin}}}}
providers:
  openai: {accounts.provider("openai", "openai")}
  claude: {accounts.provider("claude", "anthropic")}
{providers}
models:
  native: {{target: openai/native}}
  translated: {{target: claude/claude-haiku-4-5}}
  failover: {{targets: [{{provider: openai, model: a}}, {{provider: claude, model: b, priority: 1}}]}}
{models}
"""


async def stream(client: openai.AsyncOpenAI, model: str) -> int:
    """How many pieces of content came; the stream must end properly."""
    chunks = [c async for c in await client.chat.completions.create(model=model, messages=LONG, stream=True)]
    assert chunks[-1].choices[0].finish_reason == "stop"
    return sum(1 for chunk in chunks if chunk.choices[0].delta.content)


async def asked_all_the_time(client: openai.AsyncOpenAI, until: asyncio.Event) -> int:
    """Asks every model without a pause; any failure is raised."""
    asked = 0
    while not until.is_set():
        for model in ("native", "translated", "failover"):
            await client.chat.completions.create(model=model, messages=HELLO)
            asked += 1
    return asked


async def seconds_until_it_answers(client: openai.AsyncOpenAI, model: str) -> float:
    started = time.monotonic()
    while time.monotonic() - started < 10:
        with contextlib.suppress(openai.NotFoundError):
            await client.chat.completions.create(model=model, messages=HELLO)
            return time.monotonic() - started
        await asyncio.sleep(0.02)
    raise AssertionError(f"{model} never answered")


@contextlib.asynccontextmanager
async def fifty_streams(gateway: Gateway) -> AsyncIterator[openai.AsyncOpenAI]:
    """Runs the block while 50 streams of six seconds and a flow of requests go on; all must be whole."""
    async with gateway.async_openai(timeout=60) as client:
        models = ["native", "translated", "failover"]
        streams = [asyncio.create_task(stream(client, models[i % 3])) for i in range(50)]
        over = asyncio.Event()
        asking = asyncio.create_task(asked_all_the_time(client, over))
        await asyncio.sleep(1)
        yield client
        counts = await asyncio.gather(*streams)
        over.set()
        assert await asking > 10
    assert all(count >= CHUNKS for count in counts)


async def test_edits_are_live_and_cut_nothing(accounts: Accounts, start: Start, tmp_path: Path) -> None:
    with start(config(accounts, "")) as gateway:
        before = gateway.status()["config"]["version"]
        async with fifty_streams(gateway) as client:
            # A new model on a known account, then one on a new account, each within two seconds.
            gateway.write(config(accounts, "  more: {target: openai/more}"))
            assert await seconds_until_it_answers(client, "more") < 2
            third = f"  third: {accounts.provider('third', 'anthropic')}"
            gateway.write(config(accounts, "  another: {target: third/claude-haiku-4-5}", third))
            assert await seconds_until_it_answers(client, "another") < 2
            with pytest.raises(openai.NotFoundError):
                await client.chat.completions.create(model="more", messages=HELLO)
            # The alias moves to the new account and the old one goes: still no request fails.
            moved = config(accounts, "", third).replace("claude/claude-haiku", "third/claude-haiku")
            gateway.write(moved)
            await asyncio.to_thread(gateway.until, lambda: _served_by(gateway, "translated") == "third")
        status = gateway.status()
        assert status["config"]["version"] != before
        assert status["config"]["in_force"]
        assert len(status["envoys"]) == 1


def _served_by(gateway: Gateway, model: str) -> str:
    with gateway.openai() as client:
        raw = client.chat.completions.with_raw_response.create(model=model, messages=HELLO)
    return str(raw.headers["x-llm-gateway-provider"])


async def test_a_broken_edit_changes_nothing(accounts: Accounts, start: Start) -> None:
    with start(config(accounts, "")) as gateway:
        version = gateway.status()["config"]["version"]
        async with fifty_streams(gateway) as client:
            gateway.write(config(accounts, "  wrong: {target: opnai/gpt}"))
            line = gateway.file.read_text().splitlines().index("  wrong: {target: opnai/gpt}") + 1
            status = await asyncio.to_thread(gateway.until, lambda: _not_in_force(gateway))
            assert status["config"]["version"] == version
            (problem,) = status["config"]["problems"]
            assert problem.startswith(
                f"{gateway.file}:{line}:19: models.wrong.target: no provider named 'opnai'"
            )
            await client.chat.completions.create(model="native", messages=HELLO)
            gateway.write(config(accounts, "  right: {target: openai/gpt}"))
            assert await seconds_until_it_answers(client, "right") < 2
        status = gateway.status()
        assert status["config"]["in_force"]
        assert status["config"]["problems"] == []
        assert "opnai" in status["recent_errors"][-1]["messages"][0]


def _not_in_force(gateway: Gateway) -> Any:
    status = gateway.status()
    return None if status["config"]["in_force"] else status


async def test_what_envoy_refuses_is_shown_in_its_words_and_rolled_back(
    accounts: Accounts, start: Start
) -> None:
    """A listener on a port that another process has: our checks cannot know, Envoy refuses."""
    import socket

    with start(config(accounts, "")) as gateway, socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        version = gateway.status()["config"]["version"]
        async with fifty_streams(gateway) as client:
            edited = config(accounts, "  fresh: {target: openai/fresh}")
            gateway.write(edited.replace("{port}", str(taken.getsockname()[1])))
            status = await asyncio.to_thread(gateway.until, lambda: _not_in_force(gateway))
            (problem,) = status["config"]["problems"]
            assert problem.startswith(f"{gateway.file}:2:1: listener: Envoy refused this Listener:")
            assert "Address already in use" in problem
            await asyncio.to_thread(gateway.until, lambda: gateway.status()["config"]["version"] == version)
            # The models of the refused configuration are gone with it.
            with pytest.raises(openai.NotFoundError):
                await client.chat.completions.create(model="fresh", messages=HELLO)
            gateway.write(edited)
            assert await seconds_until_it_answers(client, "fresh") < 2
        assert gateway.status()["config"]["in_force"]


async def test_secrets_rotate_live(accounts: Accounts, start: Start, tmp_path: Path) -> None:
    with start(config(accounts, "")) as gateway:
        async with fifty_streams(gateway) as client:
            await client.chat.completions.create(model="native", messages=HELLO)
            new = accounts.rotate("openai")
            (tmp_path / "openai.key").write_text(new)

            def rotated() -> bool:
                key = accounts.last_key("openai")
                return bool(key == f"Bearer {new}")

            await asyncio.to_thread(gateway.until, rotated)
