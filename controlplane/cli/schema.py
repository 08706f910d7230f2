"""``llm-gateway schema``."""

from __future__ import annotations

import json

import click

from controlplane.config.json_schema import json_schema


@click.command()
def schema() -> None:
    """Print the JSON Schema of the YAML, for editors and for checks in CI."""
    click.echo(json.dumps(json_schema(), indent=2, ensure_ascii=False))
