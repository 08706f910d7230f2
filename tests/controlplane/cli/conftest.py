"""The command line in this process, in a folder of its own, with known secrets."""

from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from controlplane.cli.main import cli
from tests.controlplane.compiling import SECRETS

Run = Callable[..., Result]

GATEWAY = """\
listener: {address: 127.0.0.1, port: 8080}
providers:
  openai: {type: openai, api_key: {env: OPENAI_API_KEY}}
  claude: {type: anthropic, api_key: {env: ANTHROPIC_API_KEY}}
models:
  gpt-4o: {target: openai/gpt-4o}
  fast:
    targets:
      - {provider: claude, model: haiku, weight: 80}
      - {provider: openai, model: mini, weight: 20}
"""


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where the commands run; holds gateway.yaml."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("NO_COLOR", raising=False)
    monkeypatch.delenv("LLM_GATEWAY_DEBUG", raising=False)
    for name, value in SECRETS.items():
        monkeypatch.setenv(name, value)
    (tmp_path / "gateway.yaml").write_text(GATEWAY)
    return tmp_path


@pytest.fixture
def run() -> Run:
    """run("check", "--json") -> click's Result. Whatever is printed, no secret is."""

    def invoke(*arguments: str, color: bool = False) -> Result:
        result = CliRunner().invoke(cli, arguments, color=color)
        assert not any(secret in result.output for secret in SECRETS.values())
        assert "Traceback" not in result.output
        return result

    return invoke
