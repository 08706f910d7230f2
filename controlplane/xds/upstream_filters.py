"""The filters that run once per attempt, after the provider was picked, and why in this order.

What Envoy carries natively goes straight to its leaf, whose chain has that provider's filters alone. All
else goes to an aggregate, be it of one leaf; Envoy then runs the aggregate's chain, not the leaves', so
ext_proc and each provider's filters are in it, and all but the picked one's are skipped (architecture.md,
"Failover").
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

from controlplane.plan import Credential, Leaf
from controlplane.xds.resources import ADS, extension, header, request_header_input, seconds
from controlplane.xds.signing import aws_signing
from extproc.contract import names
from protos.api import (
    CredentialInjector,
    ExtensionWithMatcher,
    ExternalProcessor,
    GenericCredential,
    HeaderMutationFilter,
    SkipFilter,
    UpstreamCodec,
)

_MESSAGE_TIMEOUT: Final = 3600.0
"""Seconds. It runs while headers are held (STREAMED), where the per-try timeout is the limit that counts; a
worker that hangs is found by its health check."""

PROCESSING_MODE: Final = {
    "request_header_mode": "SEND",  # trap 2
    "request_body_mode": "BUFFERED",  # trap 3: FULL_DUPLEX_STREAMED here crashes Envoy 1.40.0
    "response_header_mode": "SEND",
    "response_body_mode": "STREAMED",  # one reply a message, and stepping aside is safe
    "request_trailer_mode": "SKIP",
    "response_trailer_mode": "SKIP",
}

_TO_EXT_PROC: Final = (
    names.HEADER_TARGET,
    names.HEADER_POLICY,
    names.HEADER_PATH,
    "x-request-id",
    ":status",
    "content-type",
    "content-encoding",
    "retry-after",
    "x-amzn-errortype",
    "x-amzn-bedrock-input-token-count",
)
"""The headers ext_proc decides by; the rest need not travel."""


def native_chain(leaf: Leaf) -> list[dict[str, Any]]:
    """The chain of a leaf: of requests whose bytes do not change.

    Nothing is to be reset: the listener has removed the client's credentials, and each attempt sets the same.
    Even a disabled ext_proc would cost a fifth of what such a request costs (docs/performance.md).
    """
    return [
        extension("mark_answer", HeaderMutationFilter(mutations={"response_mutations": [_ANSWERED]})),
        *(extension(name, config) for name, config in _provider_filters(leaf)),
        extension("envoy.filters.http.upstream_codec", UpstreamCodec()),
    ]


def ext_proc_chain(leaves: Sequence[Leaf]) -> list[dict[str, Any]]:
    """The chain of an aggregate of `leaves`: of requests whose bytes ext_proc changes or watches."""
    several = len(leaves) > 1
    return [
        extension("begin_attempt", _begin(leaves)),
        extension(names.EXT_PROC_FILTER, _ext_proc()),
        *(
            extension(f"{name}/{leaf.name}", _only_for(leaf, extension(name, config)))
            if several
            else extension(name, config)
            for leaf in leaves
            for name, config in _provider_filters(leaf)
        ),
        extension("end_attempt", _END),
        extension("envoy.filters.http.upstream_codec", UpstreamCodec()),
    ]


_ANSWERED: Final = {"append": header(names.HEADER_ANSWERED, "1")}
"""A provider answered, not Envoy: the listener maps its failures. ext_proc, which maps what it sees itself,
takes the mark off (it may have stepped aside before the answer came)."""
_MARKS: Final = {
    names.HEADER_LEAF: f"%UPSTREAM_METADATA({names.METADATA_NAMESPACE}:{names.METADATA_LEAF})%",
    # CEL attributes could say these two as well, for 40 us more of each request (docs/performance.md).
    names.HEADER_TARGET: f"%UPSTREAM_METADATA({names.METADATA_NAMESPACE}:{names.METADATA_TARGET})%",
    names.HEADER_POLICY: f"%METADATA(ROUTE:{names.METADATA_NAMESPACE}:{names.METADATA_POLICY})%",
    names.HEADER_PATH: f"%FILTER_STATE({names.STATE_PATH}:PLAIN)%",
}
"""Headers between the first filter and the last: what this attempt is about."""

_END: Final = HeaderMutationFilter(
    mutations={
        "request_mutations": [{"remove": name} for name in _MARKS],
        "response_mutations": [_ANSWERED],
    }
)


def _begin(leaves: Sequence[Leaf]) -> HeaderMutationFilter:
    """Unconditionally first: what the last attempt's filters set would reach this provider (trap 1)."""
    own = {name for leaf in leaves for name in leaf.headers}
    removed = [*names.CREDENTIAL_HEADERS, *names.ACCOUNT_HEADERS, *sorted(own)]
    if len(leaves) > 1:
        # With one target the length is the client's or the same that ext_proc sets again.
        removed.append("content-length")
        if any(leaf.target.wire_format == "bedrock" for leaf in leaves):
            removed.append("accept")  # its streams have a type of their own
    marked = [{"append": header(name, value)} for name, value in _MARKS.items()]
    return HeaderMutationFilter(
        mutations={"request_mutations": [*({"remove": name} for name in removed), *marked]}
    )


def _provider_filters(leaf: Leaf) -> list[tuple[str, Any]]:
    filters: list[tuple[str, Any]] = []
    if leaf.headers:
        # Envoy formats the value; the user's text is meant as it is.
        texts = [(name, value.replace("%", "%%")) for name, value in sorted(leaf.headers.items())]
        own = [{"append": header(name, text)} for name, text in texts]
        filters.append(("provider_headers", HeaderMutationFilter(mutations={"request_mutations": own})))
    if leaf.credential:
        filters.append(("envoy.filters.http.credential_injector", _credential(leaf.credential)))
    if leaf.signing:
        filters.append(("envoy.filters.http.aws_request_signing", aws_signing(leaf, leaf.signing)))
    return filters


def _credential(credential: Credential) -> CredentialInjector:
    """Secrets go from SDS to the provider and never enter Python's request path."""
    generic = GenericCredential(
        credential={"name": credential.secret, "sds_config": ADS},
        header=credential.header,
        header_value_prefix=credential.prefix,
    )
    return CredentialInjector(
        overwrite=True,
        credential=extension("envoy.http.injected_credentials.generic", generic),
    )


def _only_for(leaf: Leaf, filter_config: dict[str, Any]) -> ExtensionWithMatcher:
    is_leaf = {
        "single_predicate": {
            "input": request_header_input(names.HEADER_LEAF),
            "value_match": {"exact": leaf.name},
        }
    }
    skip = {"action": extension("skip", SkipFilter())}
    return ExtensionWithMatcher(
        extension_config=filter_config,
        xds_matcher={
            "matcher_list": {"matchers": [{"predicate": {"not_matcher": is_leaf}, "on_match": skip}]}
        },
    )


def _ext_proc() -> ExternalProcessor:
    return ExternalProcessor(
        grpc_service={
            "envoy_grpc": {"cluster_name": names.CLUSTER_EXT_PROC, "skip_envoy_headers": True},
            "retry_policy": {
                "retry_on": "connect-failure,refused-stream,unavailable,reset",
                "num_retries": {"value": 3},
                "retry_back_off": {"base_interval": seconds(0.005), "max_interval": seconds(0.05)},
            },
        },
        processing_mode=PROCESSING_MODE,
        send_body_without_waiting_for_header_response=True,
        message_timeout=seconds(_MESSAGE_TIMEOUT),
        mutation_rules={"allow_all_routing": {"value": True}},  # trap 5
        forward_rules={"allowed_headers": {"patterns": [{"exact": name} for name in _TO_EXT_PROC]}},
        status_on_error={"code": "InternalServerError"},
    )
