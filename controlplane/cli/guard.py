"""The edge of the command line: whatever goes wrong below becomes lines on stderr and an exit status."""

from __future__ import annotations

import os
import traceback
from collections.abc import Callable
from typing import Final

import click

from controlplane.cli.errors import ENVIRONMENT, USER, CommandError, print_errors

DEBUG: Final = "LLM_GATEWAY_DEBUG"
"""Environment variable; with 1 an unexpected error shows its traceback."""
INTERRUPTED: Final = 130
"""128 + SIGINT, as shells have it."""


def exit_status(command: Callable[[], object]) -> int:
    """Runs `command`; 0 if it ends well. What it returns counts only if it is an exit status (``--help``)."""
    try:
        returned = command()
    except CommandError as error:
        print_errors(str(error).splitlines())
        return error.exit_code
    except click.UsageError as error:
        print_errors([_usage(error)])
        return USER
    except click.Abort:
        return INTERRUPTED
    except OSError as error:
        _debug()
        print_errors([f"{error.filename}: {error.strerror}" if error.filename else error.strerror or error])
        return ENVIRONMENT
    except Exception as error:  # noqa: BLE001 - the last line of defence: users get a line, never a traceback
        _debug()
        print_errors([f"internal error: {type(error).__name__}: {error}; {DEBUG}=1 shows where"])
        return ENVIRONMENT
    return returned if isinstance(returned, int) else 0


def _usage(error: click.UsageError) -> str:
    command = error.ctx.command_path if error.ctx else ""
    return f"{command}: {error.format_message().rstrip('.')}; see {command} --help"


def _debug() -> None:
    if os.environ.get(DEBUG) == "1":
        traceback.print_exc()
