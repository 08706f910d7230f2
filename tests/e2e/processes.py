"""What runs: the processes of a group, as the kernel knows them."""

from __future__ import annotations

import contextlib
from pathlib import Path


def children(pid: int) -> dict[str, list[int]]:
    """The group's processes by what they are, of the supervisor `pid`; oldest first."""
    found: dict[str, list[int]] = {"envoy": [], "extproc": [], "control plane": []}
    for entry in Path("/proc").iterdir():
        with contextlib.suppress(OSError, ValueError, IndexError):
            stat = (entry / "stat").read_text().rpartition(")")[2].split()
            if int(stat[1]) == pid and stat[0] != "Z":
                found[_kind((entry / "cmdline").read_bytes().split(b"\0"))].append(int(entry.name))
    return {kind: sorted(pids) for kind, pids in found.items()}


def _kind(command: list[bytes]) -> str:
    if b"extproc" in command:
        return "extproc"
    return "control plane" if b"controlplane" in command else "envoy"


def alive(pid: int) -> bool:
    """It runs; a zombie does not."""
    try:
        return (Path("/proc") / str(pid) / "stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def group_directory(pid: int) -> Path:
    """The private directory of the group with the supervisor `pid`."""
    (control_plane,) = children(pid)["control plane"]
    command = Path(f"/proc/{control_plane}/cmdline").read_text().split("\0")
    return Path(command[command.index("--directory") + 1])
