"""The check against the SDKs' types: stricter than pydantic's own, and no stricter than the provider."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any, Literal

import anthropic.types
import openai.types.chat
import pytest
from pydantic import TypeAdapter
from typing_extensions import TypedDict

from simulator.formats import anthropic_rules
from simulator.formats.anthropic_messages import _check as check_anthropic
from simulator.formats.openai_chat import _check as check_openai
from simulator.strict import RequestType
from tests.simulator.recorded import RECORDED

PATHS = {"/v1/chat/completions": "openai", "/v1/messages": "anthropic"}


def recorded_requests() -> Iterator[Any]:
    """Recorded requests that the real provider answered."""
    manifest = RECORDED / "manifest.json"
    if not manifest.exists():
        yield pytest.param("", {}, marks=pytest.mark.skip(reason="the recorded traffic is not here"))
        return
    for entry in json.loads(manifest.read_text()):
        vendor = PATHS.get(entry.get("path") or "")
        if entry["provider"] == vendor and entry["status"] == 200 and entry.get("request"):
            yield pytest.param(vendor, json.loads((RECORDED / entry["request"]).read_text()), id=entry["id"])


@pytest.mark.parametrize(("vendor", "body"), list(recorded_requests()))
def test_what_the_real_provider_took_is_taken(
    vendor: str, body: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    # Only the real provider can know its own signatures.
    monkeypatch.setattr(anthropic_rules, "check_history", lambda _: None)
    if vendor == "openai":
        check_openai(body, lenient=False)
    else:
        check_anthropic(body, current=False, lenient=False)


def test_pydantic_alone_does_not_look_into_iterables() -> None:
    body = {"model": "m", "messages": [{"role": "user", "content": "a", "x": 1}]}
    typed_dict = openai.types.chat.completion_create_params.CompletionCreateParamsNonStreaming
    TypeAdapter(typed_dict).validate_python(body)
    problem = RequestType(typed_dict).check(body)
    assert problem is not None
    assert (problem.kind, problem.location) == ("extra_forbidden", ("messages", 0, "x"))


def test_places_name_the_blocks_on_the_way() -> None:
    check = RequestType(anthropic.types.message_create_params.MessageCreateParamsNonStreaming).check
    block = {"type": "tool_result", "tool_use_id": "a", "content": [{"type": "text", "text": "x", "bad": 1}]}
    problem = check({"model": "m", "max_tokens": 1, "messages": [{"role": "user", "content": [block]}]})
    assert problem is not None
    assert problem.location == ("messages", 0, "content", 0, "content", 0, "bad")
    assert problem.tags == ("messages", 0, "user", "content", 0, "tool_result", "content", 0, "text", "bad")


class Cat(TypedDict):
    kind: Literal["cat"]
    lives: int


class Dog(TypedDict):
    kind: Literal["dog"]
    name: str


class Owner(TypedDict):
    pet: Cat | Dog


def test_unions_without_a_tag_take_what_fits_one_member() -> None:
    check = RequestType(Owner).check
    assert check({"pet": {"kind": "cat", "lives": 9}}) is None
    problem = check({"pet": {"kind": "dog", "name": 5}})
    assert problem is not None
    assert problem.location[0] == "pet"


def test_unknown_fields_where_they_are_allowed() -> None:
    body = {"pet": {"kind": "cat", "lives": 9, "colour": "black"}, "house": 1}
    assert RequestType(Owner, allow_unknown_fields=True).check(body) is None
    assert RequestType(Owner).check(body) is not None
