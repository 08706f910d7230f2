"""What a whole load gives: values, files, secrets, certificates, places."""

import errno
from datetime import timedelta
from pathlib import Path

import pytest
import trustme

from controlplane.config.io import LARGEST_FILE, SystemIO
from controlplane.config.load import load
from controlplane.config.problems import Position
from controlplane.config.schema_models import TargetConfig
from controlplane.config.secrets import Secret
from tests.controlplane.config.conftest import Load

SMALL = """\
listener: {address: 127.0.0.1}
providers: {openai: {type: openai, api_key: {env: OPENAI_API_KEY}}}
models: {gpt-4o: {target: openai/gpt-4o}}
"""
TLS = """\
listener: {tls: {cert_file: tls/crt, key_file: tls/key, client_ca_file: /ca}}
providers: {pool: {type: vllm, base_url: "https://pool:8000", tls: {ca_file: /ca}}}
models: {a: {target: pool/a}}
"""


@pytest.fixture(scope="module")
def authority() -> trustme.CA:
    return trustme.CA()


@pytest.fixture(scope="module")
def pem(authority: trustme.CA) -> dict[str, bytes]:
    leaf = authority.issue_cert("gateway.example")
    return {
        "tls/crt": leaf.cert_chain_pems[0].bytes(),
        "tls/key": leaf.private_key_pem.bytes(),
        "/ca": authority.cert_pem.bytes(),
    }


def test_defaults(load_texts: Load) -> None:
    result = load_texts(SMALL)
    assert (result.problems, result.warnings) == ([], [])
    config = result.config
    assert (config.listener.port, config.listener.max_request_body, config.listener.tls) == (
        8080,
        32 * 2**20,
        None,
    )
    assert (config.admin.address, config.admin.port) == ("127.0.0.1", 9901)
    provider = config.providers["openai"]
    assert (provider.base_url, provider.endpoints, provider.load_balancing) == (None, None, "least_request")
    assert (provider.timeouts.connect, provider.timeouts.request) == (timedelta(seconds=5), None)
    assert provider.circuit_breaker.max_open_for == timedelta(minutes=5)
    model = config.models["gpt-4o"]
    assert model.all_targets == (TargetConfig(provider="openai", model="gpt-4o"),)
    assert model.retry.on == ("connect", "reset", "timeout", "5xx", "429", "stream_error")
    assert (model.retry.attempts, model.retry.backoff.base) == (None, timedelta(milliseconds=100))
    assert (model.timeout, model.unsupported_fields, model.strategy) == (None, "warn", "weighted")
    assert result.secrets == {"provider/openai": Secret("sk-openai")}
    assert result.files == {Path("1.yaml")}


def test_a_target_splits_at_its_first_slash(load_texts: Load) -> None:
    result = load_texts(SMALL.replace("openai/gpt-4o}", "openai/org/model}"))
    assert result.config.models["gpt-4o"].all_targets == (TargetConfig(provider="openai", model="org/model"),)


def test_429_needs_no_quotes(load_texts: Load) -> None:
    result = load_texts(SMALL, 'models: {gpt-4o: {retry: {on: [429, connect, "429"]}}}')
    assert result.config.models["gpt-4o"].retry.on == ("429", "connect", "429")


def test_files_overrule_each_other_and_problems_name_the_right_one(load_texts: Load) -> None:
    assert load_texts(SMALL, "listener: {port: 8443}").config.listener.port == 8443
    result = load_texts(SMALL, "listener: {port: http}", "modells: {}")
    assert [str(problem) for problem in result.problems] == [
        "2.yaml:1:18: listener.port: expected a whole number, got text",
        "3.yaml:1:1: modells: unknown key; did you mean 'models'?",
    ]


def test_every_unreadable_file_is_named(load_texts: Load) -> None:
    result = load_texts(SMALL, "a: [", "- b", files={"1.yaml": errno.EACCES})
    assert [str(problem) for problem in result.problems] == [
        "1.yaml:1:1: cannot read the file: Permission denied",
        "2.yaml:1:5: not valid YAML: expected the node content, but found the end of the file (while parsing a flow node)",
        "3.yaml:1:1: expected a mapping of sections (listener, providers, models, ...)",
    ]
    assert result.files == {Path("1.yaml"), Path("2.yaml"), Path("3.yaml")}
    assert result.position(("models",)) == Position("1.yaml", 1, 1)


def test_later_stages_find_places(load_texts: Load) -> None:
    problem = load_texts(SMALL).problem(("models", "gpt-4o", "target"), "Envoy refused it")
    assert str(problem) == "1.yaml:3:27: models.gpt-4o.target: Envoy refused it"


def test_secret_files(load_texts: Load) -> None:
    result = load_texts(
        SMALL.replace("{env: OPENAI_API_KEY}", "{file: /run/secrets/openai}"),
        files={"/run/secrets/openai": b"sk-x\n"},
    )
    assert result.secrets["provider/openai"].reveal() == "sk-x"
    assert result.files == {Path("1.yaml"), Path("/run/secrets/openai")}
    assert "sk-x" not in repr(result)


def test_a_missing_file_is_watched_too(load_texts: Load) -> None:
    result = load_texts(SMALL.replace("{env: OPENAI_API_KEY}", "{file: /later}"))
    assert [str(problem) for problem in result.problems] == [
        "1.yaml:2:52: providers.openai.api_key.file: cannot read /later: No such file or directory"
    ]
    assert Path("/later") in result.files


def test_tls(load_texts: Load, pem: dict[str, bytes]) -> None:
    result = load_texts(TLS, files=pem)
    assert (result.problems, result.warnings) == ([], [])
    assert result.tls == {Path(name): content for name, content in pem.items()}
    assert result.config.listener.tls.cert_file == Path("tls/crt")
    assert "PRIVATE KEY" not in repr(result)


def test_without_client_certificates_the_gateway_is_open(load_texts: Load, pem: dict[str, bytes]) -> None:
    result = load_texts(TLS.replace(", client_ca_file: /ca", ""), files=pem)
    assert [str(warning) for warning in result.warnings] == [
        "1.yaml:1:1: listener.address: the gateway is open: whoever reaches 0.0.0.0:8080 can use every model; listen on 127.0.0.1, or set listener.tls.client_ca_file"
    ]


def encrypted_key() -> bytes:
    from cryptography.hazmat.primitives.asymmetric import ec
    from cryptography.hazmat.primitives.serialization import BestAvailableEncryption, Encoding, PrivateFormat

    key = ec.generate_private_key(ec.SECP256R1())
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, BestAvailableEncryption(b"x"))


def test_unfit_certificates_and_keys(load_texts: Load, pem: dict[str, bytes], authority: trustme.CA) -> None:
    other = authority.issue_cert("other.example").private_key_pem.bytes()
    broken = b"-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n"
    cert, key, ca = (
        "1.yaml:1:29: listener.tls.cert_file: ",
        "1.yaml:1:48: listener.tls.key_file: ",
        "1.yaml:2:78: ",
    )

    def problems(**changed: bytes | int) -> list[str]:
        files = {**pem, **{f"tls/{name}": content for name, content in changed.items()}}
        return [str(problem) for problem in load_texts(TLS, files=files).problems]

    assert problems(crt=b"nothing") == [cert + "tls/crt: not a PEM certificate"]
    assert problems(crt="ü".encode()) == [cert + "tls/crt: not a PEM certificate"]
    assert problems(crt=errno.ENOENT) == [cert + "cannot read tls/crt: No such file or directory"]
    assert problems(key=b"nothing") == [key + "tls/key: not a PEM private key"]
    assert problems(key=broken) == [key + "tls/key: not a PEM private key"]
    assert problems(key=encrypted_key()) == [key + "tls/key: the key has a passphrase; give it without"]
    assert problems(key=other) == [key + "tls/key: does not belong to the certificate in cert_file"]
    assert problems(key=errno.EACCES) == [key + "cannot read tls/key: Permission denied"]
    result = load_texts(TLS, files={**pem, "/ca": b""})
    assert [str(problem) for problem in result.problems] == [
        "1.yaml:1:73: listener.tls.client_ca_file: /ca: not a PEM certificate",
        ca + "providers.pool.tls.ca_file: /ca: not a PEM certificate",
    ]


def test_a_key_that_openssl_finds_too_small_is_the_certificates_problem(
    load_texts: Load, pem: dict[str, bytes]
) -> None:
    from datetime import UTC, datetime

    from cryptography import x509
    from cryptography.hazmat.primitives import hashes
    from cryptography.hazmat.primitives.asymmetric import rsa
    from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

    key = rsa.generate_private_key(65537, 1024)
    name = x509.Name([])
    start = datetime(2025, 1, 1, tzinfo=UTC)
    builder = x509.CertificateBuilder(name, name, key.public_key(), 1, start, start + timedelta(days=1))
    files = {
        **pem,
        "tls/crt": builder.sign(key, hashes.SHA256()).public_bytes(Encoding.PEM),
        "tls/key": key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()),
    }
    assert [str(problem) for problem in load_texts(TLS, files=files).problems] == [
        "1.yaml:1:29: listener.tls.cert_file: tls/crt: OpenSSL refuses it: ee key too small"
    ]


def test_real_files_start_at_the_folder_of_their_yaml(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "key").write_text("sk-from-file\n")
    gateway = tmp_path / "gateway.yaml"
    gateway.write_text(SMALL.replace("{env: OPENAI_API_KEY}", "{file: key}"))
    result = load([gateway], SystemIO())
    assert result.secrets["provider/openai"].reveal() == "sk-from-file"
    assert result.files == {gateway, tmp_path / "key"}
    gateway.write_text(SMALL)
    monkeypatch.setenv("OPENAI_API_KEY", "sk-from-env")
    assert load([gateway], SystemIO()).secrets["provider/openai"].reveal() == "sk-from-env"


def test_real_files_that_cannot_be_read(tmp_path: Path) -> None:
    (tmp_path / "large").write_bytes(b"#" * (LARGEST_FILE + 1))
    paths = [tmp_path / "large", tmp_path, tmp_path / "none", Path("/dev/zero")]
    assert [problem.message for problem in load(paths, SystemIO()).problems] == [
        "cannot read the file: File too large",
        "cannot read the file: Is a directory",
        "cannot read the file: No such file or directory",
        "cannot read the file: File too large",
    ]
