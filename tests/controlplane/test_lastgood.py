"""The configuration that was in force, for the next process."""

from pathlib import Path

import pytest

from controlplane.ads.server import Endpoint
from controlplane.gateway import ControlPlane
from controlplane.lastgood import LastGood
from controlplane.xds.bootstrap import BootstrapPlan
from tests.controlplane.compiling import ENVIRONMENT, LOOPBACK, PROVIDERS, FilesAndSecrets

PLAN = BootstrapPlan(node_id="n", ads="unix:/ads", admin="unix:/admin")
GOOD = f"{LOOPBACK}\n{PROVIDERS}\nmodels: {{a: {{target: openai/a}}}}\n"


class Kept:
    """A control plane's lives, one after the other."""

    def __init__(self, directory: Path) -> None:
        self.file = directory / "gateway.yaml"
        self.file.write_text(GOOD)
        self.directory = directory / "last-good"

    def life(self) -> ControlPlane:
        last_good = LastGood(self.directory, PLAN)
        return ControlPlane([self.file], FilesAndSecrets(), ENVIRONMENT, Endpoint(), last_good)


async def accept(life: ControlPlane) -> None:
    """What it serves is in force, and kept."""
    assert life.compiled is not None
    kept = life.keep(life.compiled.snapshot.version)
    assert kept is not None
    await kept


@pytest.fixture
async def kept(tmp_path: Path) -> Kept:
    """After a life in which GOOD was in force."""
    kept = Kept(tmp_path)
    first = kept.life()
    assert not first.recall()
    first.load()
    await accept(first)
    return kept


def test_a_broken_file_is_served_as_it_was(kept: Kept) -> None:
    kept.file.write_text("models: [")
    second = kept.life()
    assert second.recall()
    second.load()
    assert second.failing is not None
    current = second.ads.publisher.current
    assert current is not None
    assert second.compiled is not None
    assert current.version == second.compiled.snapshot.version
    kept.file.write_text(GOOD.replace("{a:", "{b:"))
    second.load()
    assert second.failing is None
    assert second.ads.publisher.current != current


def test_a_good_file_comes_before_what_was_kept(kept: Kept) -> None:
    kept.file.write_text(GOOD.replace("{a:", "{b:"))
    second = kept.life()
    second.recall()
    second.load()
    assert second.compiled is not None
    assert [model.name for model in second.compiled.plan.models] == ["b"]


def test_what_was_not_accepted_is_not_kept(kept: Kept) -> None:
    kept.file.write_text(GOOD.replace("{a:", "{b:"))
    kept.life().load()
    third = kept.life()
    third.recall()
    assert third.compiled is not None
    assert [model.name for model in third.compiled.plan.models] == ["a"]


async def test_another_version_than_the_newest_is_not_kept(kept: Kept) -> None:
    life = kept.life()
    life.load()
    assert life.keep("rolled back to") is None


def test_what_another_program_made_is_not_used(kept: Kept, caplog: pytest.LogCaptureFixture) -> None:
    files = LastGood(kept.directory, PLAN).read()
    assert files is not None
    LastGood(kept.directory, PLAN).exchange({**files, "version": b"another"})
    assert not kept.life().recall()
    assert "another version of this program" in caplog.text


@pytest.mark.parametrize("damage", [b"", b"{}", b"[]"])
def test_damage_is_told_and_survived(kept: Kept, damage: bytes, caplog: pytest.LogCaptureFixture) -> None:
    files = LastGood(kept.directory, PLAN).read()
    assert files is not None
    LastGood(kept.directory, PLAN).exchange({**files, "input.json": damage})
    assert not kept.life().recall()
    assert "damaged" in caplog.text


async def test_that_it_cannot_be_written_is_told(kept: Kept, caplog: pytest.LogCaptureFixture) -> None:
    kept.directory.rename(kept.directory.with_name("away"))
    kept.directory.touch()
    life = kept.life()
    life.load()
    await accept(life)
    assert "cannot be kept" in caplog.text


def test_a_bug_in_the_compiler_leaves_what_works(
    kept: Kept, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def broken(*_: object) -> None:
        raise RecursionError("deep")

    life = kept.life()
    life.recall()
    monkeypatch.setattr("controlplane.gateway.compile_files", broken)
    (problem,) = life.load().problems
    assert "internal error: RecursionError: deep" in str(problem)
    assert life.ads.publisher.current is not None
    assert "cannot be compiled" in caplog.text
