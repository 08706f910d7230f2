"""A legacy completion request becoming the neutral chat model.

https://platform.openai.com/docs/api-reference/completions/create. The prompt is a user's one message. What
makes it more than one conversation (several prompts), or another task (a suffix: fill in the middle), is an
error here: a provider whose format has completions gets the client's own bytes instead.
"""

from __future__ import annotations

from typing import Final

from msgspec import Raw

from extproc.chat.model import ChatRequest, TextPart, UserMessage
from extproc.dialects.openai_completions import shapes
from extproc.errors import RequestError
from extproc.wire.rawjson import MalformedJSON, decode_field, decoder, present, raw, replace_string

_DEFAULTS: Final[dict[str, object]] = {
    "seed": None,
    "presence_penalty": 0,
    "frequency_penalty": 0,
    "logit_bias": {},
}
"""Fields that stay text, each with the value that asks for nothing."""

_PLACES: Final = {
    "messages": "prompt",
    "messages[0]": "prompt",
    "messages[0].content": "prompt",
    "messages[0].content[0]": "prompt",
    "top_logprobs": "logprobs",
}

_MAX_LOGPROBS: Final = 5
_SHORT: Final = 16
"""Bytes beyond which the text of a field is no default."""

_KNOWN: Final = frozenset(shapes.Request.__struct_fields__)
_read_request: Final = decoder(shapes.Request)
_read_fields: Final = decoder(dict[str, Raw])


def read_request(body: bytes) -> ChatRequest:
    """The request in `body`.

    Raises:
        RequestError: not a completion request, or one that a chat cannot answer; ``param`` names the field.
    """
    try:
        request = _read_request(body)
        fields = _read_fields(body)
        return ChatRequest(
            model=request.model,
            messages=(UserMessage(parts=(TextPart(text=_prompt(request)),)),),
            stream=bool(request.stream),
            include_usage=bool(request.stream_options and request.stream_options.include_usage),
            max_tokens=_max_tokens(request.max_tokens),
            temperature=_between(request.temperature, 2, "temperature"),
            top_p=_between(request.top_p, 1, "top_p"),
            stop=(request.stop,) if isinstance(request.stop, str) else tuple(request.stop or ()),
            user=request.user,
            plain=_plain(request, fields),
            unsupported=_unsupported(request),
            places=_PLACES,
            echo={"prompt": raw(_prompt(request))} if request.echo and request.logprobs is None else None,
            extra={
                name: value
                for name, value in fields.items()
                if name not in _KNOWN and present(value) is not None
            },
        )
    except MalformedJSON as error:
        raise RequestError(str(error), param=error.path or None) from None


def edit_request(body: bytes, *, model: str) -> bytes:
    """`body` under another model name; see ``rawjson.replace_string``.

    Raises:
        RequestError: not a JSON object with a string ``model``.
    """
    try:
        return replace_string(body, "model", model)
    except MalformedJSON as error:
        raise RequestError(str(error), param=error.path or None) from None


def _prompt(request: shapes.Request) -> str:
    if request.suffix:
        raise RequestError(
            "suffix: this model answers through a chat, which cannot fill in the middle of a text",
            param="suffix",
        )
    prompt = request.prompt
    if isinstance(prompt, str):
        return prompt
    if not all(isinstance(item, str) for item in prompt):
        raise RequestError(
            "prompt: this model takes text, not tokens, whose numbers mean other words to it", param="prompt"
        )
    if len(prompt) != 1:
        raise RequestError(
            f"prompt: this model takes one prompt in a request, not {len(prompt)}", param="prompt"
        )
    return str(prompt[0])


def _plain(request: shapes.Request, fields: dict[str, Raw]) -> dict[str, Raw]:
    """What a provider of chats honours or not, by the names of chat completions."""
    plain = {
        name: fields[name]
        for name, default in _DEFAULTS.items()
        if name in fields and _asks(name, fields[name], default)
    }
    if request.n is not None and request.n != 1:
        plain["n"] = raw(request.n)
    if request.logprobs is not None:
        if not 0 <= request.logprobs <= _MAX_LOGPROBS:
            raise RequestError(f"logprobs: must be between 0 and {_MAX_LOGPROBS}", param="logprobs")
        plain["logprobs"] = raw(True)
        if request.logprobs:
            plain["top_logprobs"] = raw(request.logprobs)
    return plain


def _unsupported(request: shapes.Request) -> tuple[str, ...]:
    """What no chat has: the best of several answers, and how likely the prompt itself was."""
    best_of = request.best_of is not None and request.best_of != (request.n or 1)
    scored = request.echo and request.logprobs is not None
    return (("best_of",) if best_of else ()) + (("echo",) if scored else ())


def _asks(name: str, value: Raw, default: object) -> bool:
    if present(value) is None:
        return False
    return len(bytes(value)) > _SHORT or decode_field(value, object, name) != default


def _max_tokens(value: int | None) -> int | None:
    if value is not None and value < 1:
        raise RequestError("max_tokens: must be at least 1", param="max_tokens")
    return value


def _between(value: float | None, top: float, name: str) -> float | None:
    if value is not None and not 0 <= value <= top:
        raise RequestError(f"{name}: must be between 0 and {top:g}", param=name)
    return value
