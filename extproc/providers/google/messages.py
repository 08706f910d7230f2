"""The conversation in Gemini's order: system text apart, then turns of the user and the model.

Rules from https://ai.google.dev/gemini-api/docs/function-calling and .../thought-signatures:
* All responses to the calls of one turn stand together in the next, which has nothing else.
* A response names its function; OpenAI's tool results have only the call's id, so the calls tell.
* The signature of a turn goes back with its first function call, or else with its text. Without it
  Gemini 3 refuses the calls that came after the user's last words.
* Vertex AI refuses ids of calls, and tells responses to one function apart by their order:
  https://github.com/vercel/ai/issues/15664
* A turn has parts; the first turn is the user's.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final, NamedTuple

from msgspec import Raw

from extproc.chat.model import (
    AssistantMessage,
    ImagePart,
    Message,
    Part,
    SystemMessage,
    TextPart,
    ToolCall,
    ToolMessage,
    UserMessage,
)
from extproc.errors import RequestError, UnsupportedFieldError
from extproc.providers.fields import read_field
from extproc.providers.google import shapes
from extproc.providers.google.content import write_part
from extproc.providers.google.models import Traits
from extproc.providers.signatures import GOOGLE, unmarked
from extproc.wire.rawjson import MalformedJSON, decode, decoder

OWNER: Final = "google"
INVALID_JSON: Final = "INVALID_JSON"
"""The key under which arguments go back that are no JSON object, as ``args`` must be."""

UNSIGNED: Final = "c2tpcF90aG91Z2h0X3NpZ25hdHVyZV92YWxpZGF0b3I="
"""``skip_thought_signature_validator`` in base64: Google's word for calls of which no signature is known.

https://ai.google.dev/gemini-api/docs/thought-signatures#faqs: for conversations that began elsewhere, and
for clients that lost it.
"""

_NO_USER: Final = {"text": "."}
"""Stands for the user where a conversation begins with the assistant, and says as little as can be."""

_SEEN_IN_FULL: Final = frozenset({None, "auto", "high"})

_read_object: Final = decoder(shapes.Object)

_Part = dict[str, Any] | Raw


class _Called(NamedTuple):
    """A call: its function, and the id under which it goes back."""

    name: str
    id: str | None


class Conversation:
    """system: parts. contents: turns. unsupported: as in the request."""

    def __init__(self, system: list[_Part], contents: list[dict[str, Any]], unsupported: list[str]) -> None:
        self.system = system
        self.contents = contents
        self.unsupported = unsupported


class _Turns:
    """Turns while they are written. `kind` tells results from a user's words, which do not mix."""

    def __init__(self) -> None:
        self.turns: list[tuple[str, list[_Part]]] = []

    def add(self, kind: str, parts: list[_Part]) -> None:
        if not parts:
            return
        if self.turns and self.turns[-1][0] == kind:
            self.turns[-1][1].extend(parts)
        else:
            self.turns.append((kind, parts))

    def contents(self) -> list[dict[str, Any]]:
        return [
            {"role": "model" if kind == "model" else "user", "parts": parts} for kind, parts in self.turns
        ]


def write_conversation(messages: tuple[Message, ...], known: Traits, *, ids: bool) -> Conversation:
    """ids: calls and their results have one.

    Raises: RequestError for content that Gemini cannot take, or if there is none.
    """
    system: list[_Part] = []
    turns = _Turns()
    calls: dict[str, _Called] = {}
    current = _current_turn(messages)
    for index, message in _in_order(messages):
        match message:
            case UserMessage():
                turns.add("user", _parts(message.parts, index))
            case AssistantMessage():
                calls |= _called(message, index, ids=ids)
                turns.add("model", _model(message, index, ids=ids, signed=known.signs and index > current))
            case ToolMessage():
                response, media = _result(message, index, calls, known)
                turns.add("results", [response])
                if media:
                    turns.add("user", media)
            case SystemMessage():
                system += _system(message, index)
    contents = _results_first(turns).contents()
    if not contents:
        if not system:
            raise RequestError(
                "messages: the provider needs at least one that is not empty", param="messages"
            )
        # OpenAI answers to a system message alone; here the user's turn must say something.
        contents, system = [{"role": "user", "parts": system}], []
    if contents[0]["role"] == "model":
        contents.insert(0, {"role": "user", "parts": [_NO_USER]})
    return Conversation(system, contents, _unsupported(messages))


def _in_order(messages: tuple[Message, ...]) -> Iterator[tuple[int, Message]]:
    """The messages with their indices, the results of a turn in the order of its calls."""
    order: dict[str, int] = {}
    results: list[tuple[int, ToolMessage]] = []
    for index, message in enumerate(messages):
        if isinstance(message, ToolMessage):
            results.append((index, message))
            continue
        yield from sorted(results, key=lambda each: order.get(each[1].call_id, 0))
        results.clear()
        yield index, message
        if isinstance(message, AssistantMessage):
            order = {call.id: n for n, call in enumerate(message.tool_calls)}
    yield from sorted(results, key=lambda each: order.get(each[1].call_id, 0))


def _current_turn(messages: tuple[Message, ...]) -> int:
    """Where the user spoke last: the calls after that are those whose signatures are looked at."""
    spoken = [index for index, message in enumerate(messages) if isinstance(message, UserMessage)]
    return spoken[-1] if spoken else -1


def _results_first(turns: _Turns) -> _Turns:
    """Images out of results come after all results of the turn, which must stand together."""
    sorted_ = _Turns()
    waiting: list[_Part] = []
    for kind, parts in turns.turns:
        if kind == "user" and sorted_.turns and sorted_.turns[-1][0] == "results":
            waiting += parts
            continue
        if kind == "model":
            sorted_.add("user", waiting)
            waiting = []
        sorted_.add(kind, parts)
    sorted_.add("user", waiting)
    return sorted_


def _unsupported(messages: tuple[Message, ...]) -> list[str]:
    names = [
        message for message in messages if not isinstance(message, ToolMessage) and message.name is not None
    ]
    told = ["messages.name"] if names else []
    images = [part for message in messages for part in message.parts if isinstance(part, ImagePart)]
    if any(part.detail not in _SEEN_IN_FULL for part in images):
        told.append("messages.content.image_url.detail")
    return told


def _system(message: SystemMessage, index: int) -> list[_Part]:
    for n, part in enumerate(message.parts):
        if not isinstance(part, TextPart):
            path = f"messages[{index}].content[{n}]"
            raise UnsupportedFieldError(f"{path}: the provider takes only text here", param=path)
    return _parts(message.parts, index)


def _parts(parts: tuple[Part, ...], index: int) -> list[_Part]:
    written = [write_part(part, index, n) for n, part in enumerate(parts)]
    return [part for part in written if part is not None]


def _model(message: AssistantMessage, index: int, *, ids: bool, signed: bool) -> list[_Part]:
    """signed: a call must have a signature, its own or `UNSIGNED`."""
    if message.native is not None and message.native.owner == OWNER:
        return [_own_part(part, ids=ids) for part in message.native.blocks]
    if message.audio is not None:
        path = f"messages[{index}].audio"
        raise UnsupportedFieldError(f"{path}: the provider cannot take audio", param=path)
    thoughts, signature = _thoughts(message)
    said = _parts(message.parts, index)
    if message.refusal:
        said.append({"text": message.refusal})
    calls = [_call(call, ids=ids) for call in message.tool_calls]
    if calls and (signature is not None or signed):
        calls[0]["thoughtSignature"] = signature or UNSIGNED
    elif signature is not None:
        if not said:
            said.append({"text": ""})
        said[-1] = {**_fields(said[-1]), "thoughtSignature": signature}
    return [*thoughts, *said, *calls]


def _fields(part: _Part) -> dict[str, Any]:
    return part if isinstance(part, dict) else decode(part, dict[str, Raw])


def _thoughts(message: AssistantMessage) -> tuple[list[_Part], str | None]:
    """The model's thoughts and its signature; another provider's stay away."""
    signatures = [unmarked(GOOGLE, block.signature) for block in message.thinking]
    own = [signature for signature in signatures if signature is not None]
    if not own:
        return [], None
    texts = [
        block.text
        for block, signature in zip(message.thinking, signatures, strict=True)
        if block.text and (signature is not None or not block.signature)
    ]
    return [{"text": text, "thought": True} for text in texts], own[-1] or None


def _own_part(part: Raw, *, ids: bool) -> _Part:
    """`part` as it came. Entries of a streamed ``google_content`` carry their index, which is ours."""
    fields = decode(part, dict[str, Raw])
    indexed = fields.pop("index", None) is not None
    if not ids and "functionCall" in fields:
        call = decode(fields["functionCall"], dict[str, Raw])
        return {**fields, "functionCall": {name: value for name, value in call.items() if name != "id"}}
    return fields if indexed else part


def _call(call: ToolCall, *, ids: bool) -> dict[str, Any]:
    args = {"input": call.arguments} if call.kind == "custom" else _arguments(call.arguments)
    written: dict[str, Any] = {"id": call.id} if ids else {}
    return {"functionCall": {**written, "name": call.name, "args": args}}


def _arguments(text: str) -> object:
    """The arguments as the model wrote them, numbers and all."""
    if not text.strip():
        return {}
    try:
        _read_object(text)
    except MalformedJSON:
        return {INVALID_JSON: text}
    return Raw(text.encode())


def _called(message: AssistantMessage, index: int, *, ids: bool) -> dict[str, _Called]:
    """The calls of `message` by id. One that Gemini gave no id goes back without, and so does its result."""
    given = {call.id for call in message.tool_calls} if ids else set()
    if message.native is not None and message.native.owner == OWNER:
        path = f"messages[{index}].{OWNER}_content"
        parts = [
            read_field(part, shapes.Part, f"{path}[{n}]") for n, part in enumerate(message.native.blocks)
        ]
        given &= {part.function_call.id for part in parts if part.function_call is not None}
    return {call.id: _Called(call.name, call.id if call.id in given else None) for call in message.tool_calls}


def _result(
    message: ToolMessage, index: int, calls: dict[str, _Called], known: Traits
) -> tuple[dict[str, Any], list[_Part]]:
    """The response to a call, and the images and documents for which it has no place (Gemini before 3)."""
    called = calls.get(message.call_id)
    if called is None:
        path = f"messages[{index}].tool_call_id"
        raise RequestError(f"{path}: no earlier message calls a tool under this id", param=path)
    texts: list[str] = []
    media: list[_Part] = []
    for n, part in enumerate(message.parts):
        if isinstance(part, TextPart):
            texts.append(part.text)
        elif (written := write_part(part, index, n)) is not None:
            media.append(written)
    response: dict[str, Any] = {} if called.id is None else {"id": called.id}
    response["name"] = called.name
    # The keys by which Google tells what a function gave from why it failed.
    response["response"] = {"error" if message.error else "output": "\n".join(texts)}
    if media and known.media_results:
        response["parts"] = media
        media = []
    return {"functionResponse": response}, media
