"""What the machine decides: where the workers of ext_proc listen, and whom the system trusts."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Final

from controlplane.plan import Environment, MutualTls

EXT_PROC: Final = ("unix:/run/llm-gateway/ext_proc.sock",)
"""One worker, where the containers of a pod share a folder of sockets."""

TRUST_STORES: Final = (
    "/etc/ssl/certs/ca-certificates.crt",  # Debian, Ubuntu, Alpine, Arch
    "/etc/pki/ca-trust/extracted/pem/tls-ca-bundle.pem",  # Fedora, RHEL 7 and later
    "/etc/pki/tls/certs/ca-bundle.crt",  # older RHEL, CentOS, Amazon Linux
    "/etc/ssl/ca-bundle.pem",  # openSUSE
    "/etc/ssl/cert.pem",  # macOS, OpenBSD, small Alpine images
)
"""Where systems keep their authorities, the usual places that OpenSSL's users (curl, Go) look in."""


def default_environment(
    ext_proc: tuple[str, ...] = EXT_PROC,
    ext_proc_tls: MutualTls | None = None,
    *,
    variables: Mapping[str, str] = os.environ,
    is_file: Callable[[str], bool] = lambda path: Path(path).is_file(),
) -> Environment:
    """This machine's environment.

    ext_proc: addresses of the workers, ``unix:PATH`` or ``HOST:PORT``.
    ext_proc_tls: for the latter.

    The trust store is ``$SSL_CERT_FILE`` (as OpenSSL has it: SSL_CTX_set_default_verify_paths(3)), else the
    first of TRUST_STORES that exists, else Debian's: a missing file is Envoy's to report, by its name.
    """
    ca_file = variables.get("SSL_CERT_FILE") or next(filter(is_file, TRUST_STORES), TRUST_STORES[0])
    return Environment(ext_proc, ca_file, ext_proc_tls)
