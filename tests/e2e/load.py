"""A flow of requests that notes how each went, and when."""

from __future__ import annotations

import asyncio
import contextlib
import json
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any

from tests.soak.client import Connection, Cut

PATH = "/v1/chat/completions"
AT_ONCE = 6
_PAUSE = 0.01


def body(model: str, text: str = "hello", *, stream: bool = False) -> bytes:
    message: Any = {"role": "user", "content": text}
    return json.dumps({"model": model, "stream": stream, "messages": [message]}).encode()


@dataclass(frozen=True, slots=True)
class Asked:
    """began, ended: seconds of the monotonic clock. wrong: what went wrong, "" for nothing."""

    began: float
    ended: float
    wrong: str


class Load:
    """AT_ONCE clients that ask `bodies` in turn, without using up the machine that has to restart things."""

    def __init__(self, port: int, bodies: list[bytes]) -> None:
        self._port = port
        self._bodies = bodies
        self._over = False
        self.asked: list[Asked] = []

    @contextlib.asynccontextmanager
    async def running(self) -> AsyncIterator[Load]:
        clients = [asyncio.create_task(self._ask(number)) for number in range(AT_ONCE)]
        try:
            yield self
        finally:
            self._over = True
            await asyncio.gather(*clients)

    async def _ask(self, turn: int) -> None:
        connection = Connection(self._port)
        while not self._over:
            began, wrong = time.monotonic(), ""
            try:
                answer = await connection.post(PATH, self._bodies[turn % len(self._bodies)])
                if answer.status != 200:
                    wrong = f"{answer.status} {answer.body.decode()}"
            except Cut as error:
                wrong = str(error)
            self.asked.append(Asked(began, time.monotonic(), wrong))
            turn += 1
            await asyncio.sleep(_PAUSE)
        await connection.close()

    def failed(self, since: float) -> list[Asked]:
        """Of those that began after `since`."""
        return [asked for asked in self.asked if asked.wrong and asked.began > since]

    def answered(self, since: float) -> float:
        """When the first of those that began after `since` was answered; 0 for not yet."""
        return min(
            (asked.ended for asked in self.asked if not asked.wrong and asked.began > since), default=0
        )
