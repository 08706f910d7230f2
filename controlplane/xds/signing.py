"""AWS's Signature Version 4, by Envoy: the keys go to no other process.

https://www.envoyproxy.io/docs/envoy/latest/configuration/http/http_filters/aws_request_signing_filter
"""

from __future__ import annotations

from typing import Any, Final

from controlplane.plan import AwsKeys, Leaf, Signing
from controlplane.xds.authority import authority
from protos.api import AwsRequestSigning

_SERVICE: Final = "bedrock"
"""The name that Bedrock's runtime has in signatures."""

_NOT_SIGNED: Final = (
    "([^cx]|c[^o]|co[^n]|con[^t]|cont[^e]|conte[^n]|conten[^t]|content[^-]|content-[^t]"
    "|x[^-]|x-[^a]|x-a[^m]|x-am[^z]|x-amz[^-]).*"
)
"""Every header but ``content-type`` and ``x-amz-…``, which must be signed, as the host is in any case.

What else there is may change on the way: the marks of this attempt go with the chain's last filter.
Written so because the matcher (RE2) cannot say "not".
"""


def aws_signing(leaf: Leaf, signing: Signing) -> AwsRequestSigning:
    """After ext_proc: what it wrote is what is signed, body included."""
    config: dict[str, Any] = {
        "service_name": _SERVICE,
        "region": signing.region,
        # The router writes the host only when the connection stands, which is later (trap 11).
        "host_rewrite": authority(leaf, leaf.endpoints[0]),
        "match_excluded_headers": [{"safe_regex": {"regex": _NOT_SIGNED}}],
    }
    if signing.keys is not None:
        config["credential_provider"] = {"inline_credential": _inline(signing.keys)}
    return AwsRequestSigning(**config)


def _inline(keys: AwsKeys) -> dict[str, str]:
    token = {} if keys.session_token is None else {"session_token": keys.session_token.reveal()}
    return {
        "access_key_id": keys.access_key_id.reveal(),
        "secret_access_key": keys.secret_access_key.reveal(),
    } | token
