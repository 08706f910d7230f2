"""The ext_proc service over any transport: protobuf bytes of one stream in, protobuf bytes out.

A transport opens a `Stream` per ``ExternalProcessor/Process`` call, hands it each gRPC message, writes what
comes back, and ends the call with OK when `Output.close` says so.
"""

from __future__ import annotations

import logging
import time
import traceback
from typing import Final, NamedTuple, assert_never

from extproc import metrics
from extproc.codec import decode, encode
from extproc.messages import ProtocolError
from extproc.replies import AttemptFailed, Bug, Note, UnsupportedFields
from extproc.session import Session

PROCESS_METHOD: Final = "/envoy.service.ext_proc.v3.ExternalProcessor/Process"
MAX_MESSAGE: Final = 1088 * 1024 * 1024
"""Bytes of one gRPC message. A request body arrives in one, and `listener.max_request_body` may be 1 GiB
(grpcio's default of 4 MiB is trap 14)."""

log = logging.getLogger("extproc")


class Output(NamedTuple):
    """What to write, and whether to end the call (status OK) after it."""

    messages: tuple[bytes, ...]
    close: bool


class Stream:
    """One ``Process`` call."""

    def __init__(self) -> None:
        self._session = Session(int(time.time()))

    def receive(self, data: bytes) -> Output:
        """The output for one gRPC message.

        Raises:
            ProtocolError: end the call with status INTERNAL and this reason.
        """
        try:
            reply = self._session.on(decode(data))
            for note in reply.notes:
                _record(note)
            messages = reply.messages
            if len(messages) == 1:  # the usual case, and for one it is twice as fast
                return Output((encode(messages[0]),), reply.close)
            return Output(tuple(map(encode, messages)), reply.close)
        except ProtocolError as error:
            log.error("ext_proc stream ended: %s", error)  # noqa: TRY400 - the reason is the message
            raise
        except Exception as bug:
            _record(Bug("unknown", bug))
            raise ProtocolError("internal error") from bug


def _record(note: Note) -> None:
    match note:
        case UnsupportedFields(provider, fields):
            metrics.unsupported(provider, fields)
            log.info("%s cannot honour %s", provider, ", ".join(fields))
        case AttemptFailed(provider, status, reason, committed):
            metrics.attempt_failed(provider, status, committed=committed)
            log.info("%s failed with %d%s: %s", provider, status, " mid-stream" if committed else "", reason)
        case Bug(request_id, error):
            metrics.bug()
            # No message: what an exception says may quote a request.
            where = "".join(traceback.format_tb(error.__traceback__))
            log.error("bug in request %s: %s\n%s", request_id, type(error).__qualname__, where)
        case _:
            assert_never(note)
