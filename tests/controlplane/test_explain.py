"""What `explain` knows, and how it says it."""

import json

import pytest

from controlplane.catalogue.models import Lookup, ModelFacts, nothing_known
from controlplane.catalogue.prices import CONFIGURED, Price
from controlplane.explain import Attempt, Explanation, NoRoute, Order, explain_request, to_json
from controlplane.explain_text import explanation_text
from controlplane.plan import Plan
from extproc.contract.endpoints import ENDPOINTS
from tests.controlplane.compiling import SECRETS, plan_of

PATTERNS = """
  gpt-4o: {target: openai/gpt-4o-2024-11-20}
  "gpt-*": {target: openai/gpt-*}
  "gpt-oss-*": {target: local/oss-*}
  "local/*": {target: local/*}"""

PROVIDERS = """
providers:
  claude:
    type: anthropic
    api_key: {env: ANTHROPIC_API_KEY}
    timeouts: {connect: 2s, request: 100s, idle: 40s}
    max_concurrent_requests: 200
    circuit_breaker: {consecutive_errors: 3, open_for: 10s, max_open_for: 1m}
  pool:
    type: vllm
    endpoints: ["http://10.0.0.5:8000", "http://[fd00::6]:8000"]
    health_check: {path: /health, interval: 5s, timeout: 1s}
"""
FAST = """
  fast:
    timeout: 2m
    first_token_timeout: 15s
    retry: {attempts: 4, on: [connect, reset, 429, stream_error]}
    unsupported_fields: reject
    targets:
      - {provider: claude, model: haiku, weight: 80}
      - {provider: claude, model: sonnet, weight: 20}
      - {provider: pool, model: llama, priority: 1}"""


def explained(plan: Plan, model: str, *, stream: bool = False, lookup: Lookup = nothing_known) -> Explanation:
    explanation = explain_request(plan, model, stream=stream, lookup=lookup)
    assert isinstance(explanation, Explanation)
    return explanation


@pytest.mark.parametrize(
    ("model", "matched", "star", "at_the_provider"),
    [
        ("gpt-4o", "gpt-4o", None, "gpt-4o-2024-11-20"),
        ("gpt-4o-mini", "gpt-*", "4o-mini", "gpt-4o-mini"),
        ("gpt-oss-20b", "gpt-oss-*", "20b", "oss-20b"),
        ("local/a/b", "local/*", "a/b", "a/b"),
        ("local/*", "local/*", "*", "*"),
    ],
)
def test_an_exact_name_wins_then_the_longest_pattern(
    model: str, matched: str, star: str | None, at_the_provider: str
) -> None:
    explanation = explained(plan_of(PATTERNS), model)
    assert (explanation.matched, explanation.star) == (matched, star)
    assert explanation.attempts[0].model == at_the_provider


def test_a_pattern_for_everything_is_the_last_resort() -> None:
    plan = plan_of('\n  "*": {target: local/*}\n  "a*": {target: openai/a*}\n  abc: {target: local/x}')
    assert [explained(plan, name).matched for name in ("abc", "ab", "b")] == ["abc", "a*", "*"]


@pytest.mark.parametrize("name", ["", "local/", "gpt-", "local/two words", "local/é", "local/a\nb"])
def test_a_pattern_takes_only_what_a_header_can_carry(name: str) -> None:
    assert isinstance(explain_request(plan_of(PATTERNS), name), NoRoute)


def test_an_unknown_model() -> None:
    found = explain_request(plan_of("\n  fast: {target: openai/gpt-4o}"), "fats")
    assert found == NoRoute("fats", "; did you mean 'fast'?")
    assert str(found) == "404 model_not_found: no model named 'fats'; did you mean 'fast'?"
    assert to_json(found) == {
        "model": "fats",
        "status": 404,
        "code": "model_not_found",
        "message": "404 model_not_found: no model named 'fats'; did you mean 'fast'?",
    }


def test_attempts_and_orders() -> None:
    explanation = explained(plan_of(FAST, PROVIDERS), "fast")
    claude = ("https://api.anthropic.com:443/v1",)
    assert explanation.attempts == (
        Attempt("claude", "claude", "haiku", "anthropic", claude, "x-api-key", "provider/claude"),
        Attempt("claude#2", "claude", "sonnet", "anthropic", claude, "x-api-key", "provider/claude#2"),
        Attempt(
            "pool",
            "pool",
            "llama",
            "openai",
            ("http://10.0.0.5:8000/v1", "http://[fd00::6]:8000/v1"),
            None,
            "provider/pool",
        ),
    )
    assert explanation.orders == (
        Order(80, 100, ("claude", "claude#2", "pool"), "failover/claude>claude#2>pool"),
        Order(20, 100, ("claude#2", "claude", "pool"), "failover/claude#2>claude>pool"),
    )
    assert [account.provider for account in explanation.accounts] == ["claude", "pool"]


def test_limits_of_streams_apply_to_streams_only() -> None:
    plan = plan_of(FAST, PROVIDERS)
    unary, stream = explained(plan, "fast"), explained(plan, "fast", stream=True)
    assert (unary.timeouts.first_token, unary.timeouts.idle) == (None, None)
    assert (stream.timeouts.first_token, stream.timeouts.idle) == (15.0, 40.0)
    assert (unary.timeouts.request, stream.timeouts.request) == (120.0, 120.0)
    assert (unary.route, stream.route) == ("ext_proc/fast", "ext_proc/fast/stream")


def test_a_stream_without_limits_has_no_route_of_its_own() -> None:
    plan = plan_of("\n  m: {target: openai/m}")
    assert explained(plan, "m", stream=True).route == "native/m"


def test_each_endpoint_has_its_own_way() -> None:
    plan = plan_of("\n  haiku: {target: claude/haiku}\n  gpt: {target: openai/gpt}")
    ways = {
        (model, row.path): explain_request(plan, model, endpoint=row)
        for model in ("haiku", "gpt")
        for row in ENDPOINTS
    }
    routes = {key: way.route for key, way in ways.items() if isinstance(way, Explanation)}
    assert routes["haiku", "/v1/messages"] == "native/haiku"
    assert routes["haiku", "/v1/messages/count_tokens"] == "native/haiku"
    assert routes["haiku", "/v1/chat/completions"] == "ext_proc/haiku"
    assert routes["gpt", "/v1/messages"] == "ext_proc/gpt"
    assert routes["gpt", "/v1/chat/completions"] == "native/gpt"
    assert len(set(routes.values())) == 4  # however many endpoints there are


def test_retry_after_counts_only_where_no_other_target_is_waiting() -> None:
    several = explained(plan_of(FAST, PROVIDERS), "fast").retry
    assert (several.next_target, several.honors_retry_after, several.back_off) == (True, False, (0.001, 5.0))
    one = explained(plan_of("\n  m: {target: openai/m}"), "m").retry
    assert (one.next_target, one.honors_retry_after, one.back_off) == (False, True, (0.1, 5.0))


def test_text_of_a_stream_with_failover() -> None:
    text = explanation_text(explained(plan_of(FAST, PROVIDERS), "fast", stream=True))
    assert text.splitlines() == [
        "model       fast  (exact name; stream)",
        "endpoint    /v1/chat/completions",
        "path        ext_proc: several targets: failover needs the commit window, and each target its own body",
        "targets     claude    haiku   anthropic  https://api.anthropic.com:443/v1                  key in x-api-key",
        "            claude#2  sonnet  anthropic  https://api.anthropic.com:443/v1                  key in x-api-key",
        "            pool      llama   openai     http://10.0.0.5:8000/v1 http://[fd00::6]:8000/v1  no key",
        "price       claude    not known",
        "            claude#2  not known",
        "            pool      not known",
        "tried       80 % (weight 80)  claude > claude#2 > pool",
        "            20 % (weight 20)  claude#2 > claude > pool",
        "retry       4 attempts, each at the next target, after 1ms, later up to 5s",
        "            on no connection; reset or time-out before the answer; status 429, 502",
        "timeouts    whole request   2m",
        "            first content   15s for each attempt",
        "            between pieces  40s",
        "            silence         10m",
        "providers   claude  connect 2s; answer 1m40s; 200 at once; breaker after 3 errors in a row, for 10s to 1m",
        "            pool    connect 5s; answer no limit; any number at once; breaker after 5 errors in a row, for 30s to 5m; health GET /health every 5s, 1s to answer",
        "unsupported reject, for fields that the target cannot honour",
        "envoy       route    ext_proc/fast/stream",
        "            cluster  failover/claude>claude#2>pool",
        "            cluster  failover/claude#2>claude>pool",
        "            cluster  provider/claude",
        "            cluster  provider/claude#2",
        "            cluster  provider/pool",
    ]


def test_text_of_a_native_pattern() -> None:
    models = '\n  "gpt-*": {target: openai/gpt-*, retry: {attempts: 1}}'
    lines = explanation_text(explained(plan_of(models), "gpt-4o")).splitlines()
    assert lines[:7] == [
        "model       gpt-4o  (longest pattern: gpt-*, * is '4o'; no stream)",
        "endpoint    /v1/chat/completions",
        "path        native: Envoy carries it alone",
        "targets     openai  gpt-4o  openai  https://api.openai.com:443/v1  key in authorization",
        "price       openai  not known",
        "tried       always  openai",
        "retry       none: 1 attempt",
    ]


def test_text_of_a_single_target_that_may_ask_to_wait() -> None:
    models = "\n  m: {target: openai/m, retry: {backoff: {base: 1s, max: 1s}}}"
    lines = explanation_text(explained(plan_of(models), "m")).splitlines()
    assert (
        "retry       3 attempts, all at this target, after 1s, or what the provider's retry-after says"
        in lines
    )


def test_json_and_text_hold_no_secret() -> None:
    explanation = explained(plan_of(FAST, PROVIDERS), "fast", stream=True)
    shown = json.dumps(to_json(explanation)) + explanation_text(explanation) + repr(explanation)
    assert not any(secret in shown for secret in SECRETS.values())
    assert json.loads(json.dumps(to_json(explanation)))["timeouts"]["first_token"] == 15.0


def known(kind: str, model: str) -> ModelFacts:
    return ModelFacts(128_000, Price(2.5, 10.0, 1.25, f"tables of {kind}/{model}", long_prompts=200_000))


def test_prices_of_the_catalogue_and_of_the_configuration() -> None:
    models = """
  listed: {target: openai/gpt-4o}
  ours: {target: openai/gpt-4o, price: {input: 0, output: 0.5, cached_input: 0.03}}"""
    plan = plan_of(models)
    [listed] = explained(plan, "listed", lookup=known).attempts
    assert listed.price == Price(2.5, 10.0, 1.25, "tables of openai/gpt-4o", 200_000)
    [ours] = explained(plan, "ours", lookup=known).attempts
    assert ours.price == Price(0.0, 0.5, 0.03, CONFIGURED)
    told = to_json(explained(plan, "ours", lookup=known))["attempts"][0]
    assert (told["price"]["input"], told["context_window"]) == (0.0, 128_000)


@pytest.mark.parametrize(
    ("name", "text"),
    [
        (
            "listed",
            "input 2.5, output 10 USD per million tokens, otherwise from 9 tokens of input on (openai/m)",
        ),
        ("ours", "input 0, output 0.5, cached input 0.03 USD per million tokens (configuration)"),
    ],
)
def test_text_of_a_price(name: str, text: str) -> None:
    models = """
  listed: {target: openai/m}
  ours: {target: openai/m, price: {input: 0, output: 0.5, cached_input: 0.03}}"""

    def lookup(kind: str, model: str) -> ModelFacts:
        return ModelFacts(8, Price(2.5, 10.0, None, f"{kind}/{model}", long_prompts=9))

    lines = explanation_text(explained(plan_of(models), name, lookup=lookup)).splitlines()
    assert f"price       openai  {text}; context of 8 tokens" in lines
