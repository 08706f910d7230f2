"""``llm-gateway check``."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Sequence, Sized
from pathlib import Path

import click

from controlplane.cli.envoy_validate import refusal
from controlplane.cli.errors import InputError, print_warnings
from controlplane.cli.inputs import compile_paths
from controlplane.cli.options import config_option, json_option
from controlplane.compiler import Compiled
from controlplane.config.load import LoadResult
from controlplane.config.problems import Problem


@click.command()
@config_option
@click.option("--envoy", is_flag=True, help="Let Envoy look at the result too (envoy --mode validate).")
@json_option
def check(config: tuple[Path, ...], envoy: bool, as_json: bool) -> None:
    """Report every problem of a configuration, each on a line that begins with FILE:LINE:COLUMN."""
    loaded, result = compile_paths(config)
    problems = list(loaded.problems)
    if envoy and result is not None:
        problems += _asked_envoy(loaded, result)
    if as_json:
        click.echo(_json(problems, loaded.warnings))
    else:
        print_warnings(loaded.warnings)
    if problems:
        raise InputError("" if as_json else "\n".join(map(str, problems)))
    if result is not None and not as_json:
        click.echo(_summary(config, result, envoy=envoy))


def _asked_envoy(loaded: LoadResult, result: Compiled) -> list[Problem]:
    reason = refusal(result)
    return [] if reason is None else [loaded.problem((), f"Envoy refuses the configuration: {reason}")]


def _json(problems: Sequence[Problem], warnings: Sequence[Problem]) -> str:
    found = {
        "ok": not problems,
        "problems": [dataclasses.asdict(problem) for problem in problems],
        "warnings": [dataclasses.asdict(warning) for warning in warnings],
    }
    return json.dumps(found, indent=2, ensure_ascii=False)


def _summary(paths: Sequence[Path], result: Compiled, *, envoy: bool) -> str:
    parts = [_count(result.config.providers, "provider"), _count(result.config.models, "model")]
    if result.loaded.warnings:
        parts.append(_count(result.loaded.warnings, "warning"))
    if envoy:
        parts.append("accepted by Envoy")
    return f"{', '.join(map(str, paths))}: ok: {', '.join(parts)}"


def _count(things: Sized, name: str) -> str:
    return f"{len(things)} {name}{'' if len(things) == 1 else 's'}"
