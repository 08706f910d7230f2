"""Real files, every way in which they are replaced."""

# ruff: noqa: ASYNC240 - the tests are the only thing that runs

from __future__ import annotations

import asyncio
import contextlib
import os
import shutil
from pathlib import Path

import pytest

from controlplane.watch import FileWatch, watch

PATIENCE = 15.0


class Watching:
    """Runs the iteration beside the test."""

    def __init__(self, files: FileWatch) -> None:
        self.files = files
        self._queue: asyncio.Queue[frozenset[Path]] = asyncio.Queue()
        self._task = asyncio.create_task(self._run())

    async def _run(self) -> None:
        async for changed in self.files:
            await self._queue.put(changed)

    async def next(self) -> set[Path]:
        getting = asyncio.ensure_future(self._queue.get())
        await asyncio.wait({getting, self._task}, timeout=PATIENCE, return_when=asyncio.FIRST_COMPLETED)
        if not getting.done():
            getting.cancel()
            self._task.result()
        return set(await getting)

    async def close(self) -> None:
        self._task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await self._task


@contextlib.asynccontextmanager
async def watching(*paths: Path):
    running = Watching(watch(paths))
    try:
        yield running
    finally:
        await running.close()


async def settled(running: Watching, sentinel: Path) -> None:
    """The watcher runs: it has told a change made now."""
    sentinel.write_text(str(os.urandom(8)))
    assert await running.next() == {sentinel}


@pytest.fixture
def sentinel(tmp_path: Path) -> Path:
    path = tmp_path / "sentinel"
    path.write_text("")
    return path


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "gateway.yaml"
    path.write_text("one")
    return path


async def test_written_in_place(file: Path, sentinel: Path):
    async with watching(file, sentinel) as running:
        await settled(running, sentinel)
        file.write_text("two")
        assert await running.next() == {file}


async def test_another_file_renamed_over_it(file: Path, sentinel: Path):
    async with watching(file, sentinel) as running:
        await settled(running, sentinel)
        for text in ("two", "six"):
            new = file.with_suffix(".new")
            new.write_text(text)
            new.rename(file)
            assert await running.next() == {file}


async def test_deleted_and_made_again(file: Path, sentinel: Path):
    async with watching(file, sentinel) as running:
        await settled(running, sentinel)
        file.unlink()
        assert await running.next() == {file}
        file.write_text("one")
        assert await running.next() == {file}


async def test_a_file_that_comes_later(tmp_path: Path, sentinel: Path):
    path = tmp_path / "later"
    async with watching(path, sentinel) as running:
        await settled(running, sentinel)
        path.write_text("")
        assert await running.next() == {path}


async def test_nothing_is_told_unless_content_changed(file: Path, sentinel: Path):
    async with watching(file, sentinel) as running:
        await settled(running, sentinel)
        file.chmod(0o600)
        file.write_text("one")
        new = file.with_suffix(".new")
        new.write_text("one")
        new.rename(file)
        file.with_name("neighbour").write_text("x")
        # Had any of it counted, it would come before or with this.
        await settled(running, sentinel)


async def test_two_files_changed_at_once_are_told_at_once(file: Path, sentinel: Path):
    async with watching(file, sentinel) as running:
        await settled(running, sentinel)
        file.write_text("two")
        sentinel.write_text("two")
        assert await running.next() == {file, sentinel}


def mount(folder: Path, generation: str, text: str) -> None:
    """Write a new generation as kubelet does: a new directory, then ``..data`` swapped for it."""
    data = folder / f"..{generation}"
    data.mkdir()
    (data / "gateway.yaml").write_text(text)
    (folder / "..data_tmp").symlink_to(data.name)
    old = (folder / "..data").readlink() if (folder / "..data").is_symlink() else None
    (folder / "..data_tmp").rename(folder / "..data")
    if old:
        shutil.rmtree(folder / old)


async def test_kubernetes_swaps_the_data_link(tmp_path: Path, sentinel: Path):
    folder = tmp_path / "mount"
    folder.mkdir()
    mount(folder, "2026_01", "one")
    file = folder / "gateway.yaml"
    file.symlink_to("..data/gateway.yaml")
    async with watching(file, sentinel) as running:
        await settled(running, sentinel)
        for number, text in enumerate(("two", "six")):
            mount(folder, f"2026_1{number}", text)
            assert await running.next() == {file}
        mount(folder, "2026_20", "six")
        await settled(running, sentinel)


async def test_the_target_of_a_symlink_changes(tmp_path: Path, sentinel: Path):
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    target = elsewhere / "real.yaml"
    target.write_text("one")
    middle = tmp_path / "links"
    middle.symlink_to(elsewhere)
    file = tmp_path / "folder" / "gateway.yaml"
    file.parent.mkdir()
    file.symlink_to("../links/real.yaml")
    async with watching(file, sentinel) as running:
        await settled(running, sentinel)
        target.write_text("two")
        assert await running.next() == {file}
        other = tmp_path / "other"
        other.mkdir()
        (other / "real.yaml").write_text("six")
        (tmp_path / "new").symlink_to(other.resolve())
        (tmp_path / "new").rename(middle)
        assert await running.next() == {file}
        (other / "real.yaml").write_text("ten")
        assert await running.next() == {file}


async def test_a_missing_directory_is_waited_for(tmp_path: Path, sentinel: Path):
    file = tmp_path / "not" / "yet" / "gateway.yaml"
    async with watching(file, sentinel) as running:
        await settled(running, sentinel)
        file.parent.mkdir(parents=True)
        file.write_text("one")
        assert await running.next() == {file}
        shutil.rmtree(tmp_path / "not")
        assert await running.next() == {file}
        file.parent.mkdir(parents=True)
        file.write_text("one")
        assert await running.next() == {file}


async def test_a_directory_is_swapped_for_another(file: Path, tmp_path: Path, sentinel: Path):
    inner = tmp_path / "inner" / "folder"
    inner.mkdir(parents=True)
    moved = inner / "gateway.yaml"
    moved.write_text("one")
    async with watching(moved, sentinel) as running:
        await settled(running, sentinel)
        inner.rename(tmp_path / "away")
        assert await running.next() == {moved}
        (tmp_path / "away" / "gateway.yaml").write_text("two")
        (tmp_path / "away").rename(inner)
        assert await running.next() == {moved}


async def test_another_set_of_files_while_it_runs(file: Path, tmp_path: Path, sentinel: Path):
    secret = tmp_path / "secrets" / "key"
    secret.parent.mkdir()
    secret.write_text("k1")
    async with watching(file, sentinel) as running:
        await settled(running, sentinel)
        running.files.replace([secret, sentinel])
        assert running.files.paths == {secret, sentinel}
        file.write_text("not watched any more")
        secret.write_text("k2")
        assert await running.next() == {secret}
        await settled(running, sentinel)


async def test_a_change_before_the_first_look_counts(file: Path):
    files = watch([file])
    file.write_text("two")
    running = Watching(files)
    assert await running.next() == {file}
    await running.close()


async def test_a_change_just_before_the_set_is_replaced_is_told(file: Path, sentinel: Path):
    files = watch([file])
    file.write_text("two")
    files.replace([file, sentinel])
    running = Watching(files)
    assert await running.next() == {file}
    await running.close()


async def test_a_directory_where_a_file_should_be(tmp_path: Path, sentinel: Path):
    path = tmp_path / "gateway.yaml"
    path.mkdir()
    async with watching(path, sentinel) as running:
        await settled(running, sentinel)
        path.rmdir()
        assert await running.next() == {path}


async def test_a_symlink_to_itself(tmp_path: Path, sentinel: Path):
    path = tmp_path / "loop"
    path.symlink_to(path)
    async with watching(path, sentinel) as running:
        await settled(running, sentinel)
        path.unlink()
        path.write_text("one")
        assert await running.next() == {path}
