"""A source tree -> a configuration, or every problem of it. Pure: reads no file and no environment."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from controlplane.config.addresses import is_loopback, is_wildcard
from controlplane.config.check_models import check_model, check_model_name, check_references
from controlplane.config.check_providers import check_provider, check_provider_name
from controlplane.config.messages import kind
from controlplane.config.problems import suggestion
from controlplane.config.report import Report
from controlplane.config.schema import AdminConfig, Config, ListenerConfig
from controlplane.config.schema_models import ModelConfig
from controlplane.config.schema_providers import ProviderConfig
from controlplane.config.sections import read_section, refuse_later_keys


@dataclass(frozen=True, slots=True)
class Parts:
    """What could be read; parts with problems may be missing or lack keys."""

    listener: ListenerConfig | None
    admin: AdminConfig | None
    providers: Mapping[str, ProviderConfig]
    models: Mapping[str, ModelConfig]

    def config(self) -> Config:
        """Only for parts without a problem."""
        assert self.listener is not None  # noqa: S101 - would be a problem
        assert self.admin is not None  # noqa: S101 - same
        return Config(listener=self.listener, admin=self.admin, providers=self.providers, models=self.models)


def check(raw: Mapping[str, object], report: Report) -> Parts:
    """Reports everything that is wrong with `raw` itself."""
    sections = refuse_later_keys(Config, raw, (), report)
    for key in sections:
        if key not in Config.model_fields:
            report.key_problem((key,), f"unknown key{suggestion(key, Config.model_fields)}")
    listener = read_section(ListenerConfig, sections.get("listener", {}), ("listener",), report)
    admin = read_section(AdminConfig, sections.get("admin", {}), ("admin",), report)
    raw_providers = _named(sections, "providers", report)
    raw_models = _named(sections, "models", report)
    providers: dict[str, ProviderConfig] = {}
    for name, value in (raw_providers or {}).items():
        path = ("providers", name)
        check_provider_name(name, path, report)
        if (provider := read_section(ProviderConfig, value, path, report)) is not None:
            check_provider(provider, path, report)
            providers[name] = provider
    models: dict[str, ModelConfig] = {}
    for name, value in (raw_models or {}).items():
        path = ("models", name)
        check_model_name(name, path, report)
        check_references(name, value, path, raw_providers, report)
        if (model := read_section(ModelConfig, value, path, report)) is not None:
            check_model(model, path, report)
            models[name] = model
    if listener is not None and not report.is_settled(("listener",)):
        _warn_if_open(listener, report)
        if admin is not None and not report.is_settled(("admin",)):
            _check_ports(listener, admin, report)
    return Parts(listener, admin, providers, models)


def _named(sections: Mapping[str, object], key: str, report: Report) -> Mapping[str, object] | None:
    """The entries of `providers` or `models`; None where they are not known."""
    if key not in sections:
        report.problem((key,), "required")
        return None
    value = sections[key]
    if not isinstance(value, Mapping):
        report.problem((key,), f"expected a mapping, got {kind(value)}")
        return None
    if not value:
        report.problem((key,), "must not be empty")
    return value


def _check_ports(listener: ListenerConfig, admin: AdminConfig, report: Report) -> None:
    overlap = listener.address == admin.address or is_wildcard(listener.address) or is_wildcard(admin.address)
    if overlap and listener.port == admin.port:
        report.problem(("admin", "port"), f"{admin.port} is the listener's port too")


def _warn_if_open(listener: ListenerConfig, report: Report) -> None:
    if is_loopback(listener.address):
        return
    if listener.tls is None or listener.tls.client_ca_file is None:
        report.warning(
            ("listener", "address"),
            f"the gateway is open: whoever reaches {listener.address}:{listener.port} can use every model; "
            "listen on 127.0.0.1, or set listener.tls.client_ca_file",
        )
