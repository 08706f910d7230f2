"""``python -m extproc serve --listen unix:/run/extproc-0.sock``

Exit status: 0 after SIGTERM or SIGINT, 2 where an address cannot be bound or the arguments are wrong.
"""

from __future__ import annotations

import argparse
import asyncio
import logging
import signal
import sys

import uvloop

from extproc.transport.h2.server import H2Server

log = logging.getLogger("extproc")


async def _serve(listen: list[str], grace: float) -> None:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    server = H2Server(listen)
    await server.start()
    log.info("serving on %s", ", ".join(server.addresses))
    await stop.wait()
    await server.drain(grace)


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m extproc")
    serve = parser.add_subparsers(required=True).add_parser("serve", help="serve ext_proc to Envoy")
    serve.add_argument("--listen", action="append", required=True, help="unix:PATH or HOST:PORT; repeatable")
    serve.add_argument(
        "--drain", type=float, default=30.0, help="seconds that streams may finish after SIGTERM"
    )
    serve.add_argument("--log-level", choices=["info", "warning", "error"], default="info")
    arguments = parser.parse_args()
    level = arguments.log_level.upper()
    logging.basicConfig(level=level, format="%(asctime)s extproc %(levelname)s %(message)s")
    try:
        uvloop.run(_serve(arguments.listen, arguments.drain))
    except OSError as error:
        print(f"extproc: {error}", file=sys.stderr)  # noqa: T201 - it is a command line
        sys.exit(2)


if __name__ == "__main__":
    main()
