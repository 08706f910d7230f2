"""``llm-gateway bootstrap``. Files are named as Envoy sees them."""

from __future__ import annotations

import re
from typing import Final

import click

from controlplane.plan import MutualTls
from controlplane.render import to_yaml
from controlplane.xds.bootstrap import BootstrapPlan
from controlplane.xds.bootstrap import bootstrap as bootstrap_message
from controlplane.xds.resources import is_ip

ADS: Final = "unix:/run/llm-gateway/ads.sock"
ADMIN: Final = "unix:/run/llm-gateway/envoy-admin.sock"
"""Envoy's own admin interface can stop it and shows its configuration: a socket, never the network."""
NODE_ID: Final = "llm-gateway"

_LONGEST_SOCKET_PATH: Final = 107
"""Bytes: unix(7), sockaddr_un, less the final NUL."""
_HOST_PORT: Final = re.compile(r"(?P<host>\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9_.-]+):(?P<port>[0-9]{1,5})")
_LARGEST_PORT: Final = 65535


def _address(_: click.Context, parameter: click.Parameter, given: str) -> str:
    if given.startswith("unix:"):
        path = given.removeprefix("unix:")
        if not path.startswith("/") or len(path.encode()) > _LONGEST_SOCKET_PATH:
            raise click.BadParameter(
                f"a socket's path is absolute and has {_LONGEST_SOCKET_PATH} bytes at most"
            )
        return given
    match = _HOST_PORT.fullmatch(given)
    if match is None or not 0 < int(match["port"]) <= _LARGEST_PORT:
        raise click.BadParameter("expected unix:PATH or HOST:PORT")
    if parameter.name == "admin" and not is_ip(match["host"].strip("[]")):
        raise click.BadParameter("Envoy listens on IP addresses only, e.g. 127.0.0.1:9902")
    return given


@click.command()
@click.option(
    "--ads",
    default=ADS,
    show_default=True,
    callback=_address,
    metavar="ADDRESS",
    help="The control plane: unix:PATH or HOST:PORT.",
)
@click.option(
    "--admin",
    default=ADMIN,
    show_default=True,
    callback=_address,
    metavar="ADDRESS",
    help="Envoy's own admin interface: unix:PATH or IP:PORT.",
)
@click.option(
    "--node-id",
    default=NODE_ID,
    show_default=True,
    metavar="ID",
    help="Names this Envoy in `status`; envoy --service-node overrules it.",
)
@click.option(
    "--ads-ca", metavar="FILE", help="Who signed the control plane's certificate, as Envoy sees the file."
)
@click.option("--ads-cert", metavar="FILE", help="Envoy's own certificate, for HOST:PORT; watched.")
@click.option("--ads-key", metavar="FILE", help="Its key.")
def bootstrap(
    ads: str, admin: str, node_id: str, ads_ca: str | None, ads_cert: str | None, ads_key: str | None
) -> None:
    """Print the YAML that an Envoy elsewhere starts with: envoy -c FILE. All else comes over ADS."""
    if not node_id:
        raise click.UsageError("--node-id must not be empty")
    plan = BootstrapPlan(node_id, ads, admin, _tls(ads_ca, ads_cert, ads_key))
    click.echo(to_yaml(bootstrap_message(plan)), nl=False)


def _tls(ca: str | None, cert: str | None, key: str | None) -> MutualTls | None:
    if ca and cert and key:
        return MutualTls(ca, cert, key)
    if ca or cert or key:
        raise click.UsageError("--ads-ca, --ads-cert and --ads-key go together")
    return None
