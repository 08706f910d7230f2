"""Mutual TLS for ext_proc over TCP: requests travel over it, so both sides prove who they are."""

from __future__ import annotations

import contextlib
from pathlib import Path

import grpc


def mutual_tls(*, certificate: Path, key: Path, client_ca: Path) -> grpc.ServerCredentials:
    """Credentials from PEM files that are read again for each handshake: certificates rotate live.

    Raises:
        OSError: a file cannot be read now. Later on, the last good files stay in use.
    """

    def read() -> grpc.ServerCertificateConfiguration:
        return grpc.ssl_server_certificate_configuration(
            [(key.read_bytes(), certificate.read_bytes())], root_certificates=client_ca.read_bytes()
        )

    last = read()

    def fetch() -> grpc.ServerCertificateConfiguration:
        nonlocal last
        with contextlib.suppress(OSError):
            last = read()
        return last

    return grpc.dynamic_ssl_server_credentials(last, fetch, require_client_authentication=True)
