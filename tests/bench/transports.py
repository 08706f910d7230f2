"""Which transports this checkout's ext_proc has."""

from __future__ import annotations

import re
import subprocess
import sys
from typing import Final

from tests.bench.rows import SLOW_TRANSPORT

UNNAMED: Final = "default"


def transports() -> tuple[list[str], bool]:
    """The transports, the fast one first, and whether there is a choice."""
    asked = [sys.executable, "-P", "-m", "extproc", "serve", "--help"]
    return parse(subprocess.run(asked, capture_output=True, text=True, timeout=30, check=True).stdout)


def parse(usage: str) -> tuple[list[str], bool]:
    """From the usage: ``--transport {h2,grpcio}``; without that flag there is one, and it has no name."""
    found = re.search(r"--transport\s+\{([^}]+)\}", usage)
    if not found:
        return [UNNAMED], False
    names = [name.strip() for name in found[1].split(",")]
    return sorted(names, key=lambda name: name == SLOW_TRANSPORT), True
