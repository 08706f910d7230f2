"""Azure OpenAI, where it differs from OpenAI: paths, the version in the query, the header of the key.

https://learn.microsoft.com/azure/ai-services/openai/reference
"""

from __future__ import annotations

import re
from typing import Final
from urllib.parse import parse_qsl

from simulator.wire import ApiError, Call

_DEPLOYMENT: Final = re.compile(r"(?P<account>.*?)/openai/deployments/[^/]+(?P<endpoint>/.+)")
_VERSION: Final = re.compile(r"\d{4}-\d{2}-\d{2}(-preview)?")
_PREFIXES: Final = ("/openai", "/api", "/inference")
"""What stands before ``/v1`` at Azure and Groq, at OpenRouter, and at Fireworks."""


def split_deployment(path: str) -> tuple[str, str] | None:
    """The account and the endpoint, from ``/v1`` on, of a path in the dated API."""
    found = _DEPLOYMENT.fullmatch(path)
    return None if found is None else (found["account"].strip("/"), "/v1" + found["endpoint"])


def without_prefix(account: str) -> str:
    """`account` without the path that its vendor has before ``/v1``."""
    for prefix in _PREFIXES:
        if account.endswith(prefix):
            return account.removesuffix(prefix)
    return account


def check_version(call: Call) -> None:
    """Raises: ApiError (404) for a path with a deployment whose query names no version."""
    if split_deployment(call.full_path) is None:
        return
    versions = [value for name, value in parse_qsl(call.query) if name == "api-version"]
    if len(versions) != 1 or not _VERSION.fullmatch(versions[0]):
        raise ApiError(404, "Resource not found", code="404")


def key_of(call: Call) -> str | None:
    """The key in Azure's own header, where the path may be Azure's."""
    return call.headers.get("api-key") if "/openai/" in call.full_path else None
