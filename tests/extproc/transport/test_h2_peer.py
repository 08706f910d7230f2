"""Both transports with a peer that is neither ours nor grpc's: the ``h2`` library."""

from __future__ import annotations

import asyncio
import logging
import random

import pytest

from extproc.transport.h2.frames import ErrorCode
from tests.extproc.transport.h2_peer import connected, until
from tests.extproc.transport.methods import ECHO, FLOOD, SLOW, UPPER, Slow
from tests.extproc.transport.methods import methods as served
from tests.extproc.transport.servers import serving
from tests.extproc.transport.talk import framed

MEGABYTE = 1024 * 1024


@pytest.mark.parametrize(
    ("window", "size"),
    [
        (1, 0),
        (1, 50),
        (100, 5000),
        (65_535, 0),
        (65_535, 1),
        (65_535, 65_530),
        (65_535, 65_531),
        (65_535, MEGABYTE),
        (65_535, 20 * MEGABYTE),
        (4 * MEGABYTE, 20 * MEGABYTE),
    ],
)
async def test_bodies_of_any_size_both_ways(address, window, size):
    body = random.Random(size).randbytes(size)
    async with connected(address, window=window) as peer:
        stream = await peer.call(ECHO, body)
    assert stream.status[0] == "0"
    assert stream.data == framed(body)


@pytest.mark.parametrize("frame_size", [16_384, 100_000, 2**24 - 1])
async def test_frames_are_no_larger_than_the_peer_takes(address, frame_size):
    async with connected(address, window=4 * MEGABYTE, frame_size=frame_size) as peer:
        stream = await peer.call(FLOOD, b"%d" % (3 * MEGABYTE))
    assert stream.data == framed(bytes(3 * MEGABYTE))


async def test_messages_in_pieces_and_pieces_of_messages(address):
    messages = [b"", b"a", b"bc" * 100, b"", b"d" * 30_000]
    async with connected(address) as peer:
        for piece in (1, 3, 5, 1000, 1 << 20):
            some = messages if piece > 5 else messages[:3]
            stream = await peer.call(ECHO, *some, piece=piece)
            assert stream.data == framed(*some)


async def test_empty_data_frames(address):
    async with connected(address) as peer:
        number, stream = await peer.open(ECHO)
        for byte in framed(b"hello"):
            peer.h2.send_data(number, b"")
            peer.h2.send_data(number, bytes([byte]))
        peer.h2.send_data(number, b"", end_stream=True)
        await peer.flush()
        await stream.ended.wait()
        assert stream.data == framed(b"hello")


async def test_padding_is_accounted_for(socket):
    """More of it than the windows have, so that it must be credited too. Ours only: grpcio knows no padding."""
    async with serving("h2", socket), connected(socket) as peer:
        number, stream = await peer.open(ECHO)
        said = framed(bytes(3000))
        for at in range(0, len(said), 2):
            await until(lambda: peer.h2.local_flow_control_window(number) >= 300)
            peer.h2.send_data(number, said[at : at + 2], pad_length=250)
            await peer.flush()
        peer.h2.end_stream(number)
        await peer.flush()
        await stream.ended.wait()
        assert stream.data == said


@pytest.mark.parametrize(
    ("path", "payload", "statuses"),
    [
        ("/nobody/Knows", b"", ("12", "12")),
        (ECHO, b"\1\0\0\0\1x", ("12", "13")),
        (ECHO, b"\0\xff\xff\xff\xff", ("8", "8")),
        (ECHO, framed(b"hello")[:-1], ("13", "0")),
    ],
)
async def test_what_is_wrong_with_a_call_ends_it_alone(transport, address, path, payload, statuses):
    """statuses: ours, and what grpcio calls it."""
    async with connected(address) as peer:
        number, stream = await peer.open(path)
        await peer.send(number, payload, end=True)
        await stream.ended.wait()
        assert stream.status[0] == statuses[transport == "grpcio"]
        assert (await peer.call(ECHO, b"on")).data == framed(b"on")


async def test_unary_methods(address):
    async with connected(address) as peer:
        upper = await peer.call(UPPER, b"hello")
        assert (upper.data, upper.status[0]) == (framed(b"HELLO"), "0")
        assert (await peer.call(UPPER, b"")).status == ("3", "an empty message")
        assert (await peer.call(UPPER)).status == ("3", "a message was expected")
        assert (await peer.call(UPPER, b"a", b"b")).status == ("3", "one message was expected")
        assert (await peer.call(UPPER, b"bug")).status == ("13", "internal error")
        assert (await peer.call("/test.Test/Broken", b"message")).status == ("13", "internal error")
        assert (await peer.call("/test.Test/Broken")).status == ("13", "internal error")
        assert (await peer.call("/test.Test/BrokenOpen")).status == ("13", "internal error")
        assert (await peer.call("/test.Test/Ends")).status[0] == "0"


async def test_slow_unary_methods_run_beside_each_other_and_end_with_their_callers(transport, socket):
    slow = Slow()
    async with serving(transport, socket, methods=served(slow)), connected(socket) as peer:
        quick = [asyncio.create_task(peer.call(SLOW, b"0.2")) for _ in range(50)]
        reset, _ = await peer.open(SLOW)
        await peer.send(reset, framed(b"60"), end=True)
        await until(lambda: slow.started == 51)
        peer.h2.reset_stream(reset, ErrorCode.CANCEL)
        await peer.flush()
        for stream in await asyncio.gather(*quick):
            assert stream.data == framed(b"0.2")
        await until(lambda: slow.cancelled)
        left, _ = await peer.open(SLOW)
        await peer.send(left, framed(b"60"), end=True)
        await until(lambda: slow.started == 52)
        await peer.close()
        await until(lambda: slow.cancelled == 2)
        assert slow.finished == 50


async def test_a_thousand_streams_at_once(address):
    async with connected(address) as peer:
        opened = [await peer.open(ECHO) for _ in range(1000)]
        for number, _ in opened:
            await peer.send(number, framed(b"%d" % number))
        for number, _ in opened:
            await peer.send(number, framed(b"again"), end=True)
        for number, stream in opened:
            await stream.ended.wait()
            assert stream.data == framed(b"%d" % number, b"again")


async def test_pings(address):
    async with connected(address) as peer:
        for number in range(2):  # of more, grpcio thinks ill
            peer.h2.ping(b"%08d" % number)
        await peer.flush()
        await until(lambda: len(peer.pongs) == 2)
        assert peer.pongs == [b"%08d" % number for number in range(2)]
        assert (await peer.call(ECHO, b"on")).data == framed(b"on")


async def test_settings_change_while_answers_flow(address):
    async with connected(address, window=1000, credit=False) as peer:
        _, stream = await peer.open(FLOOD)
        await peer.send(1, framed(b"20000"), end=True)
        await until(lambda: len(stream.data) >= 1000)
        for window in (10, 0, 500, 1500, 30_000):  # below what has come: the server's window is negative
            peer.h2.update_settings({4: window})
            await peer.flush()
            await asyncio.sleep(0.02)
            assert len(stream.data) <= max(1000, window)
        await stream.ended.wait()
        assert stream.data == framed(bytes(20_000))


@pytest.mark.parametrize("step", range(7))
async def test_resets_at_every_point_of_a_call(address, step, caplog):
    caplog.set_level(logging.INFO)
    body = framed(b"hello", bytes(100_000))
    async with connected(address, window=1000, credit=False) as peer:
        for _ in range(10):
            number, stream = await peer.open(ECHO)
            if step:
                await peer.send(
                    number, body[: [0, 3, 10, 13, 50_000, len(body), len(body)][step]], end=step == 6
                )
            if step > 2:
                await until(lambda stream=stream: stream.data)
            peer.h2.reset_stream(number, ErrorCode.CANCEL)
            await peer.flush()
        peer.credit = True
        assert (await peer.call(ECHO, b"on")).data == framed(b"on")
    assert caplog.text == ""


async def test_a_connection_that_breaks_the_protocol_costs_no_other(address):
    async with connected(address) as other:
        number, stream = await other.open(ECHO)
        for broken in (b"GET / HTTP/1.1\r\n\r\n", b"\0" * 100, b"\xff" * 10_000):
            async with connected(address) as peer:
                peer.writer.write(broken)
                await peer.gone.wait()
        await other.send(number, framed(b"on"), end=True)
        await stream.ended.wait()
        assert stream.data == framed(b"on")
