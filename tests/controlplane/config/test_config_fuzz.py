"""Whatever happens to a valid file, the loader answers with problems inside it, never with an exception."""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from controlplane.config.check import check as check_tree
from controlplane.config.json_schema import json_schema
from controlplane.config.load import load
from controlplane.config.problems import ConfigPath
from controlplane.config.report import Report
from controlplane.config.source import Source
from controlplane.config.yamltext import parse
from tests.controlplane.config.memory import ENVIRONMENT, MemoryIO
from tests.controlplane.config.test_config_schema import CONTRACT, FILES

LINES = re.split(r"(?<=\n)", CONTRACT.rstrip("\n"))
TOKENS = re.findall(r"[\w.*/-]+|\s+|[^\w\s]", CONTRACT)
LINE_BREAK = re.compile(r"\r\n|[\r\n\x85\u2028\u2029]")  # those of YAML

junk = st.one_of(
    st.text(max_size=8),
    st.sampled_from(
        ["*a", "&a ", "!t ", "<<: ", "null", "~", "{", "}", "[", "]", ": ", "- ", "\t", "\n", "0", "-1", "1e400", "'",
         '"', '"\\ud800"', "9" * 30, "true", "sk-secret", "--- ", "...\n", "? ", "#", "|\n", "\ufeff", "\x85"]
    ),
    st.sampled_from(TOKENS),
)  # fmt: skip


@st.composite
def mutations(draw: st.DrawFn) -> str:
    tokens = list(TOKENS)
    for _ in range(draw(st.integers(1, 4))):
        at = draw(st.integers(0, len(tokens) - 1))
        match draw(st.sampled_from(["replace", "delete", "insert", "duplicate", "cut"])):
            case "replace":
                tokens[at] = draw(junk)
            case "delete":
                del tokens[at : at + draw(st.integers(1, 6))]
            case "insert":
                tokens.insert(at, draw(junk))
            case "duplicate":
                other = draw(st.integers(0, len(tokens) - 1))
                tokens[other:other] = tokens[at : at + draw(st.integers(1, 12))]
            case "cut":
                del tokens[at + len(tokens) // 2 :]
        if not tokens:
            break
    return "".join(tokens)


def check(content: bytes) -> None:
    result = load([Path("gateway.yaml")], MemoryIO({"gateway.yaml": content, **FILES}, ENVIRONMENT))
    assert (result.config is None) == bool(result.problems)
    lines = LINE_BREAK.split(content.decode("utf-8", "replace"))
    for problem in [*result.problems, *result.warnings]:
        assert problem.file == "gateway.yaml"
        assert 1 <= problem.line <= len(lines)
        assert 1 <= problem.col <= len(lines[problem.line - 1]) + 1
        assert len(str(problem).splitlines()) == 1
        assert "sk-ant" not in str(problem)
        assert "Input should" not in problem.message  # pydantic's words


@settings(max_examples=300, deadline=None)
@given(mutations())
def test_mutated_text(text: str) -> None:
    check(text.encode("utf-8", "surrogatepass"))


@settings(max_examples=50, deadline=None)
@given(st.data())
def test_mutated_bytes(data: st.DataObject) -> None:
    content = bytearray(CONTRACT.encode())
    for _ in range(data.draw(st.integers(1, 5))):
        content[data.draw(st.integers(0, len(content) - 1))] = data.draw(st.integers(0, 255))
    check(bytes(content))


@settings(max_examples=50, deadline=None)
@given(st.permutations(LINES))
def test_shuffled_lines(lines: list[str]) -> None:
    check("".join(lines).encode())


def paths(value: object, at: ConfigPath = ()) -> Iterator[ConfigPath]:
    yield at
    children = (
        value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, tuple) else ()
    )
    for part, child in children:
        yield from paths(child, (*at, part))


def replaced(value: Any, path: ConfigPath, new: object) -> Any:
    if not path:
        return new
    if isinstance(value, dict):
        return {
            key: replaced(child, path[1:], new) if key == path[0] else child for key, child in value.items()
        }
    return tuple(
        replaced(child, path[1:], new) if index == path[0] else child for index, child in enumerate(value)
    )


SOURCE = Source(parse(CONTRACT.encode(), "x").root, ("x",), frozenset())
JSON_SCHEMA = jsonschema.Draft202012Validator(json_schema())
KINDS = ("", "text", -1, 1.5, float("nan"), True, (), {}, (1,), ({},), {"a": 1}, {"a": {}}, {"on": ("x",)})


@pytest.mark.parametrize("new", KINDS, ids=repr)
def test_any_value_anywhere(new: object) -> None:
    raw = SOURCE.raw()
    for path in list(paths(raw))[1:]:
        report = Report(SOURCE)
        changed = replaced(raw, path, new)
        parts = check_tree(changed, report)
        if not report.problems:
            assert parts.config()
            assert JSON_SCHEMA.is_valid(json.loads(json.dumps(changed))), path
        assert not [problem for problem in report.problems if "Input should" in problem.message]
