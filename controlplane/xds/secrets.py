"""SDS: provider keys and the listener's certificate. Rotation is live and cuts no stream."""

from __future__ import annotations

from controlplane.plan import Plan
from controlplane.xds.listeners import SECRET_CERTIFICATE, SECRET_CLIENT_CA
from protos.api import Secret


def secrets(plan: Plan) -> list[Secret]:
    found = [
        Secret(name=name, generic_secret={"secret": {"inline_string": secret.reveal()}})
        for name, secret in sorted(plan.secrets.items())
    ]
    tls = plan.listener.tls
    if tls is None:
        return found
    certificate = {
        "certificate_chain": {"inline_bytes": tls.certificate},
        "private_key": {"inline_bytes": tls.key.reveal().encode()},
    }
    found.append(Secret(name=SECRET_CERTIFICATE, tls_certificate=certificate))
    if tls.client_ca is not None:
        trusted = {"trusted_ca": {"inline_bytes": tls.client_ca}}
        found.append(Secret(name=SECRET_CLIENT_CA, validation_context=trusted))
    return found
