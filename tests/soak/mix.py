"""What is asked, and what has to come of it."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

from simulator import Simulator
from tests.soak.client import Answer, Cut

Outcome = Answer | Cut

_LARGEST: Final = 64 * 1024
"""Bytes of a request's body, as CONFIG has it."""
_ABORT_AFTER: Final = 3
"""Chunks of a stream of fifty, then the client hangs up."""
_DONE: Final = b"data: [DONE]\n\n"

CONFIG: Final = """
listener: {address: 127.0.0.1, port: {port}, max_request_body: 64KiB}
admin: {port: {admin}}
providers:
  openai:  {type: openai, base_url: "{sim}/openai/v1", api_key: {file: key}}
  claude:  {type: anthropic, base_url: "{sim}/claude/v1", api_key: {file: key}}
  broken:  {type: openai, base_url: "{sim}/broken/v1", api_key: {file: key}}
  inband:  {type: anthropic, base_url: "{sim}/inband/v1", api_key: {file: key}}
  garbage: {type: anthropic, base_url: "{sim}/garbage/v1", api_key: {file: key}}
  cutting: {type: anthropic, base_url: "{sim}/cutting/v1", api_key: {file: key}}
models:
  native: {target: openai/native}
  renamed: {target: openai/another-name}
  translated: {target: claude/claude-haiku-4-5}
  broken: {target: broken/broken}
  garbage: {target: garbage/claude-haiku-4-5}
  cutting: {target: cutting/claude-haiku-4-5}
  failover:
    targets:
      - {provider: broken, model: x}
      - {provider: claude, model: claude-haiku-4-5, priority: 1}
  inband:
    targets:
      - {provider: inband, model: claude-haiku-4-5}
      - {provider: openai, model: native, priority: 1}
"""
"""To be filled in: sim here, port and admin by the harness."""


def prepare(simulator: Simulator) -> None:
    """Accounts that fail, each in its own way and for ever."""
    simulator.fault(account="broken", status=503)
    simulator.fault(account="inband", error_after_events=0)
    simulator.fault(account="garbage", garbage=True)
    simulator.fault(account="cutting", cut_after_events=4)


@dataclass(frozen=True, slots=True)
class Kind:
    """right: whether an outcome is one of those that have to come."""

    name: str
    share: int
    body: bytes
    right: Callable[[Outcome], bool]
    abort_after: int | None = None


def _body(model: str, text: str = "hello there", **more: Any) -> bytes:
    return json.dumps({"model": model, "messages": [{"role": "user", "content": text}], **more}).encode()


def _answered(outcome: Outcome) -> bool:
    return isinstance(outcome, Answer) and outcome.status == 200 and b'"choices"' in outcome.body


def _streamed(outcome: Outcome) -> bool:
    return _answered(outcome) and outcome.body.endswith(_DONE)


def _begun(outcome: Outcome) -> bool:
    return _answered(outcome) and _DONE not in outcome.body


def _refused(*statuses: int) -> Callable[[Outcome], bool]:
    def right(outcome: Outcome) -> bool:
        refused = isinstance(outcome, Answer) and outcome.status in statuses
        return refused and b'"error"' in outcome.body

    return right


def _ended_in_error(outcome: Outcome) -> bool:
    """Not as if it were complete. With the breaker open it does not begin."""
    if _refused(502, 503)(outcome):
        return True
    return (
        outcome.status == 200
        and _DONE not in outcome.body
        and (isinstance(outcome, Cut) or b'"error"' in outcome.body)
    )


_LONG: Final = "count [sim:chunks=50]"
_SLOW: Final = "count [sim:chunks=50,delay=0.02]"

KINDS: Final = (
    Kind("native", 20, _body("native"), _answered),
    Kind("renamed", 10, _body("renamed"), _answered),
    Kind("translated", 20, _body("translated"), _answered),
    Kind("native stream", 8, _body("native", stream=True), _streamed),
    Kind("renamed stream", 4, _body("renamed", stream=True), _streamed),
    Kind("translated stream", 10, _body("translated", stream=True), _streamed),
    Kind("native stream, aborted", 3, _body("native", _SLOW, stream=True), _begun, _ABORT_AFTER),
    Kind("translated stream, aborted", 5, _body("translated", _SLOW, stream=True), _begun, _ABORT_AFTER),
    Kind("provider answers 503", 3, _body("broken"), _refused(502, 503)),
    Kind("failover", 4, _body("failover"), _answered),
    Kind("failover, error in the stream", 3, _body("inband", stream=True), _streamed),
    Kind("garbage", 2, _body("garbage"), _refused(502, 503)),
    Kind("stream that is cut", 2, _body("cutting", _LONG, stream=True), _ended_in_error),
    Kind("bad JSON", 2, b'{"model": "translated", "messages": [', _refused(400)),
    Kind("bad field", 2, _body("translated", temperature="hot"), _refused(400)),
    Kind("unknown model", 1, _body("nobody"), _refused(404)),
    Kind("oversize", 1, _body("translated", "x" * _LARGEST), _refused(413)),
)


def order(kinds: tuple[Kind, ...] = KINDS) -> list[Kind]:
    """One cycle, each kind as often as its share says and spread over it."""
    total = sum(kind.share for kind in kinds)
    places = [((number + 0.5) * total / kind.share, kind) for kind in kinds for number in range(kind.share)]
    return [kind for _, kind in sorted(places, key=lambda place: place[0])]
