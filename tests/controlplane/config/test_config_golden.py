"""tests/golden/problems: each YAML file and what `check` says about it."""

from pathlib import Path

import pytest

from controlplane.config.load import load
from tests.controlplane.config.memory import ENVIRONMENT, MemoryIO

FOLDER = Path(__file__).parents[2] / "golden" / "problems"
SOURCES = sorted(FOLDER.glob("*.yaml"))


@pytest.mark.parametrize("source", SOURCES, ids=lambda path: path.stem)
def test_problems(source: Path, update_golden: bool) -> None:
    result = load([Path(source.name)], MemoryIO({source.name: source.read_bytes()}, ENVIRONMENT))
    lines = [str(problem) for problem in result.problems] + [
        f"warning: {warning}" for warning in result.warnings
    ]
    text = "".join(f"{line}\n" for line in lines)
    expected = source.with_suffix(".expected")
    if update_golden:
        expected.write_text(text)
    assert text == expected.read_text()
    assert (result.config is None) == bool(result.problems)


def test_every_expectation_has_a_source(update_golden: bool) -> None:
    stray = {path for path in FOLDER.glob("*.expected") if path.with_suffix(".yaml") not in SOURCES}
    if update_golden:
        for path in stray:
            path.unlink()
        return
    assert stray == set()


def test_ten_mistakes_give_ten_lines() -> None:
    assert len((FOLDER / "ten_mistakes.expected").read_text().splitlines()) == 10
