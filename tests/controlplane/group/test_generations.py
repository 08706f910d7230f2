"""The last good files: exchanged whole, and never used when damaged."""

from pathlib import Path

import pytest

from controlplane.group.generations import CURRENT, read, write

ONE, TWO = {"a": b"1", "b": b"2"}, {"a": b"3"}


def test_what_is_written_is_read(tmp_path: Path) -> None:
    directory = tmp_path / "last-good"
    write(directory, ONE)
    assert read(directory) == ONE
    write(directory, TWO)
    assert read(directory) == TWO


def test_only_the_current_one_is_kept_and_nobody_else_may_read_it(tmp_path: Path) -> None:
    for files in (ONE, TWO, ONE):
        write(tmp_path, files)
    link = tmp_path / CURRENT
    assert {path.name for path in tmp_path.iterdir()} == {CURRENT, link.readlink().name}
    assert link.stat().st_mode & 0o777 == 0o700
    assert {path.stat().st_mode & 0o777 for path in link.iterdir()} == {0o600}


def test_nothing_there(tmp_path: Path) -> None:
    assert read(tmp_path) is None
    assert read(tmp_path / "gone") is None


@pytest.mark.parametrize("content", [b"", b"1x", b"2"])
def test_a_changed_file_is_noticed(tmp_path: Path, content: bytes) -> None:
    write(tmp_path, ONE)
    (tmp_path / CURRENT / "a").write_bytes(content)
    assert read(tmp_path) is None


def test_a_file_that_is_gone_is_noticed(tmp_path: Path) -> None:
    write(tmp_path, ONE)
    (tmp_path / CURRENT / "a").unlink()
    assert read(tmp_path) is None


@pytest.mark.parametrize("manifest", [b"", b"[", b"[]", b'{"a": 1}'])
def test_a_broken_manifest(tmp_path: Path, manifest: bytes) -> None:
    write(tmp_path, ONE)
    (tmp_path / CURRENT / "manifest.json").write_bytes(manifest)
    assert not read(tmp_path)


def test_what_cannot_be_written_leaves_the_last_one(tmp_path: Path) -> None:
    write(tmp_path, ONE)
    with pytest.raises(OSError):
        write(tmp_path, {"no/such/directory": b""})
    assert read(tmp_path) == ONE
    assert len(list(tmp_path.iterdir())) == 2
