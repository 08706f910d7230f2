"""The JSON Schema and the reference page agree with the loader."""

from pathlib import Path
from typing import Any, get_args

import jsonschema
import pytest
import yaml

from controlplane.catalogue.providers import PROVIDER_TYPES
from controlplane.config.addresses import parse_base_url
from controlplane.config.json_schema import annotated_schema, json_schema
from controlplane.config.reference import EXAMPLE, reference
from controlplane.config.schema_providers import ProviderTypeName
from extproc.contract.names import CREDENTIAL_HEADERS
from tests.controlplane.config.conftest import Load

ROOT = Path(__file__).parents[3]

# The contract's example without what comes later.
CONTRACT = """\
listener:
  address: 0.0.0.0
  port: 8080
  max_request_body: 32MiB
admin: {address: 127.0.0.1, port: 9901}
providers:
  openai:    {type: openai, api_key: {env: OPENAI_API_KEY}}
  claude:    {type: anthropic, api_key: {file: /run/secrets/anthropic}}
  together:  {type: together, api_key: {env: OPENAI_API_KEY}}
  local:     {type: ollama, base_url: http://127.0.0.1:11434}
  pool:
    type: vllm
    endpoints: [http://10.0.0.5:8000, http://10.0.0.6:8000]
    load_balancing: least_request
    health_check: {path: /health, interval: 5s, timeout: 1s}
    timeouts: {connect: 2s, request: 120s, first_token: 20s, idle: 60s}
    max_concurrent_requests: 200
    circuit_breaker: {consecutive_errors: 5, open_for: 30s, max_open_for: 5m}
    headers: {x-team: platform}
models:
  gpt-4o: {target: openai/gpt-4o}
  fast:
    strategy: weighted
    targets:
      - {provider: claude, model: claude-haiku-4-5, weight: 80}
      - {provider: pool, model: us.anthropic.claude-haiku-4-5-v1:0, weight: 20}
      - {provider: openai, model: gpt-4o-mini, priority: 1}
    retry: {attempts: 3, on: [connect, reset, timeout, 5xx, 429, stream_error], backoff: {base: 100ms, max: 5s}, honor_retry_after: true}
    timeout: 120s
    first_token_timeout: 15s
    unsupported_fields: warn
  "openai/*": {target: openai/*}
  "*": {target: pool/*}
"""

LATER = """\
rules:
  - name: eu-stays-in-eu
    match: {models: [gpt-4o, "claude-*"], headers: {x-region: eu}, clients: [team-eu], body_larger_than: 200KiB}
    use: azure-pool
clients:
  - name: team-a
    api_keys: [{env: TEAM_A_KEY}, {file: /run/secrets/team-a-next}]
    models: ["gpt-*", fast]
    limits: {requests: 600/min, tokens: 200000/min, cost: 50 USD/day, concurrent: 20}
jwt: {issuer: https://idp.example.com, audiences: [llm], jwks_file: /etc/gateway/jwks.json, client_claim: sub, models_claim: llm_models}
limits:
  default: {requests: 60/min}
  models: {fast: {tokens: 1000000/min}}
  store: memory
cache: {ttl: 10m, max_size: 256MiB, store: memory}
telemetry:
  access_log: {path: /dev/stdout}
  audit_log: {path: /var/log/gateway/audit.jsonl, bodies: redacted}
  traces: {otlp_endpoint: http://otel-collector:4317, sample: 0.1}
providers:
  gemini:    {type: google_ai, api_key: {env: GEMINI_API_KEY}}
  azure-eu:  {type: azure_openai, base_url: https://my-res.openai.azure.com, api_version: "2024-10-21", api_key: {env: AZURE_KEY}}
  bedrock:   {type: aws_bedrock, region: us-east-1, aws: {access_key_id: {env: AWS_ACCESS_KEY_ID}, secret_access_key: {env: AWS_SECRET_ACCESS_KEY}}}
models:
  fast: {target: gemini/x, strategy: lowest_cost, price: {input: 0.25, output: 1.25, cached_input: 0.03}, cache: "off"}
"""

FILES = {"/run/secrets/anthropic": b"sk-ant"}


@pytest.fixture(scope="module")
def validator() -> jsonschema.Draft202012Validator:
    schema = json_schema()
    jsonschema.Draft202012Validator.check_schema(schema)
    return jsonschema.Draft202012Validator(schema)


@pytest.mark.parametrize("text", [CONTRACT, EXAMPLE], ids=["contract", "page"])
def test_loader_and_json_schema_accept(text: str, load_texts: Load, validator: Any) -> None:
    assert [str(problem) for problem in load_texts(text, files=FILES).problems] == []
    assert [
        error.message for error in validator.iter_errors(yaml.safe_load(text.replace(" on:", ' "on":')))
    ] == []


def test_json_schema_knows_what_comes_later(validator: Any) -> None:
    assert [error.message for error in validator.iter_errors(yaml.safe_load(LATER))] == []


@pytest.mark.parametrize(
    "change",
    [
        "listener: {prot: 1}", "listener: {port: 0}", "listener: {max_request_body: 32}", "providers: {}",
        "providers: {a/b: {type: ollama}}", "providers: {a: {type: ollma}}", "providers: {a: {}}",
        "providers: {a: {type: vllm, base_url: 'http://a', endpoints: ['http://a']}}",
        "providers: {a: {type: openai, api_key: sk-x}}", "providers: {a: {type: openai, api_key: {}}}",
        "models: {a: {}}", "models: {a: {target: gpt-4o}}", "models: {'a*b': {target: a/b}}",
        "models: {a: {target: a/b, timeout: 30}}", "models: {a: {target: a/b, timeout: null}}",
    ],
)  # fmt: skip
def test_json_schema_refuses_what_an_editor_can_see(change: str, validator: Any) -> None:
    valid = {"providers": {"a": {"type": "ollama"}}, "models": {"a": {"target": "a/b"}}}
    assert validator.is_valid(valid)
    assert not validator.is_valid({**valid, **yaml.safe_load(change)})


def test_every_key_is_described_and_has_a_default_or_an_example() -> None:
    schema = annotated_schema()
    for name, definition in {"": schema, **schema["$defs"]}.items():
        for key, field in definition["properties"].items():
            assert field["description"].endswith("."), f"{name}.{key}"
            assert "default" in field or "examples" in field or "$ref" in field, f"{name}.{key}"


def test_our_own_marks_stay_inside() -> None:
    assert '"kind"' not in str(json_schema()).replace("'", '"')
    assert '"later"' not in str(json_schema()).replace("'", '"')


def test_the_committed_page_is_current() -> None:
    assert (ROOT / "docs" / "configuration.md").read_text() == reference()


def test_the_catalogue_has_the_types_of_the_schema() -> None:
    assert tuple(PROVIDER_TYPES) == get_args(ProviderTypeName)
    for row in PROVIDER_TYPES.values():
        if row.base_url is not None:
            assert parse_base_url(row.base_url.format(region="us-east-1")).path == ""
        if row.credential is not None:
            assert row.credential.header in CREDENTIAL_HEADERS


def test_the_wire_formats_of_the_catalogue() -> None:
    formats = {name: row.wire_format for name, row in PROVIDER_TYPES.items()}
    assert formats == {
        "openai": "openai", "anthropic": "anthropic", "together": "openai", "ollama": "openai", "vllm": "openai",
        "google_ai": "google", "vertex_ai": "google", "azure_openai": "openai", "groq": "openai", "mistral": "openai", "deepseek": "openai",
        "openrouter": "openai", "xai": "openai", "cerebras": "openai", "fireworks": "openai", "aws_bedrock": "bedrock",
    }  # fmt: skip
