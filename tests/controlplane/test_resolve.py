"""Config -> Plan: orders, defaults, and who carries a request."""

import pytest

from controlplane.catalogue.providers import PROVIDER_TYPES
from controlplane.describe import addresses
from controlplane.plan import Breaker, Choice, Credential, Endpoint, HealthCheck, Plan
from extproc.contract.endpoints import PASSING
from extproc.contract.target import Target
from tests.controlplane.compiling import SECRETS, compile_text, leaf_of, model_of, plan_of

PEERS = """
providers:
  a: {type: vllm, base_url: "http://10.0.0.1"}
  b: {type: vllm, base_url: "http://10.0.0.2"}
  c: {type: vllm, base_url: "http://10.0.0.3"}
"""


def targets(*entries: str) -> str:
    return "".join(f"\n      - {{model: m, provider: {entry}}}" for entry in entries)


def choices(*entries: str, strategy: str = "weighted") -> tuple[Choice, ...]:
    plan = plan_of(f"\n  m:\n    strategy: {strategy}\n    targets:{targets(*entries)}", PEERS)
    return model_of(plan, "m").choices


def test_peers_of_equal_weight_each_come_first_in_turn() -> None:
    assert choices("a", "b", "c") == (
        Choice(1, ("a", "b", "c")),
        Choice(1, ("b", "c", "a")),
        Choice(1, ("c", "a", "b")),
    )


def test_weights_are_those_of_the_first() -> None:
    assert choices("a, weight: 80", "b, weight: 20") == (Choice(80, ("a", "b")), Choice(20, ("b", "a")))


def test_weight_zero_is_never_first_and_the_last_of_its_peers() -> None:
    assert choices("a, weight: 0", "b, weight: 3", "c") == (
        Choice(3, ("b", "c", "a")),
        Choice(1, ("c", "b", "a")),
    )


def test_round_robin_is_equal_weights() -> None:
    assert choices("a", "b", strategy="round_robin") == (Choice(1, ("a", "b")), Choice(1, ("b", "a")))


def test_lower_priorities_follow_in_order_the_heavier_first() -> None:
    assert choices("c, priority: 9", "a", "b, priority: 1") == (Choice(1, ("a", "b", "c")),)
    assert choices("a", "b, priority: 1, weight: 1", "c, priority: 1, weight: 2") == (
        Choice(1, ("a", "c", "b")),
    )


def test_the_lowest_priority_need_not_be_zero() -> None:
    assert choices("a, priority: 3", "b, priority: 2") == (Choice(1, ("b", "a")),)


def test_one_target_is_the_only_choice() -> None:
    assert choices("a, weight: 5") == (Choice(5, ("a",)),)


def test_an_account_that_a_model_lists_again_is_a_numbered_leaf() -> None:
    plan = plan_of(
        """
  m:
    targets:
      - {provider: a, model: large}
      - {provider: a, model: small, priority: 1}
      - {provider: a, model: tiny, priority: 2}
  other: {target: a/large}""",
        PEERS,
    )
    assert [leaf.name for leaf in plan.leaves] == ["a", "a#2", "a#3"]
    assert [leaf.target.provider for leaf in plan.leaves] == ["a", "a", "a"]
    assert model_of(plan, "m").policy.models == {"a": "large", "a#2": "small", "a#3": "tiny"}
    assert model_of(plan, "other").choices == (Choice(1, ("a",)),)


@pytest.mark.parametrize(
    ("model", "why"),
    [
        ("gpt-4o: {target: openai/gpt-4o}", None),
        ('"gpt-*": {target: openai/gpt-*}', None),
        ('"*": {target: openai/*}', None),
        (
            "fast: {target: openai/gpt-4o}",
            "the model is called 'gpt-4o' at openai: the name in the body changes",
        ),
        (
            '"openai/*": {target: openai/*}',
            "the model is called '*' at openai: the name in the body changes",
        ),
        (
            "haiku: {target: claude/haiku}",
            "claude speaks another format (anthropic): bodies are translated",
        ),
        (
            "gpt-4o: {target: openai/gpt-4o, first_token_timeout: 5s}",
            "first_token_timeout needs the commit window",
        ),
        (
            "m: {targets: [{provider: openai, model: m}, {provider: local, model: m}]}",
            "several targets: failover needs the commit window, and each target its own body",
        ),
    ],
)
def test_native_or_ext_proc(model: str, why: str | None) -> None:
    assert plan_of(f"\n  {model}").models[0].ways["openai_chat"].ext_proc == why


def test_what_a_provider_has_no_counterpart_of() -> None:
    ways = plan_of("\n  haiku: {target: claude/haiku}").models[0].ways
    why = "claude has no counterpart (anthropic): ext_proc refuses such requests"
    assert {ways[dialect].ext_proc for dialect in PASSING} == {why}


@pytest.mark.parametrize(
    ("model", "held"),
    [
        ("gpt-4o: {target: openai/gpt-4o}", False),
        ("fast: {target: openai/gpt-4o}", False),
        ("fast: {target: openai/gpt-4o, first_token_timeout: 5s}", True),
        ("haiku: {target: claude/haiku}", True),
        ("haiku: {target: claude/haiku, retry: {on: [5xx]}}", False),
        ("m: {targets: [{provider: openai, model: m}, {provider: local, model: m}]}", True),
        (
            "m: {retry: {on: [5xx]}, targets: [{provider: openai, model: m}, {provider: local, model: m}]}",
            False,
        ),
    ],
)
def test_headers_are_held_where_a_stream_may_be_tried_again(model: str, held: bool) -> None:
    assert plan_of(f"\n  {model}").models[0].ways["openai_chat"].policy.hold_headers is held


ALL_5XX = (500, 502, 503, 504, *range(520, 531))


@pytest.mark.parametrize(
    ("on", "connect", "resets", "statuses"),
    [
        ("connect", True, False, ()),
        ("reset", False, True, ()),
        ("timeout", False, True, ()),
        ("5xx", False, False, ALL_5XX),
        ('"429"', False, False, (429,)),
        ("stream_error", False, False, (502,)),
        ('"429", 5xx, stream_error', False, False, (429, *ALL_5XX)),
    ],
)
def test_retry_conditions(on: str, connect: bool, resets: bool, statuses: tuple[int, ...]) -> None:
    retry = plan_of(f"\n  m: {{target: openai/m, retry: {{on: [{on}]}}}}").models[0].retry
    assert (retry.connect, retry.resets, retry.statuses) == (connect, resets, statuses)


def test_attempts_reach_every_target_and_are_three_at_least() -> None:
    several = ", ".join(f"{{provider: a, model: m{number}}}" for number in range(5))
    plan = plan_of(
        f"\n  one: {{target: a/one}}\n  five: {{targets: [{several}]}}"
        "\n  told: {target: a/told, retry: {attempts: 2}}",
        PEERS,
    )
    assert {model.name: model.retry.attempts for model in plan.models} == {"one": 3, "five": 5, "told": 2}


def test_back_off_and_retry_after() -> None:
    plan = plan_of(
        "\n  m: {target: openai/m, retry: {backoff: {base: 250ms, max: 2s}, honor_retry_after: false}}"
    )
    assert plan.models[0].retry.backoff == (0.25, 2.0)
    assert not plan.models[0].retry.honor_retry_after


TIMEOUTS = """
providers:
  quick: {type: vllm, base_url: "http://10.0.0.1", timeouts: {first_token: 5s, idle: 60s, connect: 1s}}
  slow: {type: vllm, base_url: "http://10.0.0.2", timeouts: {first_token: 30s, idle: 10s, request: 90s}}
  silent: {type: vllm, base_url: "http://10.0.0.3"}
"""


@pytest.mark.parametrize(
    ("model", "expected"),
    [
        ("target: silent/m", (None, None, None)),
        ("target: quick/m", (None, 5.0, 60.0)),
        ("target: quick/m, first_token_timeout: 2s, timeout: 1m", (60.0, 2.0, 60.0)),
        ("targets: [{provider: quick, model: m}, {provider: slow, model: m}]", (None, 30.0, 60.0)),
        ("targets: [{provider: silent, model: m}, {provider: slow, model: m}]", (None, 30.0, 10.0)),
    ],
)
def test_timeouts_of_several_targets_are_the_longest_of_theirs(
    model: str, expected: tuple[float | None, ...]
) -> None:
    resolved = plan_of(f"\n  m: {{{model}}}", TIMEOUTS).models[0]
    assert (resolved.timeout, resolved.first_token_timeout, resolved.idle_timeout) == expected


def test_timeouts_of_a_provider_stay_its_own() -> None:
    plan = plan_of("\n  m: {targets: [{provider: quick, model: m}, {provider: slow, model: m}]}", TIMEOUTS)
    assert (leaf_of(plan, "quick").connect_timeout, leaf_of(plan, "quick").request_timeout) == (1.0, None)
    assert (leaf_of(plan, "slow").connect_timeout, leaf_of(plan, "slow").request_timeout) == (5.0, 90.0)


def test_a_leaf_in_full() -> None:
    plan = plan_of(
        "\n  m: {target: pool/m}",
        """
providers:
  pool:
    type: vllm
    endpoints: ["https://one.internal/v2", "https://two.internal:8443/v2"]
    api_key: {env: OTHER_KEY}
    load_balancing: random
    health_check: {path: /health}
    max_concurrent_requests: 7
    circuit_breaker: {consecutive_errors: 2, open_for: 1s, max_open_for: 4s}
    headers: {X-Team: platform}
""",
    )
    (leaf,) = plan.leaves
    assert leaf.target == Target(
        leaf="pool",
        provider="pool",
        type="vllm",
        wire_format="openai",
        base_path="/v2",
        speaks=PROVIDER_TYPES["vllm"].speaks,
    )
    assert leaf.endpoints == (Endpoint("one.internal", 443), Endpoint("two.internal", 8443))
    assert leaf.tls is not None
    assert leaf.tls.ca is None
    assert leaf.credential == Credential("authorization", "Bearer ", "provider/pool")
    assert leaf.headers == {"x-team": "platform"}
    assert leaf.load_balancing == "random"
    assert leaf.health_check == HealthCheck("/health", 5.0, 1.0)
    assert leaf.max_concurrent_requests == 7
    assert leaf.breaker == Breaker(2, 1.0, 4.0)
    assert plan.models[0].base_path == "/v2"


def test_headers_of_the_type_yield_to_the_users() -> None:
    providers = (
        "providers: {claude: {type: anthropic, api_key: {env: ANTHROPIC_API_KEY},"
        " headers: {Anthropic-Version: '2099-01-01'}}}"
    )
    assert plan_of("\n  m: {target: claude/m}", providers).leaves[0].headers == {
        "anthropic-version": "2099-01-01"
    }


def test_only_what_a_model_uses_is_in_the_plan() -> None:
    plan = plan_of("\n  m: {target: openai/m}")
    assert [leaf.name for leaf in plan.leaves] == ["openai"]
    assert list(plan.secrets) == ["provider/openai"]


def test_no_key_no_credential() -> None:
    plan = plan_of("\n  m: {target: local/m}")
    assert plan.leaves[0].credential is None
    assert plan.secrets == {}


def test_no_repr_shows_a_secret() -> None:
    compiled = compile_text(
        "listener: {address: 127.0.0.1}\n"
        "providers: {openai: {type: openai, api_key: {env: OPENAI_API_KEY}}}\n"
        "models: {m: {target: openai/m}}"
    )
    shown = "".join([*map(repr, (compiled.plan, compiled.loaded, compiled.config, compiled.snapshot))])
    shown += str(compiled.plan) + f"{compiled.plan.secrets}"
    assert not any(secret in shown for secret in SECRETS.values())
    assert "[redacted]" in shown


def test_the_plan_is_a_value() -> None:
    first, second = (plan_of("\n  m: {target: openai/m}") for _ in range(2))
    assert isinstance(first, Plan)
    assert first == second


AZURE = """
  dated: {type: azure_openai, base_url: "http://127.0.0.1:9", api_version: "2024-10-21"}
  newer: {type: azure_openai, base_url: "http://127.0.0.1:9"}
  gateway: {type: azure_openai, base_url: "http://127.0.0.1:9/ours/openai", api_version: 2025-04-01-preview}"""


@pytest.mark.parametrize(
    ("model", "base_path", "query", "why"),
    [
        ("gpt-4o: {target: newer/gpt-4o}", "/openai/v1", "", None),
        ("a/b: {target: dated/a/b}", "/openai/deployments/a%2Fb", "?api-version=2024-10-21", None),
        ("x: {target: gateway/x}", "/ours/openai/deployments/x", "?api-version=2025-04-01-preview", None),
        ('"gpt-*": {target: newer/gpt-*}', "/openai/v1", "", None),
        (
            '"gpt-*": {target: dated/gpt-*}',
            "/openai/deployments/gpt-%2A",
            "?api-version=2024-10-21",
            "at dated the deployment, the request's model, is a part of the path",
        ),
    ],
)
def test_azures_two_surfaces(model: str, base_path: str, query: str, why: str | None) -> None:
    (plan,) = plan_of(f"\n  {model}", f"providers: {AZURE}").models
    assert (plan.base_path, plan.query, plan.ways["openai_chat"].ext_proc) == (base_path, query, why)


@pytest.mark.parametrize(
    ("kind", "address"),
    [
        ("groq", "https://api.groq.com:443/openai/v1"),
        ("mistral", "https://api.mistral.ai:443/v1"),
        ("deepseek", "https://api.deepseek.com:443/v1"),
        ("openrouter", "https://openrouter.ai:443/api/v1"),
        ("xai", "https://api.x.ai:443/v1"),
        ("cerebras", "https://api.cerebras.ai:443/v1"),
        ("fireworks", "https://api.fireworks.ai:443/inference/v1"),
    ],
)
def test_vendors_that_are_only_a_row(kind: str, address: str) -> None:
    plan = plan_of(
        "\n  m: {target: p/m}", f"providers: {{p: {{type: {kind}, api_key: {{env: OPENAI_API_KEY}}}}}}"
    )
    (leaf,) = plan.leaves
    assert addresses(leaf) == (address,)
    assert leaf.credential == Credential("authorization", "Bearer ", "provider/p")
    assert plan.models[0].ways["openai_chat"].ext_proc is None


def test_the_version_is_a_part_of_the_address() -> None:
    plan = plan_of("\n  m: {target: dated/m}", f"providers: {AZURE}")
    assert addresses(plan.leaves[0]) == ("http://127.0.0.1:9/openai/deployments/*?api-version=2024-10-21",)
