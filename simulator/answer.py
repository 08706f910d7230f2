"""What the simulated model says: a pure function of the request, the same in every format.

text         ``Echo from <account>/<model>: <last user message>``
tool call    where tools are offered and the last message names one, or the choice demands one
tool result  as last message: a text that quotes it
structured   JSON that fits the schema
The words of directives.py change it.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from enum import Enum, auto
from typing import Any, Final

import msgspec

from simulator.directives import Directives
from simulator.schema import Schema, example
from simulator.tokens import words

MAX_ECHO: Final = 2_000
"""Characters of the user's message that are said back."""

REFUSAL: Final = "I cannot help with that."
_PIECES: Final = re.compile(r"\s*\S+(?:\s+\Z)?|\s+")


class Finish(Enum):
    """Why the answer ended."""

    STOP = auto()
    LENGTH = auto()
    STOP_SEQUENCE = auto()
    TOOL_CALLS = auto()
    REFUSAL = auto()
    CONTENT_FILTER = auto()


@dataclass(frozen=True, slots=True)
class Tool:
    """A function that the request offers; `schema` describes its arguments."""

    name: str
    schema: Schema


@dataclass(frozen=True, slots=True)
class ToolCall:
    """A call of the tool `name`."""

    name: str
    arguments: dict[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Prompt:
    """A request, as far as the answer depends on it.

    account, model: who answers.
    text: the last user message, without directives.
    results: the tool results that end the conversation, if it ends with any.
    tools: those that may be called (none if the tool choice forbids calls).
    must_call: the tool choice demands a call.
    parallel: several calls in one answer are allowed.
    schema: what the answer's JSON must fit.
    max_tokens: thinking included.
    thinks: the answer begins with reasoning.
    """

    account: str
    model: str
    text: str
    directives: Directives = field(default_factory=Directives)
    results: tuple[str, ...] = ()
    tools: tuple[Tool, ...] = ()
    must_call: bool = False
    parallel: bool = True
    schema: Schema | None = None
    max_tokens: int | None = None
    stops: tuple[str, ...] = ()
    thinks: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What the model says.

    pieces: the text as it is streamed; joined, the text.
    stop_sequence: the one that ended it.
    """

    thinking: str
    pieces: tuple[str, ...]
    calls: tuple[ToolCall, ...]
    finish: Finish
    stop_sequence: str | None = None

    @property
    def text(self) -> str:
        return "".join(self.pieces)

    @property
    def thinking_tokens(self) -> int:
        return words(self.thinking)

    @property
    def output_tokens(self) -> int:
        """Thinking, text and calls (a call counts its name and each argument)."""
        return self.thinking_tokens + len(self.pieces) + sum(1 + len(call.arguments) for call in self.calls)


def answer(prompt: Prompt) -> Answer:
    """The one answer to `prompt`."""
    thinking = f"The user said: {_shortened(prompt.text, 80)}" if prompt.thinks else ""
    if prompt.directives.refuse:
        return Answer(thinking=thinking, pieces=_split(REFUSAL), calls=(), finish=Finish.REFUSAL)
    calls = _calls(prompt)
    if calls:
        said = _split(f"{_speaker(prompt)} calls a tool.") if prompt.directives.preamble else ()
        return Answer(thinking=thinking, pieces=said, calls=calls, finish=Finish.TOOL_CALLS)
    pieces, stop = _until_stop(_pieces(prompt), prompt.stops)
    finish = Finish.STOP if stop is None else Finish.STOP_SEQUENCE
    if prompt.max_tokens is not None and len(pieces) > (room := max(0, prompt.max_tokens - words(thinking))):
        pieces, finish, stop = pieces[:room], Finish.LENGTH, None
    if prompt.directives.filter:
        finish, stop = Finish.CONTENT_FILTER, None
    return Answer(thinking=thinking, pieces=pieces, calls=(), finish=finish, stop_sequence=stop)


def _calls(prompt: Prompt) -> tuple[ToolCall, ...]:
    named = () if prompt.results else tuple(tool for tool in prompt.tools if tool.name in prompt.text)
    chosen = named or (prompt.tools[:1] if prompt.must_call else ())
    if not prompt.parallel:
        chosen = chosen[:1]
    return tuple(ToolCall(tool.name, _arguments(tool)) for tool in chosen)


def _arguments(tool: Tool) -> dict[str, Any]:
    value = example(tool.schema)
    return value if isinstance(value, dict) else {}


def _pieces(prompt: Prompt) -> tuple[str, ...]:
    if prompt.schema is not None:
        value = example(prompt.schema) if prompt.schema else {"echo": _shortened(prompt.text, MAX_ECHO)}
        return _split(msgspec.json.format(msgspec.json.encode(value), indent=1).decode())
    quoted = "the tool said " + " and ".join(prompt.results) if prompt.results else prompt.text
    text = f"{_speaker(prompt)}: {_shortened(quoted, MAX_ECHO)}"
    if prompt.directives.chunks is None:
        return _split(text)
    return (text, *(f" {number}" for number in range(2, prompt.directives.chunks + 1)))


def _speaker(prompt: Prompt) -> str:
    return f"Echo from {prompt.account}/{prompt.model}" if prompt.account else f"Echo from {prompt.model}"


def _shortened(text: str, limit: int) -> str:
    return text if len(text) <= limit else text[:limit] + "…"


def _split(text: str) -> tuple[str, ...]:
    """`text` word by word, each with the white space before it."""
    return tuple(_PIECES.findall(text))


def _until_stop(pieces: tuple[str, ...], stops: tuple[str, ...]) -> tuple[tuple[str, ...], str | None]:
    """`pieces` up to the first stop sequence, which is not said itself, and that sequence."""
    if not stops:
        return pieces, None
    text = "".join(pieces)
    found = [(at, stop) for stop in stops if stop and (at := text.find(stop)) >= 0]
    if not found:
        return pieces, None
    end, stop = min(found)
    kept: list[str] = []
    for piece in pieces:
        kept.append(piece[: max(0, end)])
        end -= len(piece)
        if end <= 0:
            break
    return tuple(piece for piece in kept if piece), stop
