"""Compilation of texts, with known secrets and a fixed machine."""

from collections.abc import Mapping
from pathlib import Path

from controlplane.compiler import Compiled, compile_files
from controlplane.plan import Environment, Leaf, ModelPlan, Plan
from extproc.contract.endpoints import ENDPOINTS
from tests.controlplane.config.memory import MemoryIO

SECRETS = {
    "OPENAI_API_KEY": "sk-openai-0123456789",
    "ANTHROPIC_API_KEY": "sk-ant-0123456789",
    "OTHER_KEY": "sk-other-0123456789",
}
"""Environment variables; each value is to appear in no output."""

ENVIRONMENT = Environment(
    ext_proc=("unix:/run/llm-gateway/ext_proc-0.sock", "unix:/run/llm-gateway/ext_proc-1.sock"),
    ca_file="/etc/ssl/certs/ca-certificates.crt",
)

PROVIDERS = """
providers:
  openai: {type: openai, api_key: {env: OPENAI_API_KEY}}
  claude: {type: anthropic, api_key: {env: ANTHROPIC_API_KEY}}
  local: {type: ollama}
"""
OPENAIS = ", ".join(row.dialect for row in ENDPOINTS if row.errors == "openai")
"""The dialects that OpenAI itself speaks."""
MESSAGES = ", ".join(row.dialect for row in ENDPOINTS if row.errors == "anthropic")
TRANSLATED = f"ext_proc: openai speaks another format (openai): bodies are translated ({MESSAGES})"
"""The way of all others at OpenAI."""
LOOPBACK = "listener: {address: 127.0.0.1}"


class FilesAndSecrets:
    """Real files, SECRETS as the environment."""

    def read(self, path: Path) -> bytes:
        return path.read_bytes()

    def env(self, name: str) -> str | None:
        return SECRETS.get(name)


def compile_text(
    *texts: str,
    files: Mapping[str, bytes | int] | None = None,
    variables: Mapping[str, str] | None = None,
    environment: Environment = ENVIRONMENT,
) -> Compiled:
    """What these texts, merged, give. Fails the test on any problem."""
    named: dict[str, bytes | int] = {f"{index}.yaml": text.encode() for index, text in enumerate(texts, 1)}
    io = MemoryIO({**named, **(files or {})}, {**SECRETS, **(variables or {})})
    loaded, compiled = compile_files([Path(name) for name in named], io, environment)
    assert compiled is not None, [str(problem) for problem in loaded.problems]
    return compiled


def plan_of(models: str, providers: str = PROVIDERS, **options: Mapping[str, bytes | int]) -> Plan:
    """The plan of `models`, the indented or flow-style value of that key."""
    return compile_text(f"{LOOPBACK}\n{providers}\nmodels:{models}", **options).plan


def model_of(plan: Plan, name: str) -> ModelPlan:
    return next(model for model in plan.models if model.name == name)


def leaf_of(plan: Plan, name: str) -> Leaf:
    return next(leaf for leaf in plan.leaves if leaf.name == name)
