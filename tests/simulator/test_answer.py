"""The pure parts: answers, schema examples, delivery."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from simulator.answer import Finish, Prompt, answer
from simulator.delivery import Cut, HangUp, Head, Send, Stall, Wait, steps
from simulator.directives import Directives, extract
from simulator.faults import Fault
from simulator.schema import example
from simulator.tokens import count
from simulator.wire import ApiError, Event, Reply


def prompt(text: str, **options: Any) -> Prompt:
    return Prompt(**{"account": "", "model": "m", "text": text} | options)


@given(st.text(max_size=50))
def test_pieces_join_to_the_text(text: str) -> None:
    said = answer(prompt(text))
    assert said.text == f"Echo from m: {text}"
    assert all(said.pieces)
    assert said.finish is Finish.STOP


@given(st.text(min_size=1, max_size=20), st.text(min_size=1, max_size=3))
def test_a_stop_sequence_is_never_said(text: str, stop: str) -> None:
    said = answer(prompt(text, stops=(stop,)))
    assert stop not in said.text
    whole = f"Echo from m: {text}"
    assert said.text == whole.partition(stop)[0]
    assert (said.stop_sequence == stop) is (stop in whole) is (said.finish is Finish.STOP_SEQUENCE)


@given(st.integers(min_value=0, max_value=12))
def test_max_tokens(limit: int) -> None:
    said = answer(prompt("a b c", max_tokens=limit, thinks=True))
    assert len(said.pieces) == min(6, max(0, limit - said.thinking_tokens))
    assert said.finish is (Finish.LENGTH if limit < 6 + said.thinking_tokens else Finish.STOP)


def test_directives() -> None:
    text, directives = extract("say hi [sim:chunks=3,delay=0.5] [sim:refuse, preamble]!")
    assert text == "say hi!"
    assert directives == Directives(chunks=3, delay=0.5, refuse=True, preamble=True)
    assert extract("plain [x]") == ("plain [x]", Directives())


@pytest.mark.parametrize("item", ["chunks=0", "chunks=x", "delay=-1", "refuse=1", "dance", "chunks=10000000"])
def test_senseless_directives(item: str) -> None:
    with pytest.raises(ApiError, match="no such directive"):
        extract(f"[sim:{item}]")


@pytest.mark.parametrize(
    ("schema", "value"),
    [
        ({"type": "string", "minLength": 8}, "textxxxx"),
        ({"type": "string", "maxLength": 2}, "te"),
        ({"type": "string", "format": "date"}, "2025-01-31"),
        ({"enum": ["b", "a"]}, "b"),
        ({"const": 7}, 7),
        ({"type": "integer", "minimum": 5}, 5),
        ({"type": "integer", "exclusiveMinimum": 5}, 6),
        ({"type": "number", "maximum": 0.5}, 0.5),
        ({"type": "number", "exclusiveMaximum": 1}, 0),
        ({"type": "boolean"}, True),
        ({"type": "null"}, None),
        ({"type": ["null", "integer"]}, 1),
        ({"anyOf": [{"type": "null"}, {"type": "boolean"}]}, True),
        ({"anyOf": [{"type": "null"}]}, None),
        ({"type": "array", "items": {"type": "integer"}, "minItems": 2}, [1, 1]),
        ({"type": "object", "properties": {"a": {"type": "integer"}, "b": {}}, "required": ["a"]}, {"a": 1}),
        ({"properties": {"location": {"type": "string"}}}, {"location": "Paris"}),
        ({"allOf": [{"$ref": "#/$defs/a"}, {"minimum": 3}], "$defs": {"a": {"type": "integer"}}}, 3),
        ({"$ref": "#/$defs/a", "$defs": {"a": {"type": "boolean"}}}, True),
        ({"type": "object", "required": ["x"], "properties": {"x": True}}, {"x": "x"}),
        ({"$ref": "#/nowhere/else"}, "text"),
    ],
)
def test_examples(schema: dict[str, Any], value: Any) -> None:
    assert example(schema) == value


def test_recursive_schemas_end() -> None:
    node = {
        "type": "object",
        "properties": {
            "next": {"anyOf": [{"$ref": "#/$defs/node"}, {"type": "null"}]},
            "children": {"type": "array", "items": {"$ref": "#/$defs/node"}},
        },
        "required": ["next", "children"],
    }
    value, depth = example({"$ref": "#/$defs/node", "$defs": {"node": node}}), 0
    while value is not None:
        value, depth = value["next"], depth + 1
    assert depth > 2


def test_tokens() -> None:
    parts = [{"type": "text", "text": "a b"}, {"type": "image", "source": {"data": "a b c"}}]
    assert count({"role": "user", "content": parts, "n": 3}) == 2 + 100
    assert count("") == 0


EVENTS = (Event(b"one"), Event(b"two", 0.5), Event(b"three"))
ERROR = Event(b"error")


def stream(**knobs: Any) -> list[Any]:
    reply = Reply(status=200, headers=(("content-type", "text/event-stream"),), events=iter(EVENTS))
    head, *rest = steps(reply, Fault(**knobs), ERROR)
    assert head == Head(200, (("content-type", "text/event-stream"),))
    return [type(step).__name__ if isinstance(step, (Cut, Stall, HangUp)) else step for step in rest]


ONE, TWO, THREE, PAUSE = Send(b"one"), Send(b"two"), Send(b"three"), Wait(0.5)


@pytest.mark.parametrize(
    ("knobs", "expected"),
    [
        ({}, [ONE, PAUSE, TWO, THREE]),
        ({"delay_before_first_event": 2.0}, [Wait(2.0), ONE, PAUSE, TWO, THREE]),
        ({"delay_between_events": 1.0}, [ONE, Wait(1.5), TWO, Wait(1.0), THREE]),
        ({"cut_after_events": 1}, [ONE, "Cut"]),
        ({"cut_after_events": 3}, [ONE, PAUSE, TWO, THREE, "Cut"]),
        ({"cut_after_events": 4}, [ONE, PAUSE, TWO, THREE]),
        ({"end_after_events": 0}, []),
        ({"stall_after_events": 2}, [ONE, PAUSE, TWO, "Stall"]),
        ({"error_after_events": 1}, [ONE, Send(b"error")]),
        ({"malformed_json": 2}, [ONE, PAUSE, TWO, Send(b"th\n\n")]),
        ({"truncate_body": True}, [ONE, PAUSE, Send(b"t"), "HangUp"]),
        ({"empty_body": True}, []),
        (
            {"chunk_size": 2},
            [Send(b"on"), Send(b"e"), PAUSE, Send(b"tw"), Send(b"ot"), Send(b"hr"), Send(b"ee")],
        ),
        ({"chunk_size": 50}, [ONE, PAUSE, Send(b"twothree")]),
    ],
)
def test_delivery_of_streams(knobs: dict[str, Any], expected: list[Any]) -> None:
    assert stream(**knobs) == expected


@pytest.mark.parametrize(
    ("knobs", "expected"),
    [
        ({}, [Head(200, (("content-length", "4"),)), Send(b"body")]),
        ({"delay_before_headers": 1.0}, [Wait(1.0), Head(200, (("content-length", "4"),)), Send(b"body")]),
        ({"status": 503}, [Head(503, (("content-length", "4"),)), Send(b"body")]),
        ({"empty_body": True}, [Head(200, (("content-length", "0"),))]),
        ({"malformed_json": True}, [Head(200, (("content-length", "2"),)), Send(b"bo")]),
        ({"headers": {"X": "1"}}, [Head(200, (("content-length", "4"), ("x", "1"))), Send(b"body")]),
    ],
)
def test_delivery_of_bodies(knobs: dict[str, Any], expected: list[Any]) -> None:
    assert list(steps(Reply(status=200, headers=(), body=b"body"), Fault(**knobs), ERROR)) == expected


@pytest.mark.parametrize(
    ("knobs", "sent", "end"),
    [
        ({"cut_after_events": 0}, b"", Cut),
        ({"stall_after_events": 0}, b"", Stall),
        ({"truncate_body": True}, b"bo", HangUp),
    ],
)
def test_bodies_that_end_early_announce_all_of_it(knobs: dict[str, Any], sent: bytes, end: type) -> None:
    head, *parts, last = steps(Reply(status=200, headers=(), body=b"body"), Fault(**knobs), ERROR)
    assert head == Head(200, (("content-length", "4"),))
    assert b"".join(part.data for part in parts) == sent
    assert isinstance(last, end)
