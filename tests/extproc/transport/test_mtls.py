"""``--transport grpcio`` over TCP: both sides show certificates."""

from __future__ import annotations

import asyncio
from pathlib import Path

import grpc
import pytest
import trustme

from tests.extproc.transport.client import OPTIONS, exchange
from tests.extproc.transport.test_serve import ended, serving, start

CA = trustme.CA()
OTHER_CA = trustme.CA()


def write(directory: Path, name: str, cert: trustme.LeafCert) -> tuple[Path, Path]:
    chain, key = directory / f"{name}.pem", directory / f"{name}.key"
    chain.write_bytes(b"".join(blob.bytes() for blob in cert.cert_chain_pems))
    key.write_bytes(cert.private_key_pem.bytes())
    return chain, key


@pytest.fixture
def options(tmp_path: Path) -> list[str]:
    cert, key = write(tmp_path, "server", CA.issue_cert("127.0.0.1"))
    (tmp_path / "ca.pem").write_bytes(CA.cert_pem.bytes())
    return ["--tls-cert", str(cert), "--tls-key", str(key), "--tls-client-ca", str(tmp_path / "ca.pem")]


def channel(address: str, *, trusts: trustme.CA = CA, shows: trustme.CA | None = CA) -> grpc.aio.Channel:
    cert = None if shows is None else shows.issue_cert("envoy")
    credentials = grpc.ssl_channel_credentials(
        trusts.cert_pem.bytes(),
        None if cert is None else cert.private_key_pem.bytes(),
        None if cert is None else b"".join(blob.bytes() for blob in cert.cert_chain_pems),
    )
    return grpc.aio.secure_channel(address, credentials, options=OPTIONS)


async def refused(over: grpc.aio.Channel) -> None:
    async with over:
        with pytest.raises(grpc.aio.AioRpcError) as error:
            await exchange(over)
    assert error.value.code() is grpc.StatusCode.UNAVAILABLE


async def test_only_those_who_are_known_are_served(options):
    async with serving("grpcio", "127.0.0.1:0", *options) as (process, address):
        async with channel(address) as over:
            await exchange(over)
        await refused(channel(address, shows=None))
        await refused(channel(address, shows=OTHER_CA))
        await refused(channel(address, trusts=OTHER_CA))
        await refused(grpc.aio.insecure_channel(address))
        async with channel(address) as over:
            await exchange(over)
        process.terminate()
        code, _ = await ended(process)
        assert code == 0


async def test_certificates_are_read_again_for_each_handshake(tmp_path, options):
    async with serving("grpcio", "127.0.0.1:0", *options) as (_, address):
        async with channel(address) as over:
            await exchange(over)
        write(tmp_path, "server", OTHER_CA.issue_cert("127.0.0.1"))
        (tmp_path / "ca.pem").write_bytes(OTHER_CA.cert_pem.bytes())
        async with channel(address, trusts=OTHER_CA, shows=OTHER_CA) as over:
            await exchange(over)
        await refused(channel(address))


async def test_files_that_are_gone_or_half_written_change_nothing(tmp_path, options):
    async with serving("grpcio", "127.0.0.1:0", *options) as (_, address):
        (tmp_path / "server.pem").write_text("half")
        (tmp_path / "server.key").unlink()
        async with channel(address) as over:
            await exchange(over)


@pytest.mark.parametrize(
    ("given", "transport", "told"),
    [
        (2, "grpcio", "--tls-cert, --tls-key and --tls-client-ca go together"),
        (4, "h2", "--tls-cert, --tls-key and --tls-client-ca go together"),
        (6, "h2", "--tls-cert, --tls-key and --tls-client-ca need --transport grpcio"),
    ],
)
async def test_options_that_do_not_go_together(options, given, transport, told):
    process = await start("serve", "--listen", "127.0.0.1:0", "--transport", transport, *options[:given])
    assert await ended(process) == (1, f"extproc: {told}\n")


async def test_files_and_addresses_that_are_not_there(tmp_path, options):
    bad = [*options[:-1], str(tmp_path / "none.pem")]
    processes = [
        await start("serve", "--transport", "grpcio", "--listen", address, *some)
        for address, some in (("127.0.0.1:0", bad), ("192.0.2.1:1", options))
    ]
    missing, unbound = await asyncio.gather(*map(ended, processes))
    assert missing == (2, f"extproc: {tmp_path}/none.pem: No such file or directory\n")
    assert unbound == (2, "extproc: cannot listen on 192.0.2.1:1: Cannot assign requested address\n")
