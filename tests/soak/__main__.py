"""See the package. Exit status 1: something is wrong."""

from __future__ import annotations

import argparse

import uvloop

from tests.soak.report import problems, table
from tests.soak.run import soak


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.soak", description=__doc__)
    parser.add_argument("--requests", type=int, default=200_000)
    arguments = parser.parse_args()
    run = uvloop.run(soak(arguments.requests, lambda line: print(line, flush=True)))
    print("\n".join(["", *table(run)]))
    found = problems(run)
    for problem in found:
        print(f"WRONG  {problem}")
    raise SystemExit(1 if found else 0)


if __name__ == "__main__":
    main()
