"""AWS's keys on their way to Envoy: nobody else sees them, and what changes is said without them."""

from __future__ import annotations

import re
from typing import Any

from controlplane.changes import plan_changes
from controlplane.cli.envoy_validate import without_secrets
from controlplane.plan import Plan
from controlplane.render import resources_yaml
from controlplane.xds.signing import _NOT_SIGNED, aws_signing
from protos.api import Secret
from tests.controlplane.compiling import LOOPBACK, SECRETS, compile_text

KEYS = "{access_key_id: {env: OPENAI_API_KEY}, secret_access_key: {env: ANTHROPIC_API_KEY}}"


def text(aws: str = KEYS, **more: str) -> str:
    rest = "".join(f", {name}: {value}" for name, value in more.items())
    return f"""
{LOOPBACK}
providers:
  bedrock: {{type: aws_bedrock, region: us-east-1, aws: {aws}{rest}}}
models:
  claude: {{target: bedrock/anthropic.claude-sonnet-4-5}}
"""


def plan(*given: Any, **options: Any) -> Plan:
    return compile_text(text(*given), **options).plan


def test_the_keys_are_in_the_filter_alone() -> None:
    compiled = compile_text(text())
    assert compiled.plan.secrets == {}
    assert not [one for one in compiled.resources if isinstance(one, Secret)]
    shown = resources_yaml(compiled.resources)
    for secret in SECRETS.values():
        assert secret not in shown
        assert secret not in repr(compiled.plan)
    assert "[redacted]" in shown
    [leaf] = compiled.plan.leaves
    assert leaf.signing is not None
    inline = aws_signing(leaf, leaf.signing).credential_provider.inline_credential
    assert inline.access_key_id == SECRETS["OPENAI_API_KEY"]
    assert inline.secret_access_key == SECRETS["ANTHROPIC_API_KEY"]


def test_envoy_s_words_are_told_without_them() -> None:
    said = f"bad key {SECRETS['ANTHROPIC_API_KEY']}!"
    assert without_secrets(said, plan()) == "bad key [redacted]!"


def test_without_keys_envoy_looks_for_its_own() -> None:
    [leaf] = plan("default").leaves
    assert leaf.signing is not None
    config = aws_signing(leaf, leaf.signing)
    assert not config.HasField("credential_provider")
    assert (config.region, config.service_name) == ("us-east-1", "bedrock")
    assert config.host_rewrite == "bedrock-runtime.us-east-1.amazonaws.com"


def test_changes() -> None:
    [rotated] = plan_changes(plan(), plan(variables={"ANTHROPIC_API_KEY": "another"}))
    assert rotated.details == ("AWS keys: rotated; new connections are made",)
    [other] = plan_changes(plan(), plan("default"))
    assert other.details == (
        "key: signs for AWS in us-east-1, keys given -> signs for AWS in us-east-1, keys Envoy's own",
    )


def test_what_is_signed() -> None:
    signed = [
        name
        for name in (
            "host", "content-type", "x-amz-date", "x-amz-content-sha256", "x-amz-security-token", "content-length",
            "x-request-id", "x-llm-gateway-leaf", "x-forwarded-proto", "x-envoy-attempt-count", "user-agent", "accept",
            "accept-encoding", "traceparent", "x-stainless-lang", "xyz", "cookie", "connection", "content-encoding",
        )
        if re.fullmatch(_NOT_SIGNED, name) is None
    ]  # fmt: skip
    assert set(signed) == {"content-type", "x-amz-date", "x-amz-content-sha256", "x-amz-security-token"}
