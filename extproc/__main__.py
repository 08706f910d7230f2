"""``python -m extproc serve --listen unix:/run/extproc-0.sock``

Exit status: 0 after SIGTERM or SIGINT, 1 where the arguments ask for what is unsafe, 2 where they are wrong,
an address cannot be bound or a file cannot be read.
"""

from __future__ import annotations

import argparse
import asyncio
import gc
import logging
import signal
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Final, Protocol

import uvloop

log = logging.getLogger("extproc")

_LOOPBACK: Final = ("127.0.0.1", "localhost", "[::1]")


class _Server(Protocol):
    addresses: list[str]

    async def start(self) -> None: ...

    async def drain(self, grace: float) -> None: ...


class _Unsafe(Exception):  # noqa: N818 - what it is
    """What the arguments ask for would put requests on a network for everybody."""


async def _serve(arguments: argparse.Namespace) -> None:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    server = _server(arguments)
    # What start-up has made stays: the collector need not look at it again and again.
    gc.collect()
    gc.freeze()
    await server.start()
    log.info("serving on %s", ", ".join(server.addresses))
    await stop.wait()
    await server.drain(arguments.drain)


def _server(arguments: argparse.Namespace) -> _Server:
    """Imports only the transport that was asked for: grpc costs memory and start-up time."""
    listen: Sequence[str] = arguments.listen
    files: list[Path | None] = [arguments.tls_cert, arguments.tls_key, arguments.tls_client_ca]
    certificate, key, client_ca = files
    if certificate and key and client_ca:
        if arguments.transport != "grpcio":
            raise _Unsafe("--tls-cert, --tls-key and --tls-client-ca need --transport grpcio")
        from extproc.transport.grpcio import GrpcioServer  # noqa: PLC0415
        from extproc.transport.tls import mutual_tls  # noqa: PLC0415

        credentials = mutual_tls(certificate=certificate, key=key, client_ca=client_ca)
        return GrpcioServer(listen, credentials=credentials)
    if any(files):
        raise _Unsafe("--tls-cert, --tls-key and --tls-client-ca go together")
    for address in listen:
        if _beyond_this_machine(address):
            raise _Unsafe(
                f"--listen {address}: requests travel over it; beyond this machine it needs "
                "--transport grpcio with --tls-cert, --tls-key and --tls-client-ca"
            )
    if arguments.transport == "grpcio":
        from extproc.transport.grpcio import GrpcioServer  # noqa: PLC0415

        return GrpcioServer(listen)
    from extproc.transport.h2.server import H2Server  # noqa: PLC0415

    return H2Server(listen)


def _beyond_this_machine(address: str) -> bool:
    host, colon, _ = address.rpartition(":")
    return bool(colon) and not address.startswith(("unix:", "fd:")) and host not in _LOOPBACK


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m extproc")
    serve = parser.add_subparsers(required=True).add_parser("serve", help="serve ext_proc to Envoy")
    serve.add_argument(
        "--listen",
        action="append",
        required=True,
        help="unix:PATH or HOST:PORT; fd:N, an open socket; repeatable",
    )
    serve.add_argument(
        "--transport",
        choices=["h2", "grpcio"],
        default="h2",
        help="h2 is the fast one; grpcio has TLS, for HOST:PORT beyond this machine",
    )
    serve.add_argument("--tls-cert", type=Path, help="our certificate; read again for each handshake")
    serve.add_argument("--tls-key", type=Path, help="its key")
    serve.add_argument("--tls-client-ca", type=Path, help="who signs the certificates of Envoys")
    serve.add_argument(
        "--drain", type=float, default=30.0, help="seconds that streams may finish after SIGTERM"
    )
    serve.add_argument("--log-level", choices=["info", "warning", "error"], default="info")
    return parser


def main() -> None:
    arguments = _parser().parse_args()
    level = arguments.log_level.upper()
    logging.basicConfig(level=level, format="%(asctime)s extproc %(levelname)s %(message)s")
    try:
        uvloop.run(_serve(arguments))
    except _Unsafe as unsafe:
        print(f"extproc: {unsafe}", file=sys.stderr)  # noqa: T201 - it is a command line
        sys.exit(1)
    except OSError as error:
        said = f"{error.filename}: {error.strerror}" if error.filename else error
        print(f"extproc: {said}", file=sys.stderr)  # noqa: T201 - it is a command line
        sys.exit(2)


if __name__ == "__main__":
    main()
