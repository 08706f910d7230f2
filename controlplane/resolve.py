"""Config -> Plan: every default filled in, every reference followed. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from datetime import timedelta
from pathlib import Path
from typing import Final

from controlplane.catalogue.prices import CONFIGURED, Price
from controlplane.catalogue.providers import PROVIDER_TYPES, ProviderType
from controlplane.config.addresses import BaseUrl, parse_base_url
from controlplane.config.schema import Config, ListenerConfig, ListenerTlsConfig
from controlplane.config.schema_models import ModelConfig, PriceConfig, RetryConfig, TargetConfig
from controlplane.config.schema_providers import ProviderConfig, TimeoutsConfig
from controlplane.config.secrets import Secret
from controlplane.plan import (
    AwsKeys,
    Breaker,
    Choice,
    Credential,
    Endpoint,
    HealthCheck,
    Leaf,
    ListenerPlan,
    ListenerTls,
    ModelPlan,
    Plan,
    Retry,
    Signing,
    Tls,
    Way,
)
from extproc.contract.endpoints import ENDPOINTS, PASSING, is_native
from extproc.contract.target import DialectName, RoutePolicy, Target, versioned_path

_DEFAULT_ATTEMPTS: Final = 3
_5XX: Final = (500, 502, 503, 504, *range(520, 531))
"""Beside the standard ones: Cloudflare's 520-527 and 530, Anthropic's 529 (overloaded)."""


def resolve(config: Config, secrets: Mapping[str, Secret], files: Mapping[Path, bytes]) -> Plan:
    """The plan of a checked configuration.

    secrets: by name, ``provider/<name>`` for a provider's key, ``aws/<name>/<key>`` for one of AWS's.
    files: contents of the TLS files that the configuration names.
    """
    models = {name: _with_leaves(model) for name, model in config.models.items()}
    used = {leaf: target.provider for targets in models.values() for leaf, target in targets}
    leaves = {
        leaf: _leaf(leaf, provider, config.providers[provider], secrets, files)
        for leaf, provider in sorted(used.items())
    }
    providers = {f"provider/{provider}" for provider in used.values()}
    return Plan(
        listener=_listener(config.listener, files),
        leaves=tuple(leaves.values()),
        models=tuple(
            _model(name, config.models[name], targets, leaves, config.providers)
            for name, targets in models.items()
        ),
        secrets={name: secret for name, secret in secrets.items() if name in providers},
    )


def _listener(config: ListenerConfig, files: Mapping[Path, bytes]) -> ListenerPlan:
    return ListenerPlan(
        config.address,
        config.port,
        config.max_request_body,
        None if config.tls is None else _listener_tls(config.tls, files),
    )


def _listener_tls(config: ListenerTlsConfig, files: Mapping[Path, bytes]) -> ListenerTls:
    return ListenerTls(
        certificate=files[config.cert_file],
        key=Secret(files[config.key_file].decode("latin-1")),
        client_ca=None if config.client_ca_file is None else files[config.client_ca_file],
        min_version=config.min_version,
    )


def _with_leaves(model: ModelConfig) -> list[tuple[str, TargetConfig]]:
    """Each target with the name of its leaf: the account's, numbered from its second use in one model on."""
    seen: Counter[str] = Counter()
    named = []
    for target in model.all_targets:
        seen[target.provider] += 1
        number = seen[target.provider]
        named.append((target.provider if number == 1 else f"{target.provider}#{number}", target))
    return named


def _leaf(
    name: str,
    provider: str,
    config: ProviderConfig,
    secrets: Mapping[str, Secret],
    files: Mapping[Path, bytes],
) -> Leaf:
    row = PROVIDER_TYPES[config.type]
    urls = _urls(config, row)
    secret = f"provider/{provider}"
    credential = None
    if row.credential and secret in secrets:
        credential = Credential(row.credential.header, row.credential.prefix, secret)
    check, breaker, timeouts = config.health_check, config.circuit_breaker, config.timeouts
    return Leaf(
        target=Target(
            leaf=name,
            provider=provider,
            type=config.type,
            wire_format=row.wire_format,
            base_path=urls[0].path or _default_path(config, row),
            api_version=config.api_version or "",
            speaks=_speaks(config, row),
        ),
        endpoints=tuple(Endpoint(url.host, url.port) for url in urls),
        tls=Tls(files[config.tls.ca_file] if config.tls else None) if urls[0].scheme == "https" else None,
        credential=credential,
        headers={**dict(row.headers), **{name.lower(): value for name, value in config.headers.items()}},
        connect_timeout=timeouts.connect.total_seconds(),
        request_timeout=_seconds(timeouts.request),
        load_balancing=config.load_balancing,
        health_check=None
        if check is None
        else HealthCheck(check.path, check.interval.total_seconds(), check.timeout.total_seconds()),
        max_concurrent_requests=config.max_concurrent_requests,
        breaker=Breaker(
            breaker.consecutive_errors,
            breaker.open_for.total_seconds(),
            breaker.max_open_for.total_seconds(),
        ),
        signing=_signing(provider, config, secrets),
    )


def _signing(provider: str, config: ProviderConfig, secrets: Mapping[str, Secret]) -> Signing | None:
    """The checks have made sure that there is a region where there are AWS credentials."""
    if config.aws is None:
        return None
    if config.aws == "default":
        return Signing(config.region or "", None)
    keys = AwsKeys(
        access_key_id=secrets[f"aws/{provider}/access_key_id"],
        secret_access_key=secrets[f"aws/{provider}/secret_access_key"],
        session_token=secrets.get(f"aws/{provider}/session_token"),
    )
    return Signing(config.region or "", keys)


def _speaks(config: ProviderConfig, row: ProviderType) -> tuple[DialectName, ...]:
    """Azure's dated API has responses at no deployment; they become chats, which are.

    https://learn.microsoft.com/azure/ai-foundry/openai/how-to/responses
    """
    if config.api_version is None:
        return row.speaks
    return tuple(dialect for dialect in row.speaks if dialect != "openai_responses")


def _default_path(config: ProviderConfig, row: ProviderType) -> str:
    """With ``api_version`` the checks have made sure that the type has a path for it."""
    return (row.versioned_path or row.default_path) if config.api_version else row.default_path


def _urls(config: ProviderConfig, row: ProviderType) -> tuple[BaseUrl, ...]:
    if config.endpoints:
        return config.endpoints
    if config.base_url:
        return (config.base_url,)
    return (parse_base_url((row.base_url or "").format(region=config.region)),)


def _model(
    name: str,
    config: ModelConfig,
    targets: Sequence[tuple[str, TargetConfig]],
    leaves: Mapping[str, Leaf],
    providers: Mapping[str, ProviderConfig],
) -> ModelPlan:
    timeouts = [providers[target.provider].timeouts for _, target in targets]
    first_token = config.first_token_timeout or _longest(t.first_token for t in timeouts)
    base_path, query = _around_endpoint(leaves[targets[0][0]].target, targets[0][1].model)
    return ModelPlan(
        ways=_ways(name, config, targets, leaves, first_token),
        choices=_choices(config, targets),
        retry=_retry(config.retry, len(targets)),
        timeout=_seconds(config.timeout),
        first_token_timeout=_seconds(first_token),
        idle_timeout=_seconds(_idle(timeouts)),
        base_path=base_path,
        query=query,
        price=None if config.price is None else _price(config.price),
    )


def _price(config: PriceConfig) -> Price:
    return Price(config.input, config.output, config.cached_input, CONFIGURED)


def _around_endpoint(target: Target, model: str) -> tuple[str, str]:
    if not target.api_version:
        return target.base_path, ""
    return versioned_path(target.base_path, target.api_version, model)


def _ways(
    name: str,
    config: ModelConfig,
    targets: Sequence[tuple[str, TargetConfig]],
    leaves: Mapping[str, Leaf],
    first_token: timedelta | None,
) -> Mapping[DialectName, Way]:
    models = {leaf: target.model for leaf, target in targets}
    policies = {  # two at most, however many dialects there are
        held: RoutePolicy(
            model=name, models=models, hold_headers=held, unsupported_fields=config.unsupported_fields
        )
        for held in (True, False)
    }
    ways: dict[DialectName, Way] = {}
    for endpoint in ENDPOINTS:
        dialect = endpoint.dialect
        translates = any(not is_native(dialect, leaves[leaf].target) for leaf, _ in targets)
        retries_streams = "stream_error" in config.retry.on and (translates or len(targets) > 1)
        policy = policies[retries_streams or first_token is not None]
        ways[dialect] = Way(policy, _why_ext_proc(name, dialect, targets, leaves, first_token))
    return ways


def _idle(timeouts: Iterable[TimeoutsConfig]) -> timedelta | None:
    return _longest(timeout.idle for timeout in timeouts)


def _longest(values: Iterable[timedelta | None]) -> timedelta | None:
    """A route has one limit for all its targets: the most patient provider's."""
    return max((value for value in values if value is not None), default=None)


def _seconds(value: timedelta | None) -> float | None:
    return None if value is None else value.total_seconds()


def _why_ext_proc(
    name: str,
    dialect: DialectName,
    targets: Sequence[tuple[str, TargetConfig]],
    leaves: Mapping[str, Leaf],
    first_token: timedelta | None,
) -> str | None:
    """Why Envoy cannot carry this model's requests in `dialect` natively; None: it can."""
    if len(targets) > 1:
        return "several targets: failover needs the commit window, and each target its own body"
    leaf, target = targets[0]
    if not is_native(dialect, leaves[leaf].target):
        wire_format = leaves[leaf].target.wire_format
        if dialect in PASSING:
            return f"{target.provider} has no counterpart ({wire_format}): ext_proc refuses such requests"
        return f"{target.provider} speaks another format ({wire_format}): bodies are translated"
    if target.model != name:
        return f"the model is called {target.model!r} at {target.provider}: the name in the body changes"
    if leaves[leaf].target.api_version and name.endswith("*"):
        return f"at {target.provider} the deployment, the request's model, is a part of the path"
    if first_token is not None:
        return "first_token_timeout needs the commit window"
    return None


def _choices(config: ModelConfig, targets: Sequence[tuple[str, TargetConfig]]) -> tuple[Choice, ...]:
    """Who is first, with what weight, and who follows: the peers in rotation, then the lower priorities."""
    priorities = sorted({target.priority for _, target in targets})
    tiers = [[(leaf, target) for leaf, target in targets if target.priority == p] for p in priorities]
    first, rest = tiers[0], tiers[1:]
    fallbacks = [
        leaf for tier in rest for leaf, _ in sorted(tier, key=lambda item: -_weight(config, item[1]))
    ]
    return tuple(
        Choice(_weight(config, target), (leaf, *_followers(config, first, index), *fallbacks))
        for index, (leaf, target) in enumerate(first)
        if _weight(config, target) > 0
    )


def _followers(config: ModelConfig, peers: Sequence[tuple[str, TargetConfig]], index: int) -> list[str]:
    """The other peers in rotation; one of weight 0 is to get requests only when nobody else takes them."""
    rotation = [*peers[index + 1 :], *peers[:index]]
    return [leaf for leaf, _ in sorted(rotation, key=lambda peer: _weight(config, peer[1]) == 0)]


def _weight(config: ModelConfig, target: TargetConfig) -> int:
    return 1 if config.strategy == "round_robin" or target.weight is None else target.weight


def _retry(config: RetryConfig, targets: int) -> Retry:
    statuses: list[int] = []
    if "429" in config.on:
        statuses.append(429)
    if "5xx" in config.on or "stream_error" in config.on:
        # ext_proc turns an error inside a stream into a 502 before the client sees anything.
        statuses += _5XX if "5xx" in config.on else (502,)
    return Retry(
        attempts=config.attempts or max(_DEFAULT_ATTEMPTS, targets),
        connect="connect" in config.on,
        # Envoy ends an attempt that is out of time by a reset: it knows only both together.
        resets="reset" in config.on or "timeout" in config.on,
        statuses=tuple(statuses),
        backoff=(config.backoff.base.total_seconds(), config.backoff.max.total_seconds()),
        honor_retry_after=config.honor_retry_after,
    )
