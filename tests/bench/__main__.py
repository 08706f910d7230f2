"""``python -m tests.bench [--quick] [--only ROW,…] [--json FILE]``

Exit status: 0 if every row was measured, 1 if one failed, 2 where the benchmark cannot run at all.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import signal
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import NoReturn

from tests.bench import proc, report, wrk
from tests.bench.configs import ConfigError
from tests.bench.machine import machine
from tests.bench.measure import FULL, QUICK, Effort, Measured, measure
from tests.bench.processes import StandError
from tests.bench.rows import Row, rows, select
from tests.bench.stand import Stand, stand
from tests.bench.transports import transports

_CALM = 0.5
"""A load average above it, before we begin, means that others share the machine."""


def main() -> int:
    arguments = _arguments()
    if not wrk.installed():
        return _cannot(wrk.MISSING)
    interruption = Interruption()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, interruption.on_signal)
    known, choice = transports()
    everything = rows(known)
    if arguments.list:
        print("\n".join(row.name for row in everything))
        return 0
    try:
        chosen = select(everything, [name for name in arguments.only.split(",") if name])
        effort = QUICK if arguments.quick else FULL
        if arguments.rounds:
            effort = replace(effort, rounds=arguments.rounds)
        run = _run(chosen, known, effort, interruption, choice=choice)
    except (ValueError, StandError, ConfigError, FileNotFoundError) as error:
        return _cannot(f"bench: {error}")
    except KeyboardInterrupt:
        return _cannot("bench: interrupted")
    print(report.text(run))
    if arguments.json:
        arguments.json.write_text(json.dumps(report.data(run), indent=1) + "\n")
    return 1 if run.problems else 0


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.bench", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="one short round, a minute and a half")
    parser.add_argument("--only", default="", metavar="ROW,…", help="rows by name or pattern, see --list")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write every figure there")
    parser.add_argument("--rounds", type=int, metavar="N", help="how often each row is measured")
    parser.add_argument("--list", action="store_true", help="the names of the rows")
    return parser.parse_args()


class Interruption:
    """SIGINT and SIGTERM end the run at once, or, where an event loop swallows exceptions, after the row."""

    def __init__(self) -> None:
        self._seen = False

    def on_signal(self, *_: object) -> NoReturn:
        self._seen = True
        raise KeyboardInterrupt

    def check(self) -> None:
        if self._seen:
            raise KeyboardInterrupt


def _cannot(why: str) -> int:
    print(why, file=sys.stderr)
    return 2


def _run(
    chosen: Sequence[Row], known: Sequence[str], effort: Effort, interruption: Interruption, *, choice: bool
) -> report.Run:
    about = machine()
    notes = [
        f"{effort.rounds} round(s), medians; ratios within a round. One Envoy worker thread, one ext_proc worker."
    ]
    if not choice:
        notes.append("ext_proc has no choice of transports here: rows run over its only one.")
    if about["load_average"] > _CALM:
        notes.append(
            f"Others use this machine (load average {about['load_average']:.2f}): only ratios count."
        )
    with contextlib.ExitStack() as stack:
        directory = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="bench-")))
        sites = list(dict.fromkeys(row.site for row in chosen))
        brought_up = stack.enter_context(stand(directory, sites, known, choice=choice))
        rounds = [_round(chosen, brought_up, effort, directory, interruption) for _ in range(effort.rounds)]
        memory = {
            name: proc.memory(pid)
            for site in brought_up.sites.values()
            for name, pid in ((f"Envoy {site.name}", site.envoy), (f"worker {site.name}", site.worker))
            if pid
        }
    return report.Run(chosen, rounds, memory, about, notes)


def _round(
    chosen: Sequence[Row], brought_up: Stand, effort: Effort, directory: Path, interruption: Interruption
) -> list[Measured]:
    found = []
    for row in chosen:
        print(f"… {row.name}", file=sys.stderr)
        found.append(measure(row, brought_up.sites[row.site], effort, directory))
        interruption.check()
        if found[-1].problem:
            print(f"  FAILED {found[-1].problem}\n{brought_up.log(row.site)}", file=sys.stderr)
    return found


if __name__ == "__main__":
    sys.exit(main())
