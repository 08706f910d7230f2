"""``python -m tests.fuzz [--seconds N] [--by-chance] [TARGET...]``

What breaks a target is written to ``--findings`` and ends the run with exit status 1.
"""

from __future__ import annotations

import argparse
import hashlib
import importlib.util
import sys
import time
from pathlib import Path

from tests.fuzz.engine import Found, by_chance, guided, quiet
from tests.fuzz.targets import NAMES, target


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz")
    parser.add_argument("targets", nargs="*", metavar="TARGET", help=f"of {', '.join(NAMES)}; all by default")
    parser.add_argument("--seconds", type=int, default=30, help="for each target")
    parser.add_argument(
        "--by-chance", action="store_true", help="without atheris, even where it is installed"
    )
    parser.add_argument("--findings", type=Path, default=Path("build/fuzz"), help="where breaking inputs go")
    arguments = parser.parse_args()
    if unknown := set(arguments.targets) - set(NAMES):
        parser.error(f"no such target: {', '.join(sorted(unknown))}")
    with_coverage = not arguments.by_chance and importlib.util.find_spec("atheris") is not None
    quiet()
    broken = [
        name
        for name in arguments.targets or NAMES
        if not _run(name, arguments.seconds, arguments.findings / name, with_coverage=with_coverage)
    ]
    return 1 if broken else 0


def _run(name: str, seconds: int, folder: Path, *, with_coverage: bool) -> bool:
    """Whether nothing was found."""
    folder.mkdir(parents=True, exist_ok=True)
    if with_coverage:
        tried, found = guided(name, seconds, folder)
        print(f"{name}: {tried} inputs in {seconds} s, guided by coverage; found: {len(found)}", flush=True)
        for path in found:
            print(f"  {path}", flush=True)
        return not found
    try:
        tried = by_chance(target(name), seconds, seed=time.time_ns())
    except Found as found:
        path = folder / hashlib.sha1(found.data, usedforsecurity=False).hexdigest()
        path.write_bytes(found.data)
        print(f"{name}: {found}\n  {path}", flush=True)
        return False
    print(f"{name}: {tried} inputs in {seconds} s, by chance; found: 0", flush=True)
    return True


if __name__ == "__main__":
    sys.exit(main())
