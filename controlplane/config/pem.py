"""Certificates and keys: is what a file holds fit for use?"""

from __future__ import annotations

import ssl
import tempfile
from pathlib import Path
from typing import Final, Literal

_KEY_MARK: Final = b"PRIVATE KEY-----"
_ENCRYPTED_MARKS: Final = (b"BEGIN ENCRYPTED PRIVATE KEY", b"Proc-Type: 4,ENCRYPTED")
_MEMORY: Final = Path("/dev/shm")  # noqa: S108 - a private key shall touch no disk; only this user can read the file

NOT_A_CERTIFICATE: Final = "not a PEM certificate"
NOT_A_KEY: Final = "not a PEM private key"


def certificates_problem(content: bytes) -> str | None:
    """What is wrong with a file of one or more certificates."""
    try:
        ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT).load_verify_locations(cadata=content.decode("ascii"))
    except (ssl.SSLError, ValueError):
        return NOT_A_CERTIFICATE
    return None


def key_pair_problem(certificate: bytes, key: bytes) -> tuple[Literal["certificate", "key"], str] | None:
    """Which of the two is wrong with a pair, and how; `certificate` alone is known to be one.

    Python's ssl module reads pairs from files only, so both are put into a private one for a moment.
    """
    if _KEY_MARK not in key:
        return "key", NOT_A_KEY
    if any(mark in key for mark in _ENCRYPTED_MARKS):
        return "key", "the key has a passphrase; give it without"
    with tempfile.NamedTemporaryFile(dir=_MEMORY if _MEMORY.is_dir() else None) as file:
        file.write(certificate + b"\n" + key)
        file.flush()
        try:
            # The password is never asked for on the terminal, whatever OpenSSL finds.
            ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER).load_cert_chain(file.name, password=lambda: "")
        except ssl.SSLError as error:
            return _explain(error.reason or "")
    return None


def _explain(reason: str) -> tuple[Literal["certificate", "key"], str]:
    if reason in ("KEY_VALUES_MISMATCH", "KEY_TYPE_MISMATCH"):
        return "key", "does not belong to the certificate in cert_file"
    if reason in ("EE_KEY_TOO_SMALL", "CA_KEY_TOO_SMALL", "CA_MD_TOO_WEAK"):
        return "certificate", f"OpenSSL refuses it: {reason.lower().replace('_', ' ')}"
    return "key", NOT_A_KEY
