"""``llm-gateway diff``."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final

import click

from controlplane.changes import Change, Touched, admin_changes, plan_changes, touched
from controlplane.cli.inputs import compiled
from controlplane.cli.options import json_option

NO_CHANGE: Final = "no change: both give the same gateway; layout, comments and unused providers do not count"
_COLOURS: Final = {"added": "green", "removed": "red", "changed": "yellow"}
_FILES = click.Path(path_type=Path)


@click.command()
@click.option(
    "-c", "--config", type=_FILES, multiple=True, metavar="FILE", help="Twice: the old and the new file."
)
@click.option("--old", type=_FILES, multiple=True, metavar="FILE", help="May be repeated, as -c of `check`.")
@click.option("--new", type=_FILES, multiple=True, metavar="FILE", help="May be repeated, as -c of `check`.")
@json_option
def diff(config: tuple[Path, ...], old: tuple[Path, ...], new: tuple[Path, ...], as_json: bool) -> None:
    """Say what an edit changes for users, and which xDS resources it touches.

    Give -c OLD -c NEW, or --old FILE... --new FILE...
    """
    before, after = compiled(*_sides(config, old, new))
    changes = (
        *plan_changes(before.plan, after.plan),
        *admin_changes(before.config.admin, after.config.admin),
    )
    resources = touched(before.snapshot, after.snapshot)
    if as_json:
        found = {
            "changed": bool(changes or resources),
            "changes": [dataclasses.asdict(change) for change in changes],
            "xds": [dataclasses.asdict(resource) for resource in resources],
        }
        click.echo(json.dumps(found, indent=2, ensure_ascii=False))
    else:
        for line in _lines(changes, resources):
            click.echo(line)


def _sides(
    config: tuple[Path, ...], old: tuple[Path, ...], new: tuple[Path, ...]
) -> tuple[tuple[Path, ...], tuple[Path, ...]]:
    if len(config) == 2 and not (old or new):  # noqa: PLR2004 - the old one and the new one
        return config[:1], config[1:]
    if old and new and not config:
        return old, new
    raise click.UsageError("give -c OLD -c NEW, or --old FILE and --new FILE")


def _lines(changes: Sequence[Change], resources: Sequence[Touched]) -> Iterator[str]:
    if not (changes or resources):
        yield NO_CHANGE
    for change in changes:
        subject = f"{change.subject} {change.name}".rstrip()
        yield f"{subject}: {click.style(change.action, fg=_COLOURS[change.action])}"
        yield from (f"  {detail}" for detail in change.details)
    if resources:
        yield "envoy"
    for resource in resources:
        for action in ("added", "changed", "removed"):
            for name in getattr(resource, action):
                yield f"  {resource.service:4} {click.style(f'{action:7}', fg=_COLOURS[action])} {name}"
