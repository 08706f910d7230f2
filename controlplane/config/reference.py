"""Writes docs/configuration.md from the schema: ``python -m controlplane.config.reference``."""

from __future__ import annotations

import sys
from collections import deque
from collections.abc import Iterator
from typing import Any, Final

import yaml

from controlplane.config.json_schema import annotated_schema

EXAMPLE: Final = """\
listener: {port: 8080}

providers:
  openai: {type: openai, api_key: {env: OPENAI_API_KEY}}
  claude: {type: anthropic, api_key: {file: /run/secrets/anthropic}}
  local: {type: ollama}
  pool:
    type: vllm
    endpoints: [http://10.0.0.5:8000, http://10.0.0.6:8000]
    health_check: {path: /health}
    timeouts: {connect: 2s, first_token: 20s}

models:
  gpt-4o: {target: openai/gpt-4o}
  fast:
    targets:
      - {provider: claude, model: claude-haiku-4-5, weight: 80}
      - {provider: pool, model: qwen3-32b, weight: 20}
      - {provider: openai, model: gpt-4o-mini, priority: 1}
    first_token_timeout: 15s
  "openai/*": {target: openai/*}
"""

_INTRODUCTION = f"""\
# Configuration

<!-- Made by `make docs` from the schema in controlplane/config; edit that. -->

One YAML file says everything:

```yaml
{EXAMPLE}```

`llm-gateway check -c gateway.yaml` prints every problem with its place, one a line, and `llm-gateway schema`
prints this page's content as JSON Schema, for editors.

**Several files** (`-c base.yaml -c production.yaml`) merge from left to right: mappings key by key, while
lists and scalars are replaced.

**Durations** are whole numbers with units: `250ms`, `30s`, `5m`, `1h`, `1m30s`; more than 0, 24h at most.
**Sizes** too: `512KiB`, `32MiB`, `1GiB` (steps of 1024), `500KB`, `10MB`, `1GB` (steps of 1000), `100B`.
A number without a unit is refused.

**Secrets** never stand in the YAML. It says where they are: `{{env: NAME}}`, an environment variable of the
control plane, or `{{file: PATH}}`, a file that holds nothing else (a line break at its end does not count).

**Files** with a relative path are looked for in the folder of the YAML file that names them.

**YAML** is read by the rules of version 1.2: `on`, `off`, `yes` and `no` are text. Anchors, aliases, merge
keys, tags and keys without a value are refused.

**Later** marks keys whose feature is not there yet: `check` answers *not supported in this version*.
"""


def reference() -> str:
    """The page, in Markdown."""
    return _Page(annotated_schema()).text()


class _Page:
    def __init__(self, schema: dict[str, Any]) -> None:
        self._schema = schema
        self._headings = self._assign_headings()

    def text(self) -> str:
        parts = [_INTRODUCTION, "## Sections\n", self._table(self._schema)]
        parts += [
            part
            for name, field in self._schema["properties"].items()
            for part in self._section(name, field, 2)
        ]
        return "\n".join(parts)

    def _assign_headings(self) -> dict[str, str]:
        """Where each section is explained: at the first path that is not deeper than any other."""
        headings: dict[str, str] = {}
        queue = deque(self._schema["properties"].items())
        while queue:
            path, field = queue.popleft()
            name, where = _section_of(field, path)
            if name is None or name in headings:
                continue
            headings[name] = where
            properties = self._schema["$defs"][name]["properties"]
            queue.extend((f"{where}.{key}", child) for key, child in properties.items())
        return headings

    def _section(self, path: str, field: dict[str, Any], level: int) -> Iterator[str]:
        name, where = _section_of(field, path)
        if name is None or self._headings[name] != where:
            return
        definition = self._schema["$defs"][name]
        yield f"{'#' * min(level, 4)} `{where}`\n"
        later = " *(later)*" if field.get("later") else ""
        yield f"{definition['description']}{later}\n"
        yield self._table(definition)
        for key, child in definition["properties"].items():
            yield from self._section(f"{where}.{key}", child, level + 1)

    def _table(self, definition: dict[str, Any]) -> str:
        required = definition.get("required", ())
        rows = ["| key | type | default | meaning |", "|---|---|---|---|"]
        for key, field in definition["properties"].items():
            later = " *(later)*" if field.get("later") else ""
            default = f"`{_flow(field['default'])}`" if "default" in field else "–"
            meaning = field["description"] + "".join(
                f" Example: `{_flow(e)}`" for e in field.get("examples", ())
            )
            cells = (
                f"`{key}`{later}",
                self._type(field),
                "required" if key in required else default,
                meaning,
            )
            rows.append(f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in cells)} |")
        return "\n".join(rows) + "\n"

    def _type(self, field: dict[str, Any]) -> str:
        if "anyOf" in field:
            return " or ".join(self._type(choice) for choice in field["anyOf"])
        if "$ref" in field:
            name = field["$ref"].rpartition("/")[2]
            definition = self._schema["$defs"][name]
            return definition.get("kind") or f"mapping, see `{self._headings[name]}`"
        if "kind" in field:
            return str(field["kind"])
        if "const" in field:
            return f"`{field['const']}`"
        if "enum" in field:
            numbers = {str(choice) for choice in field["enum"] if not isinstance(choice, str)}
            return ", ".join(f"`{_flow(choice)}`" for choice in field["enum"] if choice not in numbers)
        match field["type"]:
            case "array":
                return f"list of: {self._type(field['items'])}"
            case "object":
                return f"mapping of names to: {self._type(field['additionalProperties'])}"
            case "integer" | "number" as number:
                return _range("whole number" if number == "integer" else "number", field)
            case "boolean":
                return "`true`, `false`"
            case _:
                return "text"


class _Dumper(yaml.SafeDumper):
    """Writes ``off`` without quotes: it is text in YAML 1.2."""


_Dumper.yaml_implicit_resolvers = {
    first: resolvers
    for first, resolvers in yaml.SafeDumper.yaml_implicit_resolvers.items()
    if first not in "oO"
}


def _section_of(field: dict[str, Any], path: str) -> tuple[str | None, str]:
    """(the section that `field` holds, with its path), looked for in lists and mappings too."""
    if "$ref" in field:
        name = field["$ref"].rpartition("/")[2]
        return (None if name == "SecretRef" else name), path
    for choice in field.get("anyOf", ()):
        if "$ref" in choice:
            return _section_of(choice, path)
    if isinstance(items := field.get("items"), dict):
        return _section_of(items, f"{path}[]")
    if isinstance(values := field.get("additionalProperties"), dict):
        return _section_of(values, f"{path}.NAME")
    return None, path


def _range(word: str, field: dict[str, Any]) -> str:
    least, most = field.get("minimum"), field.get("maximum")
    if least is None:
        return word
    return f"{word}, {least} or more" if most is None else f"{word}, {least} to {most}"


def _flow(value: Any) -> str:
    """As YAML in one line."""
    text = yaml.dump(value, Dumper=_Dumper, default_flow_style=True, width=10_000, sort_keys=False)
    return text.removesuffix("\n").removesuffix("\n...")


if __name__ == "__main__":
    sys.stdout.write(reference())
