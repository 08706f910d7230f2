"""What `diff` tells, for each kind of edit, and which xDS types the edit touches."""

import dataclasses
from collections.abc import Mapping
from typing import Any

import pytest
import trustme

from controlplane.catalogue.prices import CONFIGURED, Price
from controlplane.changes import DRAINS, Change, Touched, admin_changes, plan_changes, touched
from controlplane.compiler import Compiled
from controlplane.config.schema import AdminConfig
from controlplane.plan import Breaker, HealthCheck, Leaf, ListenerPlan, ModelPlan, Retry, Signing
from tests.controlplane.compiling import MESSAGES, OPENAIS, TRANSLATED, compile_text

BASE = """
listener: {address: 127.0.0.1, port: 8080}
providers:
  claude: {type: anthropic, api_key: {env: ANTHROPIC_API_KEY}}
  openai: {type: openai, api_key: {env: OPENAI_API_KEY}}
  pool: {type: vllm, base_url: "http://10.0.0.5:8000", headers: {x-team: one}}
  idle: {type: ollama}
models:
  gpt-4o: {target: openai/gpt-4o}
  llama: {target: pool/llama}
  fast:
    targets:
      - {provider: claude, model: haiku, weight: 80}
      - {provider: openai, model: mini, weight: 20}
"""


def edited(*replacements: tuple[str, str]) -> str:
    text = BASE
    for old, new in replacements:
        assert text.count(old) == 1, old
        text = text.replace(old, new)
    return text


def changes(old: Compiled, new: Compiled) -> list[Change]:
    return list(plan_changes(old.plan, new.plan))


def services(old: Compiled, new: Compiled) -> dict[str, Touched]:
    return {change.service: change for change in touched(old.snapshot, new.snapshot)}


def test_the_same_is_no_change() -> None:
    base = compile_text(BASE)
    other_layout = compile_text(f"# A comment.\n{BASE}\n", "models: {gpt-4o: {target: openai/gpt-4o}}")
    unused = compile_text(BASE, "providers: {spare: {type: ollama, base_url: 'http://127.0.0.1:1'}}")
    for other in (compile_text(BASE), other_layout, unused):
        assert changes(base, other) == []
        assert touched(base.snapshot, other.snapshot) == ()


ORDER = "claude/haiku > openai/mini"
RETRIES = (
    "3 attempts, all at this target, after 100ms, later up to 5s, or what the provider's retry-after says; "
    "on no connection; reset or time-out before the answer; status 429, 500, 502-504, 520-530"
)


@pytest.mark.parametrize(
    ("replacement", "expected", "types"),
    [
        pytest.param(
            ("  gpt-4o: {target: openai/gpt-4o}\n", ""),
            Change("model", "gpt-4o", "removed"),
            {"RDS"},
            id="model removed",
        ),
        pytest.param(
            ("models:\n", "models:\n  new: {target: openai/gpt-4o}\n"),
            Change(
                "model",
                "new",
                "added",
                (
                    "order: openai/gpt-4o",
                    (
                        "path: ext_proc: the model is called 'gpt-4o' at openai: the name in the body changes "
                        f"({OPENAIS}); {TRANSLATED}"
                    ),
                ),
            ),
            {"RDS"},
            id="model added",
        ),
        pytest.param(
            (
                "  gpt-4o: {target: openai/gpt-4o}\n  llama: {target: pool/llama}\n",
                "  llama: {target: pool/llama}\n  gpt-4o: {target: openai/gpt-4o}\n",
            ),
            Change("model list", "", "changed", ("another order in GET /v1/models",)),
            {"RDS"},
            id="models in another order",
        ),
        pytest.param(
            ("weight: 80", "weight: 30"),
            Change(
                "model",
                "fast",
                "changed",
                ("share of claude/haiku: 80 % -> 60 %", "share of openai/mini: 20 % -> 40 %"),
            ),
            {"RDS"},
            id="weights",
        ),
        pytest.param(
            ("weight: 20}", "priority: 1}"),
            Change(
                "model",
                "fast",
                "changed",
                ("share of claude/haiku: 80 % -> 100 %", "share of openai/mini: 20 % -> none"),
            ),
            {"CDS", "RDS"},
            id="a peer becomes a fallback: one order less",
        ),
        pytest.param(
            ("weight: 20}\n", "weight: 20}\n      - {provider: pool, model: llama, priority: 1}\n"),
            Change(
                "model",
                "fast",
                "changed",
                ("target added: pool/llama", f"order: {ORDER} -> {ORDER} > pool/llama"),
            ),
            {"CDS", "RDS"},
            id="target added: new orders",
        ),
        pytest.param(
            ("{provider: openai, model: mini, weight: 20}", "{provider: openai, model: nano, weight: 20}"),
            Change(
                "model",
                "fast",
                "changed",
                (
                    "target added: openai/nano",
                    "target removed: openai/mini",
                    "share of openai/nano: none -> 20 %",
                    f"order: {ORDER} -> claude/haiku > openai/nano",
                ),
            ),
            {"RDS"},
            id="another model at the same provider",
        ),
        pytest.param(
            ("gpt-4o: {target: openai/gpt-4o}", "gpt-4o: {target: openai/gpt-4o, first_token_timeout: 5s}"),
            Change(
                "model",
                "gpt-4o",
                "changed",
                (
                    (
                        f"path: native: Envoy carries it alone ({OPENAIS}); {TRANSLATED} "
                        f"-> ext_proc: first_token_timeout needs the commit window ({OPENAIS}); {TRANSLATED}"
                    ),
                    "first_token_timeout: no limit -> 5s",
                    (
                        "error in a stream before its first content: "
                        f"passed on ({OPENAIS}); held back ({MESSAGES}) -> held back"
                    ),
                ),
            ),
            {"RDS"},
            id="native becomes ext_proc",
        ),
        pytest.param(
            ("llama: {target: pool/llama}", "llama: {target: pool/llama, timeout: 1m}"),
            Change("model", "llama", "changed", ("timeout: no limit -> 1m",)),
            {"RDS"},
            id="timeout",
        ),
        pytest.param(
            ("llama: {target: pool/llama}", "llama: {target: pool/llama, retry: {attempts: 1}}"),
            Change(
                "model",
                "llama",
                "changed",
                (f"retry: {RETRIES} -> none: 1 attempt",),
            ),
            {"RDS"},
            id="retry",
        ),
        pytest.param(
            ("llama: {target: pool/llama}", "llama: {target: pool/llama, unsupported_fields: reject}"),
            Change("model", "llama", "changed", ("unsupported_fields: warn -> reject",)),
            {"RDS"},
            id="unsupported_fields",
        ),
        pytest.param(
            ("10.0.0.5:8000", "10.0.0.6:8000"),
            Change(
                "provider",
                "pool",
                "changed",
                ("address: http://10.0.0.5:8000/v1 -> http://10.0.0.6:8000/v1",),
            ),
            {"CDS"},
            id="provider moved",
        ),
        pytest.param(
            ("headers: {x-team: one}", "headers: {x-team: two, x-zone: eu}"),
            Change("provider", "pool", "changed", ("header changed: x-team", "header added: x-zone")),
            {"CDS"},
            id="provider headers",
        ),
        pytest.param(
            ("headers: {x-team: one}", "max_concurrent_requests: 5"),
            Change(
                "provider",
                "pool",
                "changed",
                ("concurrent requests: no limit -> 5", "header removed: x-team"),
            ),
            {"CDS"},
            id="provider limit",
        ),
        pytest.param(
            ("headers: {x-team: one}}", "headers: {x-team: one}, api_key: {env: OTHER_KEY}}"),
            Change("provider", "pool", "changed", ("key: none -> in authorization",)),
            {"CDS", "SDS"},
            id="provider gets a key",
        ),
        pytest.param(
            ("api_key: {env: ANTHROPIC_API_KEY}", "api_key: {env: OTHER_KEY}"),
            Change("provider", "claude", "changed", ("key: rotated; no stream is cut",)),
            {"SDS"},
            id="provider key rotated",
        ),
        pytest.param(
            ("port: 8080", "port: 8081"),
            Change("listener", "", "changed", ("port: 8080 -> 8081", DRAINS)),
            {"LDS"},
            id="listener port",
        ),
        pytest.param(
            ("port: 8080", "port: 8080, max_request_body: 1MiB"),
            Change("listener", "", "changed", ("max_request_body: 32MiB -> 1MiB", DRAINS)),
            {"LDS", "RDS"},
            id="largest body",
        ),
    ],
)
def test_one_edit(replacement: tuple[str, str], expected: Change, types: set[str]) -> None:
    old, new = compile_text(BASE), compile_text(edited(replacement))
    assert changes(old, new) == [expected]
    assert services(old, new).keys() == types


def test_a_provider_that_becomes_used_is_added_and_one_that_no_model_uses_any_more_is_removed() -> None:
    new = compile_text(edited(("llama: {target: pool/llama}", "llama: {target: idle/llama}")))
    found = changes(compile_text(BASE), new)
    assert found[1:] == [
        Change("provider", "idle", "added", ("type: ollama", "address: http://127.0.0.1:11434/v1")),
        Change("provider", "pool", "removed"),
    ]
    assert services(compile_text(BASE), new)["CDS"] == Touched(
        "CDS", ("ext_proc/idle", "provider/idle"), (), ("ext_proc/pool", "provider/pool")
    )


def test_the_same_target_twice_is_told_apart() -> None:
    twice = "{provider: claude, model: haiku, weight: 80}"
    new = compile_text(edited((twice, f"{twice}\n      - {{provider: claude, model: haiku, weight: 0}}")))
    (change,) = changes(compile_text(BASE), new)
    assert change.details == (
        "target added: claude/haiku (2)",
        f"order: {ORDER} -> {ORDER} > claude/haiku (2)",
    )


class Certificates:
    """Two authorities and two server certificates of the first."""

    def __init__(self) -> None:
        self.authorities = [trustme.CA(), trustme.CA()]
        self.servers = [self.authorities[0].issue_cert("gateway.test") for _ in range(2)]

    def files(self, server: int = 0, authority: int = 0) -> Mapping[str, bytes]:
        issued = self.servers[server]
        return {
            "tls.crt": issued.cert_chain_pems[0].bytes(),
            "tls.key": issued.private_key_pem.bytes(),
            "ca.crt": self.authorities[authority].cert_pem.bytes(),
        }


@pytest.fixture(scope="module")
def certificates() -> Certificates:
    return Certificates()


TLS = "listener: {tls: {cert_file: tls.crt, key_file: tls.key%s}}"
CLIENT_CA = ", client_ca_file: ca.crt"


def test_listener_certificate_rotates_by_sds_alone(certificates: Certificates) -> None:
    old = compile_text(BASE, TLS % CLIENT_CA, files=certificates.files())
    new = compile_text(BASE, TLS % CLIENT_CA, files=certificates.files(server=1, authority=1))
    assert changes(old, new) == [
        Change(
            "listener",
            "",
            "changed",
            (
                "certificate: rotated; no connection is cut",
                "client authorities: other content; no connection is cut",
            ),
        )
    ]
    assert touched(old.snapshot, new.snapshot) == (
        Touched("SDS", (), ("listener/certificate", "listener/client_ca"), ()),
    )


def test_listener_tls_on_and_client_certificates(certificates: Certificates) -> None:
    files = certificates.files()
    plain, tls = compile_text(BASE), compile_text(BASE, TLS % "", files=files)
    mutual = compile_text(BASE, TLS % CLIENT_CA, files=files)
    assert changes(plain, tls)[0].details == ("tls: off -> on, 1.3 or later", DRAINS)
    assert changes(tls, mutual)[0].details == ("client certificates: not asked for -> required", DRAINS)
    assert services(plain, mutual).keys() == {"SDS", "LDS"}


def test_a_providers_authorities(certificates: Certificates) -> None:
    private = edited(('"http://10.0.0.5:8000"', '"https://pool.internal", tls: {ca_file: ca.crt}'))
    public = edited(('"http://10.0.0.5:8000"', '"https://pool.internal"'))
    one, other = (compile_text(private, files=certificates.files(authority=number)) for number in range(2))
    assert changes(one, other) == [
        Change("provider", "pool", "changed", ("trusts: other content in its ca_file",))
    ]
    assert changes(compile_text(public), one)[0].details == (
        "trusts: the system's authorities -> its ca_file",
    )
    assert changes(compile_text(BASE), compile_text(public))[0].details == (
        "address: http://10.0.0.5:8000/v1 -> https://pool.internal:443/v1",
        "trusts: nobody: no TLS -> the system's authorities",
    )


def test_admin_is_compared_too() -> None:
    assert admin_changes(AdminConfig(), AdminConfig()) == ()
    assert admin_changes(AdminConfig(), AdminConfig(port=9999)) == (
        Change(
            "admin",
            "",
            "changed",
            ("address: 127.0.0.1:9901 -> 127.0.0.1:9999", "takes effect at a restart"),
        ),
    )


OTHER_VALUES: dict[type, dict[str, Any]] = {
    ModelPlan: {
        "retry": Retry(2, False, False, (500,), (1.0, 2.0), False),
        "timeout": 7.0,
        "first_token_timeout": 7.0,
        "idle_timeout": 7.0,
        "price": Price(1.0, 2.0, None, CONFIGURED),
    },
    Leaf: {
        "connect_timeout": 7.0,
        "request_timeout": 7.0,
        "load_balancing": "random",
        "health_check": HealthCheck("/h", 1.0, 1.0),
        "max_concurrent_requests": 7,
        "breaker": Breaker(7, 7.0, 7.0),
        "headers": {"x-other": "1"},
        "credential": None,
        "signing": Signing("us-east-1", None),
    },
    ListenerPlan: {"address": "127.0.0.2", "port": 7, "max_request_body": 7},
}


@pytest.mark.parametrize(
    ("owner", "field"), [(owner, field) for owner, values in OTHER_VALUES.items() for field in values]
)
def test_no_field_of_a_plan_is_forgotten(owner: type, field: str) -> None:
    plan = compile_text(BASE).plan
    value = {field: OTHER_VALUES[owner][field]}
    if owner is ModelPlan:
        new = dataclasses.replace(
            plan, models=(dataclasses.replace(plan.models[0], **value), *plan.models[1:])
        )
    elif owner is Leaf:
        new = dataclasses.replace(
            plan, leaves=(dataclasses.replace(plan.leaves[0], **value), *plan.leaves[1:])
        )
    else:
        new = dataclasses.replace(plan, listener=dataclasses.replace(plan.listener, **value))
    assert new != plan
    assert len(plan_changes(plan, new)) == 1


def test_every_field_of_a_plan_is_edited_by_some_test_here() -> None:
    elsewhere = {
        ModelPlan: {"ways", "choices", "base_path", "query"},
        Leaf: {"target", "endpoints", "tls"},
        ListenerPlan: {"tls"},
    }
    for owner, values in OTHER_VALUES.items():
        assert {field.name for field in dataclasses.fields(owner)} == values.keys() | elsewhere[owner]
