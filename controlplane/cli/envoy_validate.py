"""Asks the Envoy binary itself whether it takes a configuration."""

from __future__ import annotations

import base64
import json
import re
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from controlplane.cli.errors import EnvironmentFault
from controlplane.compiler import Compiled
from controlplane.plan import Plan
from controlplane.xds.static import static_bootstrap
from protos.binary import envoy_binary

REDACTED: Final = "[redacted]"

_MEMORY: Final = Path("/dev/shm")  # noqa: S108 - secrets shall touch no disk; the file never has a name there
_LONGEST_WAIT: Final = 120.0
"""Seconds; Envoy needs less than one."""
_LONGEST_REASON: Final = 500
_PREFIX: Final = re.compile(r"^.*?error initializing configuration '[^']*': ", re.DOTALL)
_CONSTRAINT: Final = "Proto constraint validation failed"


def refusal(compiled: Compiled) -> str | None:
    """Why Envoy refuses, in its own words on one line, without secrets; None: it accepts.

    Raises: EnvironmentFault if Envoy cannot be asked.
    """
    document = json.dumps(static_bootstrap(compiled.resources), separators=(",", ":"))
    code, output = _run(document)
    if code == 0:
        return None
    if code < 0:
        raise EnvironmentFault(f"Envoy died from signal {-code} while it looked at the configuration")
    return without_secrets(reason(output, document), compiled.plan)[:_LONGEST_REASON]


def reason(output: str, document: str) -> str:
    """What Envoy said, without the configuration that it prints first or last, in its own form or ours."""
    if _CONSTRAINT in output:
        said = _CONSTRAINT + output.rpartition(_CONSTRAINT)[2]
    else:
        said = _PREFIX.sub("", output.replace(document, "")).rstrip().removesuffix(":")
    return " ".join(said.split()) or "it did not say why"


def without_secrets(text: str, plan: Plan) -> str:
    for secret in _secrets(plan):
        text = text.replace(secret, REDACTED)
    return text


def _secrets(plan: Plan) -> Iterator[str]:
    """Every secret in every form that it has in `static_bootstrap`."""
    yield from (secret.reveal() for secret in plan.secrets.values())
    for leaf in plan.leaves:
        if leaf.signing is not None and leaf.signing.keys is not None:
            yield from (secret.reveal() for secret in leaf.signing.keys.secrets())
    if plan.listener.tls is not None:
        yield base64.b64encode(plan.listener.tls.key.reveal().encode()).decode()


def _run(document: str) -> tuple[int, str]:
    """Envoy's exit status and what it logged.

    The document holds secrets in clear, so it goes into a file without a name, which is gone with this
    process however that ends; Envoy reads no path below /dev but those of open files.
    """
    try:
        binary = envoy_binary()
    except FileNotFoundError as error:
        raise EnvironmentFault(str(error)) from error
    with tempfile.TemporaryFile(dir=_MEMORY if _MEMORY.is_dir() else None) as file:
        file.write(document.encode())
        file.seek(0)
        handle = file.fileno()
        try:
            ended = subprocess.run(  # noqa: S603 - the binary that the user chose
                [binary, "--mode", "validate", "-c", f"/dev/fd/{handle}", "-l", "critical"],
                pass_fds=(handle,),
                stdin=subprocess.DEVNULL,
                capture_output=True,
                timeout=_LONGEST_WAIT,
                check=False,
            )
        except OSError as error:
            raise EnvironmentFault(f"cannot run {binary}: {error.strerror}") from error
        except subprocess.TimeoutExpired as error:
            raise EnvironmentFault(f"Envoy has not answered within {_LONGEST_WAIT:.0f} s") from error
    return ended.returncode, ended.stderr.decode(errors="replace")
