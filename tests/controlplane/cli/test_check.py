"""`check`, and what it makes of Envoy's words."""

import base64
import json
import shutil
import stat
from pathlib import Path

import pytest
import trustme

from controlplane.cli.envoy_validate import reason, refusal, without_secrets
from controlplane.cli.errors import EnvironmentFault
from protos.binary import envoy_binary
from tests.controlplane.cli.conftest import GATEWAY, Run
from tests.controlplane.compiling import SECRETS, compile_text


def test_a_good_file(run: Run) -> None:
    result = run("check")
    assert (result.exit_code, result.stdout) == (0, "gateway.yaml: ok: 2 providers, 2 models\n")
    assert result.stderr == ""


def test_several_files_and_a_warning(run: Run, folder: Path) -> None:
    (folder / "open.yaml").write_text("listener: {address: 0.0.0.0}\n")
    result = run("check", "-c", "gateway.yaml", "--config", "open.yaml")
    assert result.exit_code == 0
    assert result.stdout == "gateway.yaml, open.yaml: ok: 2 providers, 2 models, 1 warning\n"
    (warning,) = result.stderr.splitlines()
    assert warning.startswith("warning: open.yaml:1:21: listener.address: the gateway is open")


def test_ten_mistakes_are_ten_lines(run: Run, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    golden = Path(__file__).parents[2] / "golden" / "problems"
    monkeypatch.setenv("OPENAI_API_KEY", "sk-is-set")
    shutil.copy(golden / "ten_mistakes.yaml", folder)
    result = run("check", "-c", "ten_mistakes.yaml")
    assert (result.exit_code, result.stdout) == (1, "")
    assert result.stderr == (golden / "ten_mistakes.expected").read_text()
    assert len(result.stderr.splitlines()) == 10


def test_every_problem_on_a_line(run: Run, folder: Path) -> None:
    text = GATEWAY.replace("provider: openai", "provider: opnai").replace("port: 8080", "port: high")
    (folder / "gateway.yaml").write_text(text)
    result = run("check")
    assert (result.exit_code, result.stdout) == (1, "")
    assert result.stderr.splitlines() == [
        "gateway.yaml:1:38: listener.port: expected a whole number, got text",
        "gateway.yaml:10:20: models.fast.targets[1].provider: no provider named 'opnai'; did you mean 'openai'?",
    ]


def test_json(run: Run, folder: Path) -> None:
    assert json.loads(run("check", "--json").stdout) == {"ok": True, "problems": [], "warnings": []}
    (folder / "gateway.yaml").write_text(GATEWAY.replace("port: 8080", "port: high"))
    result = run("check", "--json")
    assert (result.exit_code, result.stderr) == (1, "")
    assert json.loads(result.stdout) == {
        "ok": False,
        "problems": [
            {
                "file": "gateway.yaml",
                "line": 1,
                "col": 38,
                "path": "listener.port",
                "message": "expected a whole number, got text",
            }
        ],
        "warnings": [],
    }


def test_no_file(run: Run, folder: Path) -> None:
    (folder / "gateway.yaml").unlink()
    result = run("check")
    assert result.exit_code == 1
    assert result.stderr == "no configuration: give -c FILE, or run where a gateway.yaml is\n"
    result = run("check", "-c", "other.yaml")
    assert result.exit_code == 1
    assert result.stderr == "other.yaml:1:1: cannot read the file: No such file or directory\n"


@pytest.fixture
def trust_store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    path = tmp_path / "trust.pem"
    trustme.CA().cert_pem.write_to_path(str(path))
    monkeypatch.setenv("SSL_CERT_FILE", str(path))
    return path


def test_envoy_accepts(run: Run, trust_store: Path) -> None:
    result = run("check", "--envoy")
    assert (result.exit_code, result.stderr) == (0, "")
    assert result.stdout == "gateway.yaml: ok: 2 providers, 2 models, accepted by Envoy\n"


def test_envoy_refuses(run: Run, trust_store: Path) -> None:
    trust_store.unlink()
    result = run("check", "--envoy")
    message = f"Envoy refuses the configuration: Invalid path: {trust_store}"
    assert (result.exit_code, result.stdout) == (1, "")
    assert result.stderr == f"gateway.yaml:1:1: {message}\n"
    assert json.loads(run("check", "--envoy", "--json").stdout)["problems"][0]["message"] == message


def test_a_refused_constraint_is_told_without_the_configuration(trust_store: Path) -> None:
    compiled = compile_text(GATEWAY)
    for resource in compiled.resources:
        if resource.DESCRIPTOR.name == "Cluster":
            resource.connect_timeout.FromSeconds(0)
    found = refusal(compiled)
    assert found is not None
    assert found.startswith("Proto constraint validation failed (")
    assert found.endswith("ConnectTimeout: value must be greater than 0s)")


def test_tls_listener_with_client_certificates(run: Run, folder: Path, trust_store: Path) -> None:
    authority = trustme.CA()
    server = authority.issue_cert("gateway.test")
    server.cert_chain_pems[0].write_to_path(str(folder / "tls.crt"))
    server.private_key_pem.write_to_path(str(folder / "tls.key"))
    authority.cert_pem.write_to_path(str(folder / "ca.crt"))
    (folder / "tls.yaml").write_text(
        "listener: {tls: {cert_file: tls.crt, key_file: tls.key, client_ca_file: ca.crt, min_version: '1.2'}}"
    )
    files = ("-c", "gateway.yaml", "-c", "tls.yaml")
    assert run("check", "--envoy", *files).exit_code == 0
    rendered = run("render", *files).stdout
    assert "PRIVATE KEY" not in rendered
    assert server.private_key_pem.bytes().decode().splitlines()[1] not in rendered


def executable(path: Path, script: str) -> str:
    path.write_text(f"#!/bin/sh\n{script}\n")
    path.chmod(path.stat().st_mode | stat.S_IXUSR)
    return str(path)


@pytest.mark.parametrize(
    ("script", "expected"),
    [
        ("kill -9 $$", "Envoy died from signal 9 while it looked at the configuration\n"),
        (None, "cannot run {path}: No such file or directory\n"),
    ],
)
def test_envoy_cannot_be_asked(
    run: Run, folder: Path, monkeypatch: pytest.MonkeyPatch, script: str | None, expected: str
) -> None:
    path = folder / "envoy"
    monkeypatch.setenv("ENVOY", str(path) if script is None else executable(path, script))
    result = run("check", "--envoy")
    assert (result.exit_code, result.stderr) == (2, expected.format(path=path))


def test_no_envoy(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("ENVOY", raising=False)
    monkeypatch.setattr("importlib.metadata.files", lambda _: [])
    monkeypatch.setattr(shutil, "which", lambda _: None)
    with pytest.raises(EnvironmentFault, match="no Envoy binary"):
        refusal(compile_text(GATEWAY))
    with pytest.raises(FileNotFoundError):
        envoy_binary()


def test_the_document_is_in_a_file_without_a_name(
    run: Run, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    script = 'readlink "$4" > seen; wc -c < "$4" >> seen; ls -ld "$4" > /dev/null; exit 0'
    monkeypatch.setenv("ENVOY", executable(folder / "envoy", script))
    assert run("check", "--envoy").exit_code == 0
    name, size = (folder / "seen").read_text().splitlines()
    assert not Path(name).exists()
    assert int(size) > 10_000


PREFIX = "[2026-01-01 00:00:00.000][1][critical][main] [source/server.cc:76] error initializing configuration '/dev/fd/3': "


@pytest.mark.parametrize(
    ("output", "expected"),
    [
        (f"{PREFIX}Invalid path: /nope.crt\n", "Invalid path: /nope.crt"),
        (f"{PREFIX}malformed\n address", "malformed address"),
        (
            f"{PREFIX}goo.gle/debugproto\nnode {{\n}}\n: Proto constraint validation failed (A: too small)\n",
            "Proto constraint validation failed (A: too small)",
        ),
        (
            f'{PREFIX}Unable to parse JSON as proto (reason): {{"a":1}}\n',
            "Unable to parse JSON as proto (reason)",
        ),
        ("", "it did not say why"),
    ],
)
def test_reason(output: str, expected: str) -> None:
    assert reason(output, '{"a":1}') == expected


def test_a_secret_in_envoys_words_is_redacted() -> None:
    secret = SECRETS["OPENAI_API_KEY"]
    assert without_secrets(f"bad value {secret}!", compile_text(GATEWAY).plan) == "bad value [redacted]!"


def test_a_private_key_in_envoys_words_is_redacted() -> None:
    authority = trustme.CA()
    server = authority.issue_cert("gateway.test")
    key = server.private_key_pem.bytes()
    tls = "listener: {tls: {cert_file: tls.crt, key_file: tls.key}}"
    files = {"tls.crt": server.cert_chain_pems[0].bytes(), "tls.key": key}
    plan = compile_text(GATEWAY, tls, files=files).plan
    assert without_secrets(f"bad key {base64.b64encode(key).decode()}", plan) == "bad key [redacted]"
