"""wrk: as many requests as the machine takes, each connection sending its next one upon the answer."""

from __future__ import annotations

import json
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Final

CONNECTIONS: Final = 16
MISSING: Final = "bench: wrk is missing; on Debian and Ubuntu: apt-get install wrk nghttp2-client"

_TAG: Final = "BENCH "
_DONE: Final = """
done = function(summary, latency, requests)
  local e = summary.errors
  io.write(string.format(
    '%s{"requests":%%d,"microseconds":%%d,"connect":%%d,"read":%%d,"write":%%d,"status":%%d,"timeout":%%d}\\n',
    summary.requests, summary.duration, e.connect, e.read, e.write, e.status, e.timeout))
end
"""


@dataclass(frozen=True, slots=True)
class Summary:
    """errors: what went wrong how often; empty where all was well."""

    requests: int
    seconds: float
    errors: dict[str, int]

    @property
    def problem(self) -> str:
        if self.errors:
            return "wrk: " + ", ".join(f"{count} {kind} errors" for kind, count in self.errors.items())
        return "" if self.requests else "wrk: no request was answered"


def installed() -> bool:
    return shutil.which("wrk") is not None


def script(body: bytes) -> str:
    """The Lua of one row; nothing in it runs once a request."""
    text = body.decode()
    if "]==]" in text:
        raise ValueError("the body would end the Lua string")
    headers = {"content-type": "application/json", "authorization": "Bearer sk-client-of-the-gateway"}
    lines = ['wrk.method = "POST"', f"wrk.body = [==[{text}]==]"]
    lines += [f'wrk.headers["{name}"] = "{value}"' for name, value in headers.items()]
    return "\n".join(lines) + "\n" + _DONE % _TAG


def parse(output: str) -> Summary:
    """Raises: ValueError: wrk did not say how it went."""
    for line in output.splitlines():
        if line.startswith(_TAG):
            told = json.loads(line.removeprefix(_TAG))
            requests, microseconds = told.pop("requests"), told.pop("microseconds")
            errors = {kind: count for kind, count in told.items() if count}
            return Summary(requests, microseconds / 1e6, errors)
    raise ValueError(f"wrk said nothing of use: {output.strip()[-300:]!r}")


def run(port: int, path: str, script_file: Path, seconds: int) -> Summary:
    """Raises: ValueError, OSError, subprocess.TimeoutExpired."""
    url = f"http://127.0.0.1:{port}{path}"
    argv = ["wrk", "-t1", f"-c{CONNECTIONS}", f"-d{seconds}s", "-s", str(script_file), url]
    done = subprocess.run(argv, capture_output=True, text=True, timeout=seconds + 30, check=False)
    return parse(done.stdout + done.stderr)
