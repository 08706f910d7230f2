"""``llm-gateway demo``."""

from __future__ import annotations

import asyncio
import logging
import shutil
import sys

import click
import openai

from controlplane.cli.errors import EnvironmentFault
from controlplane.cli.logs import log_to_stderr
from controlplane.cli.main import NAME
from controlplane.demo import demo as run_demo
from controlplane.group.child import CrashLoop
from controlplane.group.supervisor import ConfigError, StartError


@click.command()
@click.option(
    "--port", type=click.IntRange(1, 65535), default=8080, show_default=True, help="Another if it is taken."
)
@click.option("--once", is_flag=True, help="End after the opening run.")
def demo(port: int, once: bool) -> None:
    """Simulated providers, a gateway in front of them, and a tour with the OpenAI client. Needs no keys."""
    log_to_stderr(logging.ERROR)
    try:
        asyncio.run(run_demo(port, _command(), _say, once=once))
    except (ConfigError, StartError, CrashLoop, OSError, RuntimeError) as error:
        raise EnvironmentFault(str(error)) from error
    except openai.OpenAIError as error:
        raise EnvironmentFault(f"the opening run failed: {error}") from error


def _command() -> str:
    """How this program was called, unless it is on the PATH: `make demo` calls the one in .venv."""
    called = sys.argv[0]
    return NAME if shutil.which(NAME) == called else called


def _say(line: str) -> None:
    click.echo(click.style(line, bold=True) if line.startswith("\n==") else line)
