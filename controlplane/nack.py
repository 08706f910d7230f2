"""Envoy's refusal, pointed at the line of YAML that it comes from."""

from __future__ import annotations

import re

from controlplane.config.load import LoadResult
from controlplane.config.problems import ConfigPath, Problem

_PROVIDER = re.compile(r"\b(?:provider|failover)/([A-Za-z0-9_.-]+)")


def explain_rejection(loaded: LoadResult, type_url: str, message: str) -> Problem:
    """`message`, Envoy's own words about a resource of `type_url`, at the best place that is known."""
    kind = type_url.rpartition(".")[2]
    return loaded.problem(_path(loaded, kind, message), f"Envoy refused this {kind}: {message.strip()}")


def _path(loaded: LoadResult, kind: str, message: str) -> ConfigPath:
    if kind == "Listener":
        return ("listener",)
    found = _PROVIDER.search(message)
    if found and loaded.config and found[1] in loaded.config.providers:
        return ("providers", found[1])
    return ()
