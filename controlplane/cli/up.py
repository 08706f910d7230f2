"""``llm-gateway up``. It becomes the supervisor, so it imports as little as that."""

from __future__ import annotations

import asyncio
import logging
from pathlib import Path

import click

from controlplane.cli.errors import EnvironmentFault, InputError
from controlplane.cli.logs import log_to_stderr
from controlplane.cli.options import config_option
from controlplane.group.child import CrashLoop
from controlplane.group.supervisor import ConfigError, Options, StartError
from controlplane.group.supervisor import up as run_up


@click.command()
@config_option
@click.option(
    "--workers", type=click.IntRange(1, 64), default=2, show_default=True, help="ext_proc processes."
)
@click.option(
    "--concurrency",
    type=click.IntRange(1, 256),
    default=None,
    help="Envoy's worker threads.  [default: one a core]",
)
@click.option(
    "--drain",
    type=click.FloatRange(min=0),
    default=30.0,
    show_default=True,
    help="Seconds that running requests may take after SIGTERM.",
)
def up(config: tuple[Path, ...], workers: int, concurrency: int | None, drain: float) -> None:
    """Run Envoy, the ext_proc workers and the control plane as one group.

    Whatever dies is started again. SIGTERM or Ctrl-C drains; a second one does not wait.
    """
    log_to_stderr(logging.INFO)
    try:
        asyncio.run(run_up(Options(config, workers, concurrency, drain), _ready))
    except ConfigError as error:
        raise InputError(str(error)) from error
    except (StartError, CrashLoop, OSError) as error:
        raise EnvironmentFault(str(error)) from error


def _ready(url: str) -> None:
    click.echo(f"ready: {url}")
