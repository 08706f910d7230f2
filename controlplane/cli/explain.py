"""``llm-gateway explain``."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

import click

from controlplane.catalogue.models import facts
from controlplane.cli.errors import InputError
from controlplane.cli.inputs import compiled
from controlplane.cli.options import config_option, json_option
from controlplane.explain import NoRoute, explain_request, to_json
from controlplane.explain_text import explanation_text
from extproc.contract.endpoints import ENDPOINTS


def _check_headers(_: click.Context, __: click.Parameter, given: tuple[str, ...]) -> tuple[str, ...]:
    for header in given:
        name, equals, _value = header.partition("=")
        if not (name and equals):
            # Without repeating it: it may be a credential.
            raise click.BadParameter("expected NAME=VALUE, e.g. x-region=eu")
    return given


@click.command()
@config_option
@click.option("--model", required=True, metavar="NAME", help="What the client writes in `model`.")
@click.option(
    "--endpoint",
    type=click.Choice([row.path for row in ENDPOINTS]),
    default=ENDPOINTS[0].path,
    show_default=True,
    help="What the client calls.",
)
@click.option("--stream", is_flag=True, help='The request has "stream": true.')
@click.option(
    "--header", multiple=True, metavar="NAME=VALUE", callback=_check_headers, help="May be repeated."
)
@click.option("--client", metavar="NAME", help="Not supported in this version.")
@json_option
def explain(
    config: tuple[Path, ...],
    *,
    model: str,
    endpoint: str,
    stream: bool,
    header: tuple[str, ...],
    client: str | None,
    as_json: bool,
) -> None:
    """Say what happens to a request for a model: which way it takes, who is asked, what limits it, and why.

    No rule of this version looks at headers, so they change nothing.
    """
    if client is not None:
        raise InputError("--client: clients are not supported in this version")
    (result,) = compiled(config)
    [called] = [row for row in ENDPOINTS if row.path == endpoint]
    explanation = explain_request(
        result.plan, model, endpoint=called, stream=stream, lookup=partial(facts, at=datetime.now(UTC))
    )
    if as_json:
        click.echo(json.dumps(to_json(explanation), indent=2, ensure_ascii=False))
    if isinstance(explanation, NoRoute):
        raise InputError(str(explanation))
    if not as_json:
        click.echo(explanation_text(explanation))
        if header:
            click.echo("headers     not looked at: no rule of this version depends on them")
