"""The types of Google's own SDK as a validator of requests; they forbid what they do not know."""

from __future__ import annotations

import json
from typing import Any

from google.genai import types
from pydantic import BaseModel, ConfigDict, Field


class _Config(types.GenerationConfig):
    """Fields that the SDK writes, and that this type of its lacks."""

    image_config: types.ImageConfig | None = None


class _Request(BaseModel):
    """The body of generateContent, of which the SDK has no type: it assembles it."""

    model_config = ConfigDict(extra="forbid")

    contents: list[types.Content] = Field(min_length=1)
    system_instruction: types.Content | None = Field(None, alias="systemInstruction")
    tools: list[types.Tool] | None = None
    tool_config: types.ToolConfig | None = Field(None, alias="toolConfig")
    safety_settings: list[types.SafetySetting] | None = Field(None, alias="safetySettings")
    generation_config: _Config | None = Field(None, alias="generationConfig")
    cached_content: str | None = Field(None, alias="cachedContent")
    labels: dict[str, str] | None = None
    service_tier: types.ServiceTier | None = Field(None, alias="serviceTier")
    model_armor_config: types.ModelArmorConfig | None = Field(None, alias="modelArmorConfig")


def check(body: dict[str, Any]) -> None:
    """Raises: pydantic.ValidationError, AssertionError."""
    request = _Request.model_validate_json(json.dumps(body))
    assert request.contents[0].role == "user"
    for content in request.contents:
        assert content.role in ("user", "model")
        assert content.parts
        answering = [part.function_response is not None for part in content.parts]
        assert all(answering) or not any(answering), "responses to calls stand alone"
    stops = body.get("generationConfig", {}).get("stopSequences", [])
    assert len(stops) <= 5
