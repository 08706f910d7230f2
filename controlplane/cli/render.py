"""``llm-gateway render``."""

from __future__ import annotations

from pathlib import Path

import click

from controlplane.cli.inputs import compiled
from controlplane.cli.options import config_option
from controlplane.render import resources_yaml


@click.command()
@config_option
def render(config: tuple[Path, ...]) -> None:
    """Print the xDS resources that Envoy is told, as YAML; secrets are shown as [redacted]."""
    (result,) = compiled(config)
    click.echo(resources_yaml(result.resources), nl=False)
