"""AWS's exceptions: named in a header of the response or of a stream's message, or in the body.

https://docs.aws.amazon.com/bedrock/latest/APIReference/CommonErrors.html and, for Converse,
https://docs.aws.amazon.com/bedrock/latest/APIReference/API_runtime_Converse.html#API_runtime_Converse_Errors
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final

from extproc.errors import ProviderError
from extproc.providers import faults
from extproc.providers.bedrock import shapes
from extproc.wire.eventstream import Message
from extproc.wire.rawjson import MalformedJSON, decode

HEADER: Final = "x-amzn-errortype"

_KINDS: Final = {
    "throttlingexception": "rate_limit_error",
    "toomanyrequestsexception": "rate_limit_error",
    "servicequotaexceededexception": "rate_limit_error",
    "validationexception": "invalid_request_error",
    "validationerror": "invalid_request_error",
    "serializationexception": "invalid_request_error",
    "resourcenotfoundexception": "not_found_error",
    "accessdeniedexception": "permission_error",
    "notauthorized": "permission_error",
    "unrecognizedclientexception": "authentication_error",
    "invalidsignatureexception": "authentication_error",
    "signaturedoesnotmatch": "authentication_error",
    "incompletesignature": "authentication_error",
    "incompletesignatureexception": "authentication_error",
    "missingauthenticationtokenexception": "authentication_error",
    "expiredtokenexception": "authentication_error",
    "invalidclienttokenid": "authentication_error",
    "optinrequired": "billing_error",
    "internalserverexception": "server_error",
    "internalfailure": "server_error",
    "serviceunavailableexception": "overloaded_error",
    "serviceunavailable": "overloaded_error",
    "modelnotreadyexception": "overloaded_error",
    "modeltimeoutexception": "timeout_error",
    "modelerrorexception": "api_error",
    "modelstreamerrorexception": "api_error",
}
"""Names in lower case: streams begin them with a small letter."""

_ARN: Final = re.compile(r"\barn:aws[\w-]*:[^\s\"',;)\]]+")
"""Names the gateway's account, in an address of AWS's."""


def read_error(status: int, headers: Mapping[str, str], body: bytes) -> ProviderError:
    """The error that a response with `status` >= 400 means."""
    said = _fault(body)
    return _error(headers.get(HEADER) or said.kind or "", said, status)


def stream_error(message: Message) -> ProviderError:
    """The error that ends a stream: a modelled exception, or what AWS calls an error (it has no payload)."""
    if message.text(":message-type") == "error":
        said = shapes.Fault(message=message.text(":error-message"))
        return _error(message.text(":error-code"), said, None)
    return _error(message.text(":exception-type"), _fault(message.payload), None)


def _fault(body: bytes) -> shapes.Fault:
    try:
        return decode(body, shapes.Fault)
    except MalformedJSON:
        return shapes.Fault()


def _error(name: str, said: shapes.Fault, status: int | None) -> ProviderError:
    """`name` may be ``namespace#Name``, and may be followed by ``:http://…``."""
    name = name.partition(":")[0].rpartition("#")[2].strip().lower()
    words = _ARN.sub("[arn]", said.message or said.Message or "")
    kinds = (_KINDS[name],) if name in _KINDS else ()
    return faults.fault_error(faults.Fault(words, kinds), status)


def body_error(body: bytes) -> ProviderError:
    """The error in a successful response that has no answer."""
    said = _fault(body)
    return _error(said.kind or "", said, None)
