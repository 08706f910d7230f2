"""Counters of the request path; ``PROMETHEUS_MULTIPROC_DIR`` lets the admin listener sum the workers."""

from __future__ import annotations

from prometheus_client import Counter

_unsupported = Counter(
    "llm_gateway_unsupported_fields",
    "Request fields that the chosen provider could not honour (policy: warn)",
    ["provider", "field"],
)
_failed = Counter(
    "llm_gateway_attempt_failures",
    "Attempts that ext_proc ended with an error; `committed`: after the client had received content",
    ["provider", "status", "committed"],
)
_bugs = Counter("llm_gateway_internal_errors", "Requests that met a bug")


def unsupported(provider: str, fields: tuple[str, ...]) -> None:
    for field in fields:
        _unsupported.labels(provider, field).inc()


def attempt_failed(provider: str, status: int, *, committed: bool) -> None:
    _failed.labels(provider, str(status), str(committed).lower()).inc()


def bug() -> None:
    _bugs.inc()
