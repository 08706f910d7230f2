"""docs/responses.md leaves out no field, and the dialect no tool, that OpenAI's client knows."""

from __future__ import annotations

from pathlib import Path
from typing import get_args, get_type_hints

import pytest
from openai.types.responses import response_create_params, tool_param

from tests.extproc.dialects.responses_client import DIALECT

PAGE = (Path(__file__).parents[3] / "docs" / "responses.md").read_text(encoding="utf-8")
FIELDS = PAGE[PAGE.index("| field |") : PAGE.index("### Items")]


@pytest.mark.parametrize(
    "field", sorted(get_type_hints(response_create_params.ResponseCreateParamsStreaming))
)
def test_every_field_has_a_row(field: str) -> None:
    firsts = [row.split(" | ")[0] for row in FIELDS.splitlines() if row.startswith("| ")]
    assert any(f"`{field}`" in first for first in firsts)


@pytest.mark.parametrize(
    "kind",
    [
        kind
        for member in get_args(tool_param.ToolParam)
        for kind in get_args(get_type_hints(member)["type"])
        if kind not in ("function", "custom") and not kind.startswith("web_search")
    ],
)
def test_hosted_tools_are_refused_by_name(kind: str) -> None:
    body = b'{"model":"m","input":"x","tools":[{"type":"%s"}]}' % kind.encode()
    with pytest.raises(Exception, match=f"tools\\[0\\]: .* '{kind}'"):
        DIALECT.read_request(body)
