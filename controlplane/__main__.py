"""``python -m controlplane serve``: the control plane alone, for Envoys that run elsewhere (pods).

``member`` is the one of a group on this machine, started by ``llm-gateway up``.
"""

from __future__ import annotations

import asyncio
import logging
from pathlib import Path
from typing import Final

import click

from controlplane.admin import Admin
from controlplane.ads.server import Endpoint
from controlplane.ads.tls import mutual_tls
from controlplane.cli.errors import USER, EnvironmentFault, InputError
from controlplane.cli.guard import exit_status
from controlplane.cli.logs import log_to_stderr
from controlplane.cli.options import config_option
from controlplane.config.io import SystemIO
from controlplane.environment import EXT_PROC, default_environment
from controlplane.gateway import ControlPlane
from controlplane.group.directory import Places
from controlplane.member import GivenUp, Options
from controlplane.member import serve as serve_group
from controlplane.plan import MutualTls
from controlplane.signals import ENDING, handled

_PEM: Final = click.Path(exists=True, dir_okay=False, path_type=Path)


@click.group()
def cli() -> None:
    """The pieces of the control plane."""


@cli.command()
@config_option
@click.option("--ads", required=True, metavar="ADDRESS", help="Where Envoys connect: unix:PATH or HOST:PORT.")
@click.option("--tls-cert", type=_PEM, help="For HOST:PORT: our certificate; read again for each handshake.")
@click.option("--tls-key", type=_PEM, help="Its key.")
@click.option("--tls-client-ca", type=_PEM, help="Who signs the certificates of Envoys.")
@click.option(
    "--ext-proc",
    multiple=True,
    default=EXT_PROC,
    show_default=True,
    metavar="ADDRESS",
    help="Where Envoy finds the ext_proc workers: unix:PATH or HOST:PORT; repeatable.",
)
@click.option("--ext-proc-ca", metavar="FILE", help="Who signed the workers' certificates, as Envoy sees it.")
@click.option("--ext-proc-cert", metavar="FILE", help="Envoy's own certificate, for HOST:PORT; watched.")
@click.option("--ext-proc-key", metavar="FILE", help="Its key.")
def serve(
    config: tuple[Path, ...],
    ads: str,
    tls_cert: Path | None,
    tls_key: Path | None,
    tls_client_ca: Path | None,
    ext_proc: tuple[str, ...],
    ext_proc_ca: str | None,
    ext_proc_cert: str | None,
    ext_proc_key: str | None,
) -> None:
    """Serve ADS to any number of Envoys, and the admin listener."""
    log_to_stderr(logging.INFO)
    endpoint = _endpoint(ads, tls_cert, tls_key, tls_client_ca)
    workers_tls = _workers_tls(ext_proc, ext_proc_ca, ext_proc_cert, ext_proc_key)
    environment = default_environment(ext_proc, workers_tls)
    gateway = ControlPlane(config, SystemIO(), environment, endpoint)
    asyncio.run(_serve(gateway))


@cli.command()
@config_option
@click.option("--directory", type=click.Path(path_type=Path), required=True, help="The group's own.")
@click.option("--workers", type=int, required=True, help="How many ext_proc workers there are.")
@click.option("--log-level", type=click.Choice(["info", "warning", "error"]), default="info")
def member(config: tuple[Path, ...], directory: Path, workers: int, log_level: str) -> None:
    """The control plane of the group that `llm-gateway up` runs."""
    log_to_stderr(logging.getLevelName(log_level.upper()))
    try:
        asyncio.run(serve_group(Options(config, Places(directory), workers), SystemIO()))
    except GivenUp:
        raise SystemExit(USER) from None  # the supervisor prints why


def _endpoint(ads: str, cert: Path | None, key: Path | None, client_ca: Path | None) -> Endpoint:
    """Secrets travel over ADS: beyond this machine only with certificates on both sides."""
    if ads.startswith("unix:"):
        return Endpoint(unix_socket=Path(ads.removeprefix("unix:")))
    if cert and key and client_ca:
        return Endpoint(address=ads, credentials=mutual_tls(certificate=cert, key=key, client_ca=client_ca))
    if cert or key or client_ca:
        raise InputError("--tls-cert, --tls-key and --tls-client-ca go together")
    if not _loopback(ads):
        raise InputError(
            f"--ads {ads}: secrets travel over it; beyond this machine it needs "
            "--tls-cert, --tls-key and --tls-client-ca"
        )
    return Endpoint(address=ads)


def _workers_tls(
    workers: tuple[str, ...], ca: str | None, cert: str | None, key: str | None
) -> MutualTls | None:
    """Requests and answers travel to the workers: the same rule."""
    if ca and cert and key:
        if plain := [address for address in workers if address.startswith("unix:")]:
            raise InputError(f"--ext-proc {plain[0]}: --ext-proc-ca, -cert and -key are for HOST:PORT")
        return MutualTls(ca, cert, key)
    if ca or cert or key:
        raise InputError("--ext-proc-ca, --ext-proc-cert and --ext-proc-key go together")
    if far := [text for text in workers if not text.startswith("unix:") and not _loopback(text)]:
        raise InputError(
            f"--ext-proc {far[0]}: requests travel over it; beyond this machine it needs "
            "--ext-proc-ca, --ext-proc-cert and --ext-proc-key"
        )
    return None


def _loopback(address: str) -> bool:
    return address.rpartition(":")[0] in ("127.0.0.1", "localhost", "[::1]")


async def _serve(gateway: ControlPlane) -> None:
    stop = asyncio.Event()
    with handled(dict.fromkeys(ENDING, stop.set)):
        await _serve_until(stop, gateway)


async def _serve_until(stop: asyncio.Event, gateway: ControlPlane) -> None:
    loaded = gateway.load()
    if loaded.config is None:
        raise InputError("\n".join(map(str, loaded.problems)))
    admin = Admin(gateway)
    await gateway.ads.start()
    watching = asyncio.create_task(gateway.watch())
    try:
        try:
            await admin.start(loaded.config.admin.address, loaded.config.admin.port)
        except OSError as error:
            raise EnvironmentFault(f"admin: {error.strerror or error}") from error
        click.echo("ready")
        stopping = asyncio.create_task(stop.wait())
        await asyncio.wait({watching, stopping}, return_when=asyncio.FIRST_COMPLETED)
        if watching.done():
            watching.result()
        stopping.cancel()
    finally:
        watching.cancel()
        await admin.stop()
        await gateway.ads.stop()


def main() -> None:
    raise SystemExit(exit_status(lambda: cli.main(prog_name="python -m controlplane", standalone_mode=False)))


if __name__ == "__main__":
    main()
