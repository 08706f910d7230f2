"""What the types cannot say about providers."""

from __future__ import annotations

import re
from datetime import timedelta

from controlplane.catalogue.providers import PROVIDER_TYPES, ProviderType
from controlplane.config.headers import check_headers
from controlplane.config.problems import ConfigPath
from controlplane.config.report import Report
from controlplane.config.schema import PROVIDER_NAME
from controlplane.config.schema_providers import ProviderConfig
from controlplane.config.values import format_duration


def check_provider_name(name: str, path: ConfigPath, report: Report) -> None:
    if not re.fullmatch(PROVIDER_NAME, name):
        report.key_problem(
            path,
            "a provider's name has up to 64 letters, digits, '.', '_' and '-', a letter or digit first",
        )


def check_provider(provider: ProviderConfig, path: ConfigPath, report: Report) -> None:
    row = PROVIDER_TYPES[provider.type]
    _check_address(provider, row, path, report)
    if provider.api_version is not None and row.versioned_path is None:
        report.key_problem((*path, "api_version"), f"a provider of type {row.type} has none")
    _check_credential(provider, row, path, report)
    _check_aws(provider, row, path, report)
    _check_timeouts(provider, path, report)
    check_headers(provider.headers, (*path, "headers"), report)


def _check_address(provider: ProviderConfig, row: ProviderType, path: ConfigPath, report: Report) -> None:
    if provider.base_url is not None and provider.endpoints is not None:
        report.problem((*path, "endpoints"), "base_url is given too; keep one of the two")
    if provider.base_url is None and provider.endpoints is None and row.base_url is None:
        report.problem(path, f"a provider of type {row.type} needs base_url or endpoints")
    endpoints = provider.endpoints or ()
    for index, url in enumerate(endpoints):
        where = (*path, "endpoints", index)
        if (url.scheme, url.path) != (endpoints[0].scheme, endpoints[0].path):
            report.problem(where, f"must have the scheme and the path of the first endpoint ({endpoints[0]})")
        elif url in endpoints[:index]:
            report.problem(where, "listed twice")
    urls = endpoints or ((provider.base_url,) if provider.base_url else ())
    if row.path_required and any(not url.path for url in urls):
        report.problem(
            (*path, "base_url" if provider.base_url else "endpoints"),
            f"needs the path of a {row.type} project: /v1/projects/PROJECT/locations/LOCATION",
        )
    if provider.tls is not None and any(url.scheme == "http" for url in urls):
        report.problem((*path, "tls"), "the provider's address begins with http://, so there is no TLS")


def _check_credential(provider: ProviderConfig, row: ProviderType, path: ConfigPath, report: Report) -> None:
    if provider.api_key is not None or not row.key_required or provider.endpoints is not None:
        return
    host = provider.base_url.host if provider.base_url is not None else row.host
    if host is not None and row.is_vendors(host):
        report.problem(
            (*path, "api_key"),
            f"required for {host}; write api_key: {{env: NAME}} or api_key: {{file: PATH}}",
        )


def _check_aws(provider: ProviderConfig, row: ProviderType, path: ConfigPath, report: Report) -> None:
    if not row.signed:
        for key in ("region", "aws"):
            if getattr(provider, key) is not None:
                report.key_problem((*path, key), f"a provider of type {row.type} has none")
        return
    elsewhere = provider.base_url is not None or provider.endpoints is not None
    missing = []
    if provider.region is None and (provider.aws is not None or not elsewhere):
        missing.append("region")
    if provider.aws is None and provider.api_key is None and not elsewhere:
        missing.append("aws (or api_key)")
    if missing:
        report.problem(path, f"a provider of type {row.type} needs {' and '.join(missing)}")
    if provider.aws is None:
        return
    if provider.api_key is not None:
        report.problem((*path, "aws"), "api_key is given too; keep one of the two")
    if provider.endpoints is not None and len(provider.endpoints) > 1:
        report.problem((*path, "endpoints"), "requests are signed for one host; give base_url")


def _check_timeouts(provider: ProviderConfig, path: ConfigPath, report: Report) -> None:
    timeouts = provider.timeouts
    where = (*path, "timeouts")
    for name in sorted(timeouts.model_fields_set - {"request"}):  # a default that is longer does no harm
        not_longer((*where, name), getattr(timeouts, name), "request", timeouts.request, report)
    breaker = provider.circuit_breaker
    not_longer(
        (*path, "circuit_breaker", "open_for"), breaker.open_for, "max_open_for", breaker.max_open_for, report
    )


def not_longer(
    path: ConfigPath, value: timedelta | None, name: str, limit: timedelta | None, report: Report
) -> None:
    """A problem at `path` unless `value` <= `limit`; `name` is the limit's key. None means no limit."""
    if value is not None and limit is not None and value > limit:
        report.problem(path, f"{format_duration(value)} is longer than {name} ({format_duration(limit)})")
