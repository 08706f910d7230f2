"""The socket that outlives its workers."""

import asyncio
import socket
from pathlib import Path

import pytest

from controlplane.group.doorstep import Doorstep
from extproc.transport.address import inherited
from extproc.transport.h2.server import H2Server


async def test_who_comes_between_two_workers_is_served_by_the_next(tmp_path: Path) -> None:
    doorstep = Doorstep(tmp_path / "worker.sock")
    for _ in range(2):
        waiting = asyncio.create_task(doorstep.somebody_answers())
        await asyncio.sleep(0.05)
        assert not waiting.done()
        server = H2Server([f"fd:{socket.dup(doorstep.descriptor)}"])
        await server.start()
        assert await waiting
        await server.drain(0)
    assert (tmp_path / "worker.sock").exists()
    doorstep.close()
    assert not await doorstep.somebody_answers()


async def test_who_comes_can_be_turned_away(tmp_path: Path) -> None:
    doorstep = Doorstep(tmp_path / "worker.sock")
    waiting = asyncio.create_task(doorstep.somebody_answers())
    await asyncio.sleep(0.05)
    doorstep.turn_away(everybody=True)
    assert not await waiting
    assert not await doorstep.somebody_answers()
    doorstep.turn_away(everybody=False)
    waiting = asyncio.create_task(doorstep.somebody_answers())
    await asyncio.sleep(0.05)
    assert not waiting.done()
    doorstep.close()
    assert not await waiting


@pytest.mark.parametrize("address", ["unix:/a", "127.0.0.1:1", "fd:x"])
def test_other_addresses_inherit_nothing(address: str) -> None:
    assert inherited(address) is None


def test_a_descriptor_that_is_none() -> None:
    with pytest.raises(OSError, match="cannot listen on fd:999"):
        inherited("fd:999")
