"""Which request headers a user may add to what goes to a provider."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final

from controlplane.config.problems import ConfigPath
from controlplane.config.report import Report
from extproc.contract.names import CREDENTIAL_HEADERS, INTERNAL_HEADER_PREFIX

_TOKEN = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
"""RFC 9110, section 5.6.2."""
_VALUE = re.compile(r"[!-~]([ \t!-~]*[!-~])?")
"""RFC 9110, section 5.5, without the bytes beyond ASCII that it calls obsolete."""

_CONNECTION: Final = frozenset(
    {"connection", "keep-alive", "proxy-authenticate", "proxy-connection", "te", "trailer"}
    | {"transfer-encoding", "upgrade", "expect", "host", "content-length"}
)
"""RFC 9110, section 7.6.1, and what frames or routes a request."""
_BODY: Final = frozenset({"content-type", "content-encoding", "accept", "accept-encoding"})
"""Follow from the body that the gateway writes and from the answer that it can read."""


def check_headers(headers: Mapping[str, str], path: ConfigPath, report: Report) -> None:
    seen: dict[str, str] = {}
    for name, value in headers.items():
        where = (*path, name)
        lower = name.lower()
        if not _TOKEN.fullmatch(name):
            report.key_problem(where, "not a valid header name")
        elif lower in CREDENTIAL_HEADERS:
            report.key_problem(where, "carries a credential; use api_key")
        elif lower.startswith(INTERNAL_HEADER_PREFIX):
            report.key_problem(where, f"names that begin with {INTERNAL_HEADER_PREFIX} are the gateway's own")
        elif lower in _CONNECTION:
            report.key_problem(where, "belongs to the connection; the gateway sets it")
        elif lower in _BODY:
            report.key_problem(where, "belongs to the body; the gateway sets it")
        elif lower in seen:
            report.key_problem(where, f"the same header as {seen[lower]}")
        elif not _VALUE.fullmatch(value):
            report.problem(where, "not a valid header value: visible ASCII, no white space around it")
        seen.setdefault(lower, name)
