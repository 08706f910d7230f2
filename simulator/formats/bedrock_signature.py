"""AWS's Signature Version 4, computed again by AWS's own library where it is installed.

https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-create-signed-request.html
"""

from __future__ import annotations

import hmac
import re
from hashlib import sha256
from typing import Final

from simulator.wire import ApiError, Call

_SCHEME: Final = "AWS4-HMAC-SHA256"
_FIELDS: Final = re.compile(
    _SCHEME + r" Credential=(?P<key>[^/,\s]+)/\d{8}/(?P<region>[a-z0-9-]+)/(?P<service>[a-z0-9-]+)"
    r"/aws4_request,"
    r" ?SignedHeaders=(?P<signed>[a-z0-9;-]+), ?Signature=(?P<signature>[0-9a-f]{64})"
)  # fmt: skip
_SERVICE: Final = "bedrock"


def check_signature(call: Call) -> None:
    """That `call` is signed, with the account's keys (``ID:SECRET`` or ``ID:SECRET:TOKEN``) if it has some.

    Raises: ApiError (403).
    """
    found = _FIELDS.fullmatch(call.headers.get("authorization", ""))
    if found is None:
        raise _refused("MissingAuthenticationTokenException", "Missing Authentication Token")
    signed = found["signed"].split(";")
    token = call.headers.get("x-amz-security-token")
    must = {"host", "x-amz-date"} | ({"x-amz-security-token"} if token else set())
    if missing := must - set(signed):
        raise _refused("InvalidSignatureException", f"Not signed: {', '.join(sorted(missing))}")
    if found["service"] != _SERVICE:
        raise _refused("InvalidSignatureException", f"Credential should be scoped to service: {_SERVICE!r}.")
    told = call.headers.get("x-amz-content-sha256", "")
    if told and told != sha256(call.body).hexdigest():
        raise _refused("InvalidSignatureException", "The body is not the one that was signed.")
    if call.account.api_key is None:
        return
    key, secret, expected_token = [*call.account.api_key.split(":"), "", ""][:3]
    if found["key"] != key or (token or "") != expected_token:
        raise _refused(
            "UnrecognizedClientException", "The security token included in the request is invalid."
        )
    computed = _signature(call, found["region"], signed, (key, secret, expected_token))
    if computed is not None and not hmac.compare_digest(computed, found["signature"]):
        raise _refused(
            "InvalidSignatureException",
            "The request signature we calculated does not match the signature you provided.",
        )


def _signature(call: Call, region: str, signed: list[str], keys: tuple[str, str, str]) -> str | None:
    """What botocore makes of the request as it arrived; None where that is not installed."""
    try:
        from botocore.auth import SigV4Auth  # noqa: PLC0415 - optional
        from botocore.awsrequest import AWSRequest  # noqa: PLC0415
        from botocore.credentials import Credentials  # noqa: PLC0415
    except ModuleNotFoundError:
        return None
    prefix = f"/{call.account.name}" if call.account.name else ""
    request = AWSRequest(
        method=call.method,
        url=f"http://{call.headers['host']}{prefix}{call.path}",
        headers={name: call.headers.get(name, "") for name in signed},
        data=call.body,
    )
    request.context["timestamp"] = call.headers.get("x-amz-date", "")
    key, secret, token = keys
    auth = SigV4Auth(Credentials(key, secret, token or None), _SERVICE, region)
    text = auth.string_to_sign(request, auth.canonical_request(request))
    return str(auth.signature(text, request))


def _refused(kind: str, message: str) -> ApiError:
    return ApiError(403, message, type=kind)
