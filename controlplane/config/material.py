"""Reads what a configuration refers to: secrets, certificates, keys."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from controlplane.config.check import Parts
from controlplane.config.io import ConfigIO
from controlplane.config.pem import certificates_problem, key_pair_problem
from controlplane.config.problems import ConfigPath
from controlplane.config.report import Report
from controlplane.config.schema import ListenerTlsConfig
from controlplane.config.schema_providers import AwsCredentialsConfig
from controlplane.config.secrets import Secret, SecretError, SecretRef, secret_from_env, secret_from_file

AWS_KEYS = ("access_key_id", "secret_access_key", "session_token")

FILE_KEYS: tuple[ConfigPath, ...] = (
    ("listener", "tls", "cert_file"),
    ("listener", "tls", "key_file"),
    ("listener", "tls", "client_ca_file"),
    ("providers", "*", "tls", "ca_file"),
    ("providers", "*", "api_key", "file"),
    ("providers", "*", "aws", "access_key_id", "file"),
    ("providers", "*", "aws", "secret_access_key", "file"),
    ("providers", "*", "aws", "session_token", "file"),
)
"""Every key that names a file; `*` is any name."""


@dataclass(slots=True)
class Material:
    """What was read.

    secrets: by what they are for, e.g. ``provider/openai``, ``aws/bedrock/session_token``.
    tls: certificates and keys by the path that the configuration gives.
    files: every path that was tried, whether or not it could be read.
    """

    secrets: dict[str, Secret] = field(default_factory=dict)
    tls: dict[Path, bytes] = field(default_factory=dict, repr=False)
    files: set[Path] = field(default_factory=set)


def read_material(parts: Parts, io: ConfigIO, report: Report) -> Material:
    """Reports what cannot be read or is not what it should be."""
    reader = _Reader(io, report, Material())
    if parts.listener is not None and parts.listener.tls is not None:
        reader.listener_tls(parts.listener.tls, ("listener", "tls"))
    for name, provider in parts.providers.items():
        path = ("providers", name)
        if provider.api_key is not None:
            reader.secret(provider.api_key, (*path, "api_key"), f"provider/{name}")
        if isinstance(provider.aws, AwsCredentialsConfig):
            for key in AWS_KEYS:
                if (ref := getattr(provider.aws, key)) is not None:
                    reader.secret(ref, (*path, "aws", key), f"aws/{name}/{key}")
        if provider.tls is not None:
            reader.certificates(provider.tls.ca_file, (*path, "tls", "ca_file"))
    return reader.material


class _Reader:
    def __init__(self, io: ConfigIO, report: Report, material: Material) -> None:
        self._io = io
        self._report = report
        self.material = material

    def secret(self, ref: SecretRef, path: ConfigPath, name: str) -> None:
        path = (*path, "env" if ref.file is None else "file")
        try:
            if ref.file is None:
                variable = ref.env or ""
                secret = secret_from_env(variable, self._io.env(variable))
            elif (content := self._read(ref.file, path)) is None:
                return
            else:
                secret = secret_from_file(str(ref.file), content)
        except SecretError as error:
            self._report.problem(path, str(error))
            return
        self.material.secrets[name] = secret

    def certificates(self, file: Path, path: ConfigPath) -> bytes | None:
        content = self._read(file, path)
        if content is None:
            return None
        if (problem := certificates_problem(content)) is not None:
            self._report.problem(path, f"{file}: {problem}")
            return None
        self.material.tls[file] = content
        return content

    def listener_tls(self, tls: ListenerTlsConfig, path: ConfigPath) -> None:
        if tls.client_ca_file is not None:
            self.certificates(tls.client_ca_file, (*path, "client_ca_file"))
        certificate = self.certificates(tls.cert_file, (*path, "cert_file"))
        key = self._read(tls.key_file, (*path, "key_file"))
        if key is None:
            return
        self.material.tls[tls.key_file] = key
        if certificate is None:
            return
        if (problem := key_pair_problem(certificate, key)) is not None:
            which, text = problem
            at, file = ("cert_file", tls.cert_file) if which == "certificate" else ("key_file", tls.key_file)
            self._report.problem((*path, at), f"{file}: {text}")

    def _read(self, file: Path, path: ConfigPath) -> bytes | None:
        self.material.files.add(file)
        try:
            return self._io.read(file)
        except OSError as error:
            self._report.problem(path, f"cannot read {file}: {error.strerror or error}")
            return None
