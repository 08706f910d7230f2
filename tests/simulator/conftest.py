"""One simulator for all tests of a worker; each test has an account of its own."""

from __future__ import annotations

import re
from collections.abc import Iterator

import anthropic
import openai
import pytest

from simulator import Simulator, running


@pytest.fixture(scope="session")
def simulator() -> Iterator[Simulator]:
    with running() as started:
        yield started


@pytest.fixture
def account(request: pytest.FixtureRequest, simulator: Simulator) -> Iterator[str]:
    name = re.sub(r"\W+", "-", request.node.nodeid.rpartition("/")[2]).strip("-")
    yield name
    simulator.clear_faults(name)


@pytest.fixture
def openai_client(simulator: Simulator, account: str) -> Iterator[openai.OpenAI]:
    url = f"{simulator.url}/{account}/v1"
    with openai.OpenAI(base_url=url, api_key="key", max_retries=0) as client:
        yield client


@pytest.fixture
def anthropic_client(simulator: Simulator, account: str) -> Iterator[anthropic.Anthropic]:
    url = f"{simulator.url}/{account}"
    with anthropic.Anthropic(base_url=url, api_key="key", max_retries=0) as client:
        yield client
