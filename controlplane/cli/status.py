"""``llm-gateway status``: one look at the running gateway."""

from __future__ import annotations

import json
import urllib.error
import urllib.request
from collections.abc import Iterator
from typing import Any

import click

from controlplane.cli.errors import EnvironmentFault

_TIMEOUT = 10.0


@click.command()
@click.option(
    "--admin",
    default="http://127.0.0.1:9901",
    show_default=True,
    metavar="URL",
    help="The gateway's admin listener.",
)
@click.option("--json", "as_json", is_flag=True, help="Everything, for scripts.")
def status(admin: str, as_json: bool) -> None:
    """Configuration, Envoys, providers' health and breakers, recent errors of the running gateway.

    Exit status 1: the files as they are now are not in force.
    """
    found = _fetch(admin.rstrip("/") + "/status")
    if as_json:
        click.echo(json.dumps(found, indent=2))
    else:
        for line in _lines(found):
            click.echo(line)
    if not found["config"]["in_force"]:
        raise SystemExit(1)


def _fetch(url: str) -> dict[str, Any]:
    if not url.startswith(("http://", "https://")):
        raise EnvironmentFault(f"{url}: expected a URL that begins with http:// or https://")
    try:
        with urllib.request.urlopen(url, timeout=_TIMEOUT) as response:  # noqa: S310 - checked above
            found: dict[str, Any] = json.load(response)
    except (urllib.error.URLError, OSError, ValueError) as error:
        reason = getattr(error, "reason", error)
        raise EnvironmentFault(f"no gateway answers at {url}: {reason}") from error
    return found


def _lines(found: dict[str, Any]) -> Iterator[str]:
    yield from _config(found["config"])
    yield from _group(found["group"])
    for envoy in found["envoys"]:
        yield f"envoy     {envoy['id']}  {envoy['version']}  has {envoy['config_version'] or 'nothing yet'}"
        for name, state in sorted(envoy["types"].items()):
            yield f"            {name:<20} {_ack(state)}"
    if not found["envoys"] and not _from_files(found["group"]):
        yield click.style("envoy     none is connected", fg="red")
    for worker in found["ext_proc"] or ():
        yield f"ext_proc  {worker['address']}  {_health(worker)}  active {worker['active_requests']}"
    for name, provider in sorted(found["providers"].items()):
        for host in provider["endpoints"]:
            yield f"provider  {name:<20} {_host(host)}"
    for error in found["recent_errors"]:
        for message in error["messages"]:
            yield f"error     {error['time']}  {message}"


def _config(config: dict[str, Any]) -> Iterator[str]:
    in_force = config["in_force"]
    state = click.style("in force", fg="green") if in_force else click.style("NOT in force", fg="red")
    yield f"config    {config['version']}  loaded {config['loaded_at']}  the files are {state}"
    for problem in config["problems"]:
        yield click.style(f"          {problem}", fg="red")
    for warning in config["warnings"]:
        yield click.style(f"          warning: {warning}", fg="yellow")


def _group(group: dict[str, Any] | None) -> Iterator[str]:
    if group is None:
        return
    if _from_files(group):
        text = "reads files: it started while the control plane was away; its next start uses ADS again"
        yield click.style(f"envoy     {text}", fg="yellow")
    restarts = [f"{name} {count}" for name, count in group["restarts"].items() if count]
    if restarts:
        yield f"restarts  {', '.join(restarts)}"


def _from_files(group: dict[str, Any] | None) -> bool:
    return group is not None and group["envoy_from"] == "files"


def _host(host: dict[str, Any]) -> str:
    counts = f"active {host['active_requests']}  requests {host['requests']}  errors {host['errors']}"
    return f"{host['address']:<24} {_health(host)}  breaker {host['breaker']}  {counts}"


def _ack(state: dict[str, Any]) -> str:
    if state["sent"] == state["accepted"]:
        text = f"{state['accepted']} accepted"
    else:
        text = f"{state['sent']} sent, {state['accepted'] or 'none'} accepted"
    if state["refused"]:
        text += click.style(
            f"; refused at {state['refused']['time']}: {state['refused']['message']}", fg="red"
        )
    return text


def _health(host: dict[str, Any]) -> str:
    return click.style("healthy", fg="green") if host["healthy"] else click.style("UNHEALTHY", fg="red")
