"""What generateContent demands beyond the types.

https://ai.google.dev/api/generate-content
https://ai.google.dev/gemini-api/docs/function-calling
"""

from __future__ import annotations

import re
from binascii import Error as Base64Error
from binascii import a2b_base64
from collections.abc import Iterator
from typing import Any, Final

from simulator.formats.google_thinking import check_history, signs
from simulator.formats.vendor_google import invalid

_RANGES: Final = {
    "temperature": (0, 2),
    "topP": (0, 1),
    "topK": (1, 1_000_000),
    "candidateCount": (1, 8),
    "maxOutputTokens": (1, 1_000_000),
    "presencePenalty": (-2, 1.999),
    "frequencyPenalty": (-2, 1.999),
    "logprobs": (0, 20),
    "seed": (-(2**31), 2**31 - 1),
}
_MAX_STOPS: Final = 5
_NAME: Final = re.compile(r"[a-zA-Z_][a-zA-Z0-9_:.-]{0,127}")
_MEDIA: Final = re.compile(
    r"image/(png|jpeg|webp|heic|heif)|application/pdf|text/[a-z.+-]+|audio/[a-z0-9.+-]+|video/[a-z0-9.+-]+"
)
_KEYWORDS: Final = frozenset(
    {
        "$anchor", "$defs", "$id", "$ref", "additionalProperties", "anyOf", "description", "enum", "format",
        "items", "maxItems", "maximum", "minItems", "minimum", "oneOf", "prefixItems", "properties",
        "propertyOrdering", "required", "title", "type",
    }
)  # fmt: skip
"""Of JSON schema: https://ai.google.dev/api/generate-content#FIELDS.response_json_schema"""


def check(model: str, body: dict[str, Any], *, vertex: bool) -> None:
    """Raises: ApiError (400) for the first rule that `body`, whose types are right, breaks."""
    _check_config(model, body.get("generationConfig") or {})
    names = _check_tools(body.get("tools") or [])
    _check_choice(body.get("toolConfig") or {}, names, vertex=vertex)
    contents = body["contents"]
    for at, content in enumerate(contents):
        _check_content(content)
        if vertex:
            _check_no_ids(content, at)
    _check_order(contents)
    check_history(model, contents)


def _check_config(model: str, config: dict[str, Any]) -> None:
    for name, (low, high) in _RANGES.items():
        value = config.get(name)
        if value is not None and not low <= value <= high:
            raise invalid(f"Invalid value at 'generation_config.{name}': must be between {low} and {high}")
    stops = config.get("stopSequences") or []
    if len(stops) > _MAX_STOPS or not all(stops):
        raise invalid("The number of stop sequences must be at most 5, none of them empty.")
    if config.get("logprobs") is not None and not config.get("responseLogprobs"):
        raise invalid("Logprobs is set, but responseLogprobs is not.")
    _check_format(config)
    thinking = config.get("thinkingConfig") or {}
    if "thinkingLevel" in thinking and "thinkingBudget" in thinking:
        raise invalid("You can only set only one of thinking budget and thinking level.")
    if "thinkingLevel" in thinking and not signs(model):
        raise invalid("Thinking level is not supported for this model.")


def _check_format(config: dict[str, Any]) -> None:
    schemas = [name for name in ("responseSchema", "responseJsonSchema") if config.get(name) is not None]
    if len(schemas) > 1:
        raise invalid("Only one of response_schema and response_json_schema may be set.")
    if schemas and config.get("responseMimeType") != "application/json":
        raise invalid("Function calling with a response mime type: 'text/plain' is unsupported with a schema")
    if "responseJsonSchema" in schemas:
        _check_schema(config["responseJsonSchema"], "generation_config.response_json_schema")


def _check_schema(schema: Any, place: str) -> None:
    if isinstance(schema, bool):
        return
    if not isinstance(schema, dict):
        raise invalid(f"Invalid value at '{place}': not a schema")
    unknown = schema.keys() - _KEYWORDS
    if unknown:
        raise invalid(f"Unknown keyword \"{min(unknown)}\" at '{place}'")
    if "$ref" in schema and any(not key.startswith("$") for key in schema):
        raise invalid(f"Only keywords that begin with $ may stand beside $ref at '{place}'")
    if any(
        isinstance(value, bool) or not isinstance(value, (str, int, float))
        for value in schema.get("enum", ())
    ):
        raise invalid(f"enum takes strings and numbers at '{place}'")
    for key, inner in _inner(schema):
        _check_schema(inner, f"{place}.{key}")


def _inner(schema: dict[str, Any]) -> Iterator[tuple[str, Any]]:
    """The schemas directly inside `schema`, and where."""
    for key in ("anyOf", "oneOf", "prefixItems"):
        for inner in schema.get(key) or ():
            yield key, inner
    for key in ("properties", "$defs"):
        for name, inner in (schema.get(key) or {}).items():
            yield f"{key}.{name}", inner
    for key in ("items", "additionalProperties"):
        if key in schema:
            yield key, schema[key]


def _check_tools(tools: list[dict[str, Any]]) -> set[str]:
    """The names of the functions."""
    names: set[str] = set()
    for tool in tools:
        for function in tool.get("functionDeclarations") or ():
            name = function["name"]
            if not _NAME.fullmatch(name):
                raise invalid(f"Invalid function name: {name!r}.")
            if name in names:
                raise invalid(f"Duplicate function declaration found: {name}")
            names.add(name)
            schema = function.get("parametersJsonSchema")
            if schema is not None:
                if schema.get("type") != "object":
                    raise invalid(f"{name}: parameters schema should be of type OBJECT")
                _check_schema(schema, f"tools.function_declarations.{name}.parameters_json_schema")
    return names


def _check_choice(config: dict[str, Any], names: set[str], *, vertex: bool) -> None:
    if vertex and "includeServerSideToolInvocations" in config:
        raise invalid(
            "Unknown name \"includeServerSideToolInvocations\" at 'tool_config': Cannot find field."
        )
    calling = config.get("functionCallingConfig") or {}
    allowed = calling.get("allowedFunctionNames")
    mode = calling.get("mode", "AUTO")
    if allowed and mode not in ("ANY", "VALIDATED"):
        raise invalid("Allowed function names should only be set when the mode is ANY or VALIDATED.")
    if allowed and not set(allowed) <= names:
        raise invalid("Allowed function names should be a subset of the function declarations.")
    if mode in ("ANY", "VALIDATED") and not names:
        raise invalid("Function calling config is set without function_declarations.")


def _check_content(content: dict[str, Any]) -> None:
    if content.get("role", "user") not in ("user", "model"):
        raise invalid("Please use a valid role: user, model.")
    if not content.get("parts"):
        raise invalid("GenerateContentRequest.contents: contents.parts must not be empty.")
    for part in content["parts"]:
        data = [name for name in part if name not in ("thought", "thoughtSignature", "mediaResolution")]
        if len(data) != 1:
            raise invalid("contents.parts.data: required oneof field 'data' must have one initialized field")
        inner = (part.get("functionResponse") or {}).get("parts") or ()
        for each in (part, *inner):
            _check_media(each)


def _check_no_ids(content: dict[str, Any], at: int) -> None:
    """Vertex AI has no ids of calls: https://github.com/vercel/ai/issues/15664"""
    for n, part in enumerate(content["parts"]):
        for name, field in (("functionCall", "function_call"), ("functionResponse", "function_response")):
            if "id" in (part.get(name) or {}):
                raise invalid(
                    'Invalid JSON payload received. Unknown name "id" at'
                    f" 'contents[{at}].parts[{n}].{field}': Cannot find field."
                )


def _check_media(part: dict[str, Any]) -> None:
    blob = part.get("inlineData") or part.get("fileData")
    if blob is None:
        return
    kind = blob.get("mimeType") or ""
    if not _MEDIA.fullmatch(kind) and (kind or "inlineData" in part):
        raise invalid(f"Unsupported MIME type: {kind}")
    if "inlineData" in part:
        try:
            a2b_base64(blob["data"], strict_mode=True)
        except (Base64Error, ValueError) as error:
            raise invalid("Base64 decoding failed for inline_data") from error


def _check_order(contents: list[dict[str, Any]]) -> None:
    """Calls follow what the user said or a function answered, and all of them are answered at once."""
    calls: list[str] = []
    before = ""
    for content in contents:
        parts = content["parts"]
        answers = [part["functionResponse"]["name"] for part in parts if part.get("functionResponse")]
        if (calls or answers) and sorted(answers) != sorted(calls):
            raise invalid(
                "Please ensure that the number of function response parts is equal to the number of function"
                " call parts of the function call turn."
            )
        calls = [part["functionCall"]["name"] for part in parts if part.get("functionCall")]
        if calls and before != "user":
            raise invalid(
                "Please ensure that function call turn comes immediately after a user turn or after a"
                " function response turn."
            )
        before = content.get("role", "user")
    if calls:
        raise invalid("Please ensure that a function call turn is followed by a function response turn.")
