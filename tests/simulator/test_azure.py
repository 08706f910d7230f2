"""Azure's two surfaces at the simulator."""

from __future__ import annotations

import json

import openai
import pytest

from simulator import Simulator
from tests.simulator.raw import OPENAI, ask

PATH = "/openai/deployments/gpt-4o/chat/completions"


@pytest.mark.parametrize(
    ("query", "status"),
    [
        ("", 404),
        ("?api-version=latest", 404),
        ("?api-version=2024-10-21", 200),
        ("?api-version=2025-04-01-preview", 200),
    ],
)
def test_a_deployment_needs_a_version(simulator: Simulator, account: str, query: str, status: int) -> None:
    answered = ask(simulator, f"/{account}{PATH}{query}", OPENAI)
    assert answered.status == status
    if status == 404:
        assert json.loads(answered.body)["error"]["message"] == "Resource not found"


def test_the_official_client(simulator: Simulator, account: str) -> None:
    simulator.configure(account, api_key="right")
    for key in ("wrong", "right"):
        client = openai.AzureOpenAI(
            azure_endpoint=f"{simulator.url}/{account}", api_version="2024-10-21", api_key=key, max_retries=0
        )
        with client:
            if key == "wrong":
                with pytest.raises(openai.AuthenticationError):
                    client.chat.completions.create(model="gpt-4o", messages=OPENAI["messages"])
            else:
                answer = client.chat.completions.create(model="gpt-4o", messages=OPENAI["messages"])
                assert answer.choices[0].finish_reason == "stop"
    assert [seen["query"] for seen in simulator.requests(account)] == ["api-version=2024-10-21"] * 2
