"""An answer in the words of legacy completions: https://platform.openai.com/docs/api-reference/completions/object

What was thought is on the choice as ``reasoning``, the name that OpenRouter gives it here.
"""

from __future__ import annotations

from typing import Any, Final

from msgspec import Raw

from extproc.chat.model import ChatResponse, Choice, FinishReason
from extproc.chat.seams import ReplyContext
from extproc.dialects.openai_chat.response import add_finish_details, write_usage
from extproc.dialects.openai_completions import shapes
from extproc.errors import ProviderFailed
from extproc.wire.rawjson import MalformedJSON, decode, decoder, encode

FINISH_REASONS: Final[dict[FinishReason, str]] = {
    "stop": "stop",
    "length": "length",
    "tool_calls": "stop",  # no client of this dialect has tools
    "content_filter": "content_filter",
    "refusal": "content_filter",
    "pause": "stop",
    "unknown": "stop",
}

_read_logprobs: Final = decoder(shapes.ChatLogprobs)


def write_response(response: ChatResponse, reply: ReplyContext) -> bytes:
    """`response` as the body of a 200."""
    return encode(
        {
            "id": response.id or fallback_id(reply),
            "object": "text_completion",
            "created": reply.created if response.created is None else response.created,
            "model": reply.model,
            "choices": [_choice(choice, prompt(reply)) for choice in response.choices],
            "usage": None if response.usage is None else write_usage(response.usage),
            "system_fingerprint": response.fingerprint,
        }
    )


def fallback_id(reply: ReplyContext) -> str:
    return f"cmpl-{reply.request_id}"


def prompt(reply: ReplyContext) -> str:
    """What stands before the answer's text, where the client asked for it by ``echo``."""
    return "" if reply.echo is None else decode(reply.echo["prompt"], str)


def _choice(choice: Choice, echoed: str) -> dict[str, Any]:
    message = choice.message
    logprobs = None if choice.logprobs is None else Logprobs().write(choice.logprobs)
    written: dict[str, Any] = {
        "text": echoed + message.text + (message.refusal or ""),
        "index": choice.index,
        "logprobs": logprobs,
        "finish_reason": FINISH_REASONS[choice.finish_reason],
    }
    if message.reasoning is not None:
        written["reasoning"] = message.reasoning
    add_finish_details(written, choice.native_reason, choice.stop_sequence)
    return written


class Logprobs:
    """The log probabilities of one choice, in lists side by side; offsets count characters of its text."""

    def __init__(self) -> None:
        self._offset = 0

    def write(self, chat: Raw) -> dict[str, Any] | None:
        """`chat`, the next piece of a chat completion's ``logprobs``.

        Raises: ProviderFailed where the provider sent something else.
        """
        try:
            tokens = _read_logprobs(chat).content
        except MalformedJSON as error:
            raise ProviderFailed(f"the provider sent malformed logprobs: {error}") from None
        if tokens is None:
            return None
        offsets = []
        for token in tokens:
            offsets.append(self._offset)
            self._offset += len(token.token)
        return {
            "tokens": [token.token for token in tokens],
            "token_logprobs": [token.logprob for token in tokens],
            "top_logprobs": [
                {top.token: top.logprob for top in token.top_logprobs or ()} for token in tokens
            ],
            "text_offset": offsets,
        }
