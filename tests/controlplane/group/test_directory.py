"""The private directory: where it is, who may read it, and which ones of others are removed."""

import os
import subprocess
import sys
import time
from pathlib import Path
from tempfile import TemporaryDirectory

from controlplane.group.directory import PREFIX, bases, private_directory

CHILD = """
import sys, time
from pathlib import Path
from controlplane.group.directory import private_directory
with private_directory([Path(sys.argv[1])]) as places:
    print(places.root, flush=True)
    time.sleep(60)
"""


def test_memory_comes_before_disks() -> None:
    with TemporaryDirectory() as runtime, TemporaryDirectory() as user:
        found = bases({"RUNTIME_DIRECTORY": f"{runtime}:{user}", "XDG_RUNTIME_DIR": user})
        assert found[:2] == [Path(runtime), Path(user)]
    assert bases({"XDG_RUNTIME_DIR": user})[0] != Path(user)


def test_a_path_too_long_for_sockets_is_not_taken(tmp_path: Path) -> None:
    long = tmp_path / ("x" * 100)
    long.mkdir()
    assert long not in bases({"XDG_RUNTIME_DIR": str(long)})


def test_it_is_private_and_gone_afterwards(tmp_path: Path) -> None:
    with private_directory([tmp_path]) as places:
        assert places.root.stat().st_mode & 0o777 == 0o700
        assert places.metrics.is_dir()
    assert list(tmp_path.iterdir()) == []


def test_that_of_a_killed_group_goes_and_that_of_a_living_one_stays(tmp_path: Path) -> None:
    with private_directory([tmp_path]) as living:
        with subprocess.Popen(
            [sys.executable, "-c", CHILD, str(tmp_path)], stdout=subprocess.PIPE, text=True
        ) as process:
            assert process.stdout is not None
            other = Path(process.stdout.readline().strip())
            with private_directory([tmp_path]):
                assert other.exists()
            process.kill()
        assert other.exists()
        with private_directory([tmp_path]):
            assert not other.exists()
            assert living.root.exists()


def test_a_directory_without_a_lock_is_given_time(tmp_path: Path) -> None:
    being_made, old = tmp_path / f"{PREFIX}new", tmp_path / f"{PREFIX}old"
    being_made.mkdir()
    old.mkdir()
    os.utime(old, (time.time() - 3600,) * 2)
    with private_directory([tmp_path]):
        assert being_made.exists()
        assert not old.exists()


def test_symlinks_and_others_are_left_alone(tmp_path: Path) -> None:
    target = tmp_path / "elsewhere"
    target.mkdir()
    os.utime(target, (time.time() - 3600,) * 2)
    (tmp_path / f"{PREFIX}link").symlink_to(target)
    (tmp_path / f"{PREFIX}file").touch()
    with private_directory([tmp_path]):
        pass
    assert sorted(path.name for path in tmp_path.iterdir()) == [
        "elsewhere",
        f"{PREFIX}file",
        f"{PREFIX}link",
    ]
