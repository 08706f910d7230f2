"""The command line."""

from __future__ import annotations

import asyncio
import signal
import sys
from pathlib import Path

import click
import uvloop

from simulator.server import Listen, Server


@click.command()
@click.option("--host", default="127.0.0.1", show_default=True)
@click.option("--port", default=9100, show_default=True, help="0 for a free one.")
@click.option("--uds", type=click.Path(path_type=Path), help="A unix socket instead of host and port.")
@click.option("--tls-cert", type=click.Path(path_type=Path, exists=True), help="PEM.")
@click.option("--tls-key", type=click.Path(path_type=Path, exists=True), help="PEM.")
def main(host: str, port: int, uds: Path | None, tls_cert: Path | None, tls_key: Path | None) -> None:
    """Simulate LLM providers until SIGTERM or SIGINT."""
    listen = Listen(host=host, port=port, uds=uds, tls_cert=tls_cert, tls_key=tls_key)
    try:
        uvloop.run(_serve(listen))
    except OSError as error:
        sys.exit(f"simulator: {error}")


async def _serve(listen: Listen) -> None:
    ended = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, ended.set)
    server = Server()
    url = await server.start(listen)
    click.echo(f"listening on {url}")
    try:
        await ended.wait()
    finally:
        await server.stop()
