"""What processes hold, as the kernel counts it."""

from __future__ import annotations

import contextlib
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Held:
    """By one process. rss, pss: MiB; pss shares pages among those that map them. files: open descriptors."""

    rss: float
    pss: float
    files: int


def held(pid: int) -> Held:
    """Raises: OSError: it has ended."""
    process = Path("/proc") / str(pid)
    sizes = {
        name: int(rest.split()[0]) / 1024
        for name, _, rest in (
            line.partition(":") for line in (process / "smaps_rollup").read_text().splitlines()[1:]
        )
    }
    return Held(sizes["Rss"], sizes["Pss"], len(list((process / "fd").iterdir())))


def of_group(supervisor: int, children: dict[str, list[int]]) -> dict[str, Held]:
    """Of each process, by what it is."""
    pids = {"supervisor": supervisor}
    for kind, found in children.items():
        pids |= {f"{kind} {number}" if len(found) > 1 else kind: pid for number, pid in enumerate(found)}
    result: dict[str, Held] = {}
    for name, pid in pids.items():
        with contextlib.suppress(OSError):
            result[name] = held(pid)
    return result


def total(held: dict[str, Held]) -> Held:
    values = held.values()
    return Held(sum(v.rss for v in values), sum(v.pss for v in values), sum(v.files for v in values))
