"""What travels with a request: targets and policies as text."""

from __future__ import annotations

import msgspec
import pytest

from extproc.contract.target import Target, decode_policy, decode_target, encode, request_path, upstream_model
from tests.extproc.transcript import CLAUDE, OPENAI, POLICY, policy


@pytest.mark.parametrize("target", [CLAUDE, OPENAI])
def test_a_target_survives(target):
    assert decode_target(encode(target)) == target


@pytest.mark.parametrize(
    "value", [POLICY, policy(hold_headers=False, unsupported_fields="reject", model="größe*")]
)
def test_a_policy_survives(value):
    assert decode_policy(encode(value)) == value


def test_where_an_endpoint_is():
    assert request_path(OPENAI, "/chat/completions", "gpt-4o") == "/v1/chat/completions"


@pytest.mark.parametrize(
    ("deployment", "segment"), [("gpt-4o", "gpt-4o"), ("mine/../x?y=ü", "mine%2F..%2Fx%3Fy%3D%C3%BC")]
)
def test_azures_dated_api_has_the_deployment_in_the_path(deployment, segment):
    target = Target(
        leaf="l",
        provider="az",
        type="azure_openai",
        wire_format="openai",
        base_path="/openai",
        api_version="2024-10-21",
    )
    assert decode_target(encode(target)) == target
    assert (
        request_path(target, "/chat/completions", deployment)
        == f"/openai/deployments/{segment}/chat/completions?api-version=2024-10-21"
    )


def test_equal_policies_have_equal_text():
    """The text is the key of ext_proc's cache, and part of what Envoy compares in an update."""
    models = {f"leaf-{n}": f"model-{n}" for n in range(20)}
    backwards = dict(reversed(models.items()))
    assert encode(policy(models=models)) == encode(policy(models=backwards))


def test_an_older_ext_proc_reads_what_a_newer_control_plane_writes():
    text = encode(CLAUDE)[:-1] + ',"new_in_the_next_version":1}'
    assert decode_target(text) == CLAUDE


@pytest.mark.parametrize("text", ["", "null", "{}", '{"leaf": 1}'])
def test_what_is_neither_raises(text):
    with pytest.raises(msgspec.DecodeError):
        decode_target(text)
    with pytest.raises(msgspec.DecodeError):
        decode_policy(text)


def test_a_model_without_a_star_has_one_name():
    assert upstream_model(POLICY, "claude", "fast") == "claude-haiku-4-5"


def test_a_leaf_that_is_not_the_models_is_a_bug():
    with pytest.raises(KeyError):
        upstream_model(POLICY, "another", "fast")
