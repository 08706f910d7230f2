"""News, state, output, Envoy's answers: each there and back."""

import asyncio
import os
from pathlib import Path

import pytest

from controlplane.group import news
from controlplane.group.envoy_http import EnvoyAdminError, ask, parse
from controlplane.group.output import Held, Tail
from controlplane.group.state import GroupState

NEWS = [
    news.Serving(),
    news.Waiting("no worker"),
    news.Ready("http://127.0.0.1:1"),
    news.Problems(("a:1:1: wrong", "b")),
    news.Unable(("port taken",)),
]


@pytest.mark.parametrize("told", NEWS)
def test_news(told: news.News) -> None:
    assert news.decode(news.encode(told)) == told


async def test_news_over_the_pipe_to_its_end() -> None:
    heard: list[news.News] = []
    with news.pipe() as (reader, inherited):
        teller = news.Teller({news.ENVIRONMENT: str(os.dup(inherited))})
    for told in NEWS:
        teller.tell(told)
    os.close(teller._descriptor)
    await news.hear(reader, heard.append)
    assert heard == NEWS


def test_without_a_supervisor_news_goes_nowhere() -> None:
    news.Teller({}).tell(news.Serving())


def test_the_state_file(tmp_path: Path) -> None:
    path = tmp_path / "group.json"
    assert GroupState.read(path) == GroupState()
    state = GroupState(draining=True, envoy_from="files", restarts={"envoy": 2}, pids={"envoy": 7})
    state.write(path)
    assert GroupState.read(path) == state
    assert state.from_files
    assert 'llm_gateway_process_restarts_total{process="envoy"} 2\n' in state.metrics()
    assert "llm_gateway_envoy_from_files 1\n" in state.metrics()
    for broken in ("", "[]", '{"other": 1}'):
        path.write_text(broken)
        assert GroupState.read(path) == GroupState()


def test_whole_lines_are_passed_on_and_the_last_ones_kept() -> None:
    tail = Tail(lambda _: None)
    assert tail.feed(b"one\ntw") == b"one\n"
    assert tail.feed(b"o") == b""
    assert tail.feed(b"\nthree") == b"two\n"
    assert tail.lines() == ["one", "two", "three"]
    tail.feed(b"\n" + b"\n".join(b"%d" % number for number in range(20)) + b"\n")
    assert tail.lines() == ["14", "15", "16", "17", "18", "19"]


def test_a_line_without_end_is_passed_on_in_parts() -> None:
    tail = Tail(lambda _: None)
    assert len(tail.feed(b"x" * 70_000)) == 70_000
    assert len(tail.lines()[0]) == 300


def test_output_is_held_until_released(capfdbinary: pytest.CaptureFixture[bytes]) -> None:
    held = Held()
    held(b"one\n")
    assert capfdbinary.readouterr().err == b""
    held.release()
    held(b"two\n")
    assert capfdbinary.readouterr().err == b"one\ntwo\n"


@pytest.mark.parametrize(
    ("answer", "parsed"),
    [
        (b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nhi", (200, b"hi")),
        (
            b"HTTP/1.1 503 No\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\nA;x=y\r\n0123456789\r\n0\r\n\r\n",
            (503, b"abc0123456789"),
        ),
    ],
)
def test_answers_of_envoy(answer: bytes, parsed: tuple[int, bytes]) -> None:
    assert parse(answer) == parsed


@pytest.mark.parametrize(
    "answer",
    [
        b"",
        b"HTTP/1.1 200 OK\r\n",
        b"nonsense\r\n\r\n",
        b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n3",
    ],
)
def test_no_answers(answer: bytes) -> None:
    with pytest.raises(EnvoyAdminError):
        parse(answer)


async def test_nobody_there(tmp_path: Path) -> None:
    with pytest.raises(EnvoyAdminError):
        await ask(tmp_path / "gone.sock", "GET", "/ready")
    server = await asyncio.start_unix_server(lambda _, writer: writer.close(), tmp_path / "mute.sock")
    with pytest.raises(EnvoyAdminError):
        await ask(tmp_path / "mute.sock", "GET", "/ready")
    server.close()
