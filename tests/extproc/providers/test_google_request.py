"""Everything of a request for Gemini but its messages and tools."""

from __future__ import annotations

from typing import Any

import pytest

from extproc.errors import RequestError
from tests.extproc.providers.gemini import FLASH, OLD, VERTEX, body, config, send

PRO = "gemini-2.5-pro"


@pytest.mark.parametrize(
    ("model", "fields", "path"),
    [
        (FLASH, {}, "/v1beta/models/gemini-3.6-flash:generateContent"),
        (FLASH, {"stream": True}, "/v1beta/models/gemini-3.6-flash:streamGenerateContent?alt=sse"),
        ("tunedModels/x", {}, "/v1beta/tunedModels/x:generateContent"),
        ("a b?c", {}, "/v1beta/models/a%20b%3Fc:generateContent"),
        (
            FLASH,
            {"target": VERTEX},
            "/v1/projects/p/locations/global/publishers/google/models/gemini-3.6-flash:generateContent",
        ),
        (
            "endpoints/12",
            {"target": VERTEX, "stream": True},
            "/v1/projects/p/locations/global/endpoints/12:streamGenerateContent?alt=sse",
        ),
    ],
)
def test_paths(model: str, fields: dict[str, Any], path: str) -> None:
    assert send(model, **fields).path == path


@pytest.mark.parametrize("model", ["", "../x", "models/..", "a//b"])
def test_a_model_that_leads_elsewhere(model: str) -> None:
    with pytest.raises(RequestError, match="is no name of a model") as caught:
        send(model)
    assert caught.value.param == "model"


def test_sampling() -> None:
    sent = send(
        max_completion_tokens=9,
        temperature=1.5,
        top_p=0.5,
        top_k=4,
        stop=["a", "b"],
        seed=7,
        n=2,
        presence_penalty=1,
        frequency_penalty=-2,
        logprobs=True,
        top_logprobs=3,
    )
    assert sent.unsupported == ()
    assert config(
        max_completion_tokens=9, temperature=1.5, top_p=0.5, top_k=4, stop=["a", "b"], seed=7, n=2
    ) == {
        "maxOutputTokens": 9,
        "temperature": 1.5,
        "topP": 0.5,
        "stopSequences": ["a", "b"],
        "candidateCount": 2,
        "seed": 7,
        "topK": 4,
    }
    assert config(presence_penalty=1, frequency_penalty=-2, logprobs=True, top_logprobs=3) == {
        "presencePenalty": 1.0,
        "frequencyPenalty": -2.0,
        "responseLogprobs": True,
        "logprobs": 3,
    }


def test_limits() -> None:
    sent = send(stop=["1", "2", "3", "4", "5", "6"], presence_penalty=2, frequency_penalty=2)
    assert sent.unsupported == ("stop", "presence_penalty", "frequency_penalty")
    assert config(stop=["1", "", "2", "3", "4", "5", "6"])["stopSequences"] == list("12345")
    assert config(presence_penalty=2)["presencePenalty"] < 2
    assert send(stop=["a", ""]).unsupported == ("stop",)
    assert config(seed=2**40 + 5)["seed"] == 5
    assert config(seed=-1)["seed"] == 2**31 - 1


@pytest.mark.parametrize(
    ("fields", "param"),
    [
        ({"n": 0}, "n"),
        ({"n": "x"}, "n"),
        ({"seed": 1.5}, "seed"),
        ({"top_logprobs": 2}, "top_logprobs"),
        ({"logprobs": True, "top_logprobs": -1}, "top_logprobs"),
        ({"presence_penalty": "much"}, "presence_penalty"),
        ({"reasoning_effort": "much"}, "reasoning_effort"),
        ({"thinking": 1}, "thinking"),
        ({"generationConfig": []}, "generationConfig"),
        ({"google": {"tool_config": 1}}, "google.tool_config"),
    ],
)
def test_fields_of_the_wrong_kind(fields: dict[str, Any], param: str) -> None:
    with pytest.raises(RequestError) as caught:
        send(**fields)
    assert caught.value.param == param


def test_what_gemini_has_no_word_for() -> None:
    sent = send(
        logit_bias={"1": 2},
        metadata={"a": "b"},
        store=True,
        verbosity="low",
        prediction={"type": "content", "content": "x"},
        user="u",
        prompt_cache_key="k",
        service_tier="scale",
        novelty=1,
    )
    assert set(sent.unsupported) == {
        "logit_bias",
        "metadata",
        "store",
        "verbosity",
        "prediction",
        "user",
        "prompt_cache_key",
        "service_tier",
        "novelty",
    }


@pytest.mark.parametrize(
    ("model", "effort", "expected", "unsupported"),
    [
        (FLASH, "minimal", {"thinkingLevel": "MINIMAL", "includeThoughts": True}, ()),
        (FLASH, "high", {"thinkingLevel": "HIGH", "includeThoughts": True}, ()),
        (FLASH, "xhigh", {"thinkingLevel": "HIGH", "includeThoughts": True}, ("reasoning_effort",)),
        (FLASH, "none", {"thinkingLevel": "MINIMAL"}, ("reasoning_effort",)),
        ("gemini-3.8-flash", "minimal", {"thinkingLevel": "LOW", "includeThoughts": True}, ("reasoning_effort",)),
        ("gemini-3-pro-preview", "medium", {"thinkingLevel": "HIGH", "includeThoughts": True}, ("reasoning_effort",)),
        ("gemini-3.1-pro-preview", "medium", {"thinkingLevel": "MEDIUM", "includeThoughts": True}, ()),
        ("gemini-flash-latest", "low", {"thinkingLevel": "LOW", "includeThoughts": True}, ()),
        ("gemini-4-argon", "low", {"thinkingLevel": "LOW", "includeThoughts": True}, ()),
        (OLD, "low", {"thinkingBudget": 1024, "includeThoughts": True}, ()),
        (OLD, "max", {"thinkingBudget": 24_576, "includeThoughts": True}, ()),
        (OLD, "none", {"thinkingBudget": 0}, ()),
        (PRO, "none", {"thinkingBudget": 128}, ("reasoning_effort",)),
        (PRO, "max", {"thinkingBudget": 32_768, "includeThoughts": True}, ()),
        ("gemini-2.5-flash-lite", "low", {"thinkingBudget": 1024, "includeThoughts": True}, ()),
        ("gemini-2.0-flash", "low", None, ("reasoning_effort",)),
        ("gemini-2.0-flash", "none", None, ()),
        ("gemma-3-27b-it", "low", None, ("reasoning_effort",)),
        ("gemini-3-pro-image", "low", None, ("reasoning_effort",)),
    ],
)  # fmt: skip
def test_effort(model: str, effort: str, expected: Any, unsupported: tuple[str, ...]) -> None:
    assert config(model, reasoning_effort=effort).get("thinkingConfig") == expected
    assert send(model, reasoning_effort=effort).unsupported == unsupported


def test_thoughts_leave_room_for_the_answer() -> None:
    asked = config(OLD, reasoning_effort="high", max_tokens=4000)
    assert asked["thinkingConfig"]["thinkingBudget"] == 3000


@pytest.mark.parametrize(
    ("model", "thinking", "expected"),
    [
        (OLD, {"type": "enabled", "budget_tokens": 2000}, {"thinkingBudget": 2000, "includeThoughts": True}),
        (FLASH, {"type": "enabled", "budget_tokens": 2000}, {"thinkingLevel": "LOW", "includeThoughts": True}),
        (FLASH, {"type": "enabled", "budget_tokens": 8000}, {"thinkingLevel": "MEDIUM", "includeThoughts": True}),
        (FLASH, {"type": "enabled", "budget_tokens": 30_000}, {"thinkingLevel": "HIGH", "includeThoughts": True}),
        (FLASH, {"type": "adaptive"}, {"includeThoughts": True}),
        (OLD, {"type": "disabled"}, {"thinkingBudget": 0}),
    ],
)  # fmt: skip
def test_thinking_in_anthropics_words(model: str, thinking: dict[str, Any], expected: dict[str, Any]) -> None:
    sent = send(model, thinking=thinking)
    assert sent.unsupported == ()
    assert config(model, thinking=thinking)["thinkingConfig"] == expected
    assert send("gemini-2.0-flash", thinking={"type": "adaptive"}).unsupported == ("thinking",)


SAFETY = [{"category": "HARM_CATEGORY_HARASSMENT", "threshold": "BLOCK_NONE"}]


@pytest.mark.parametrize(
    "wrapped", [lambda f: f, lambda f: {"google": f}, lambda f: {"extra_body": {"google": f}}]
)
def test_googles_own_fields(wrapped: Any) -> None:
    fields = wrapped(
        {
            "safety_settings": SAFETY,
            "cachedContent": "cachedContents/1",
            "labels": {"team": "a"},
            "thinking_config": {"thinkingBudget": 5},
            "generationConfig": {"response_modalities": ["TEXT"], "temperature": 0.5},
            "tool_config": {"retrievalConfig": {"languageCode": "en"}},
            "imageConfig": {"aspectRatio": "1:1"},
        }
    )  # fmt: skip
    sent = body(temperature=1, reasoning_effort="low", **fields)
    assert sent["safetySettings"] == SAFETY
    assert sent["cachedContent"] == "cachedContents/1"
    assert sent["labels"] == {"team": "a"}
    assert sent["toolConfig"] == {"retrievalConfig": {"languageCode": "en"}}
    assert sent["generationConfig"] == {
        "temperature": 0.5,
        "thinkingConfig": {"thinkingBudget": 5},
        "responseModalities": ["TEXT"],
        "imageConfig": {"aspectRatio": "1:1"},
    }


def test_fields_that_google_does_not_have_are_named_where_they_are() -> None:
    sent = send(google={"novelty": 1}, extra_body={"google": {"x": 1}, "y": 2})
    assert set(sent.unsupported) == {"google.novelty", "extra_body.google.x", "extra_body.y"}


@pytest.mark.parametrize(
    ("tier", "expected"),
    [("auto", None), ("default", "standard"), ("flex", "flex"), ("priority", "priority")],
)
def test_service_tiers(tier: str, expected: str | None) -> None:
    assert body(service_tier=tier).get("serviceTier") == expected


def test_json_of_any_kind() -> None:
    assert config(response_format={"type": "json_object"}) == {"responseMimeType": "application/json"}


def test_json_of_a_schema() -> None:
    schema = {
        "type": "object",
        "properties": {"z": {"type": "string", "maxLength": 5}, "a": {"type": "integer"}},
        "required": ["z"],
        "additionalProperties": False,
    }
    wanted = {"type": "json_schema", "json_schema": {"name": "n", "description": "d", "schema": schema}}
    sent = send(response_format=wanted)
    assert sent.unsupported == ("response_format.json_schema.schema",)
    asked = config(response_format=wanted)
    assert asked["responseMimeType"] == "application/json"
    assert asked["responseJsonSchema"] == {
        "description": "d",
        "type": "object",
        "properties": {
            "z": {"type": "string", "description": "{maxLength: 5}"},
            "a": {"type": "integer"},
        },
        "required": ["z"],
        "additionalProperties": False,
        "propertyOrdering": ["z", "a"],
    }


def test_no_configuration_where_nothing_is_asked() -> None:
    assert body() == {"contents": [{"role": "user", "parts": [{"text": "hi"}]}]}
