"""``llm-gateway``: the command line. Each command is a module of its own, loaded when it is asked for."""

from __future__ import annotations

import importlib
import os
import sys
from collections.abc import Mapping, Sequence
from typing import Any, Final

import click

from controlplane.cli.errors import EnvironmentFault
from controlplane.cli.guard import exit_status

NAME: Final = "llm-gateway"

COMMANDS: Final[Mapping[str, str]] = {
    "demo": "Try it: simulated providers and a gateway in front of them.",
    "up": "Run the gateway: control plane, workers and Envoy.",
    "check": "Report every problem of a configuration, with its line.",
    "explain": "Say what happens to a request for a model, and why.",
    "render": "Print what Envoy is told, without secrets.",
    "diff": "Say what an edit changes.",
    "status": "Say how the running gateway is.",
    "bootstrap": "Print what an Envoy that runs elsewhere starts with.",
    "schema": "Print the JSON Schema of the YAML, for editors.",
}
"""Name -> help. The command NAME is the object of that name in the module ``controlplane.cli.NAME``."""


class Gateway(click.Group):
    """Knows the names of its commands without importing them."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 - click's signature
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002 - same
        if cmd_name not in COMMANDS:
            return None
        try:
            module = importlib.import_module(f"controlplane.cli.{cmd_name}")
        except ImportError as error:
            raise EnvironmentFault(f"{NAME} {cmd_name} cannot be loaded: {error}") from error
        command: click.Command = getattr(module, cmd_name)
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:  # noqa: ARG002
        with formatter.section("Commands"):
            formatter.write_dl(list(COMMANDS.items()))

    def main(self, args: Sequence[str] | None = None, **extra: Any) -> Any:  # type: ignore[override]
        """One command line, then the end of the process: 0 fine, 1 the input is wrong, 2 the machine is."""
        extra |= {"prog_name": NAME, "standalone_mode": False}
        sys.exit(exit_status(lambda: click.Group.main(self, args, **extra)))


@click.group(
    cls=Gateway, invoke_without_command=True, context_settings={"help_option_names": ["-h", "--help"]}
)
@click.version_option(package_name="llm-inference-gateway", prog_name=NAME, message="%(prog)s %(version)s")
@click.pass_context
def cli(ctx: click.Context) -> None:
    """One OpenAI-compatible endpoint in front of every LLM provider.

    Exit status: 0 fine, 1 what you gave is wrong, 2 the environment is.
    """
    if os.environ.get("NO_COLOR"):  # https://no-color.org
        ctx.color = False
    if ctx.invoked_subcommand is None:
        click.echo(ctx.get_help())


def main() -> None:
    """The console script."""
    cli.main()
