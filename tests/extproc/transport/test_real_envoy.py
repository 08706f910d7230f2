"""The real Envoy as the peer of each transport, in a whole gateway."""

from __future__ import annotations

import asyncio
import contextlib
import io
import json
import random
import tempfile
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from tests.extproc.transport.gateway import Gateway, running

MEGABYTE = 1024 * 1024
MODELS = ("translated", "renamed", "held")


@pytest.fixture
def folder():
    """Short: it holds sockets."""
    with tempfile.TemporaryDirectory(prefix="gw-") as name:
        yield Path(name)


@contextlib.asynccontextmanager
async def client() -> AsyncIterator[aiohttp.ClientSession]:
    connector = aiohttp.TCPConnector(limit=0, force_close=False)
    async with aiohttp.ClientSession(connector=connector) as session:
        yield session


def request(model: str, sent: int, wanted: int, **more: Any) -> dict[str, Any]:
    """Of `post`."""
    message = {"role": "user", "content": "x" * max(sent, 1)}
    body = json.dumps({"model": model, "max_tokens": max(wanted, 1), "messages": [message], **more})
    return {"data": io.BytesIO(body.encode()), "headers": {"content-type": "application/json"}}


async def until(condition: Callable[[], Any], limit: float = 60) -> None:
    async with asyncio.timeout(limit):
        while True:
            if await condition():
                return
            await asyncio.sleep(0.05)


async def answers(gateway: Gateway, session: aiohttp.ClientSession) -> bool:
    with contextlib.suppress(aiohttp.ClientError):
        async with session.post(gateway.url, **request("translated", 1, 1)) as response:
            return response.status == 200
    return False


async def ready(gateway: Gateway, session: aiohttp.ClientSession) -> None:
    await until(lambda: answers(gateway, session))

    async def both() -> bool:
        return await gateway.stat("membership_healthy") == 2

    await until(both)


async def no_traces(gateway: Gateway) -> None:
    """No stream is left, at Envoy or at a worker (which would wait for it), and no line that reports an error."""

    async def idle() -> bool:
        return await gateway.stat("upstream_rq_active") == 0

    await until(idle, 20)
    for worker in gateway.workers:
        assert await worker.stop(10) == 0, worker.log
        assert " ERROR " not in worker.log
        assert "Traceback" not in worker.log
    assert "[error]" not in gateway.envoy.log
    assert "[critical]" not in gateway.envoy.log


async def ask(gateway: Gateway, session: aiohttp.ClientSession, model: str, sent: int, wanted: int) -> None:
    async with session.post(gateway.url, **request(model, sent, wanted)) as response:
        answer = await response.json()
        assert response.status == 200, answer
    assert answer["usage"]["prompt_tokens"] == max(sent, 1)
    assert answer["choices"][0]["message"]["content"] == "~" * max(wanted, 1)


async def ask_stream(gateway: Gateway, session: aiohttp.ClientSession, model: str, wanted: int) -> None:
    async with session.post(gateway.url, **request(model, 1, wanted, stream=True)) as response:
        text = await response.text()
        assert response.status == 200, text
    assert text.count("~") == wanted
    assert text.endswith("data: [DONE]\n\n")


async def leave(gateway: Gateway, session: aiohttp.ClientSession, dice: random.Random) -> None:
    """A client that goes away somewhere between its first byte and the last of the answer."""
    model, stream = dice.choice(MODELS), dice.random() < 0.5
    body = request(model, dice.choice([1, 200_000]), dice.choice([1000, 300_000]), stream=stream)
    with contextlib.suppress(TimeoutError, aiohttp.ClientError):
        async with (
            asyncio.timeout(dice.random() ** 2 * 0.3),
            session.post(gateway.url, **body) as response,
        ):
            if dice.random() < 0.5:
                await response.content.read(dice.randrange(1, 100_000))
            else:
                await response.read()


@pytest.mark.parametrize("transport", ["h2", "grpcio", "mtls"])
async def test_a_gateway(folder, transport):
    async with running(folder, transport) as gateway, client() as session:
        await ready(gateway, session)
        for model in MODELS:
            for sent, wanted in (
                (0, 0),
                (10_000, 20),
                (20, 10_000),
                (65_535, 65_536),
                (1_000_000, 900_000),
                (20 * MEGABYTE, 1),
                (1, 20 * MEGABYTE),
            ):
                await ask(gateway, session, model, sent, wanted)
            await ask_stream(gateway, session, model, 2_000_000)
        async with asyncio.TaskGroup() as group:
            for number in range(1000):
                model = MODELS[number % 3]
                if number % 2:
                    group.create_task(ask(gateway, session, model, number, number))
                else:
                    group.create_task(ask_stream(gateway, session, model, 3000))
        dice = random.Random(transport)
        for _ in range(6):  # enough for Envoy to crash, with its side-stream flow control
            async with asyncio.TaskGroup() as group:
                for _ in range(50):
                    group.create_task(leave(gateway, session, dice))
        await ask(gateway, session, "translated", 1, 1)
        await no_traces(gateway)


async def test_a_worker_that_drains_hands_over(folder):
    """Its streams finish, new ones go to the other worker, and no client notices."""
    async with running(folder, "h2") as gateway, client() as session:
        await ready(gateway, session)
        stop = asyncio.Event()

        async def use() -> int:
            done = 0
            while not stop.is_set():
                await ask(gateway, session, "translated", 10, 1000)
                await ask_stream(gateway, session, "translated", 20_000)
                done += 1
            return done

        users = [asyncio.create_task(use()) for _ in range(20)]
        await asyncio.sleep(0.5)
        assert await gateway.workers[0].stop(20) == 0
        await asyncio.sleep(1)
        stop.set()
        assert all(done > 0 for done in await asyncio.gather(*users))
        assert " ERROR " not in gateway.workers[0].log


async def test_envoy_with_a_certificate_of_somebody_else_is_refused(folder):
    async with running(folder, "mtls", envoy_shows="other-envoy") as gateway, client() as session:

        async def refused() -> bool:
            with contextlib.suppress(aiohttp.ClientError):
                return await gateway.stat("health_check.failure") >= 4
            return False

        await until(refused)
        assert await gateway.stat("health_check.success") == 0
        assert await gateway.stat("membership_healthy") == 0
        async with session.post(gateway.url, **request("translated", 1, 1)) as response:
            assert response.status >= 500
