"""Files -> snapshot, or problems."""

from pathlib import Path

from controlplane.compiler import compile_files
from controlplane.environment import EXT_PROC, TRUST_STORES, default_environment
from controlplane.snapshot import CLUSTER, LISTENER, ROUTES, SECRET
from extproc.contract import names
from protos.api import Secret
from tests.controlplane.compiling import ENVIRONMENT, LOOPBACK, PROVIDERS, SECRETS, compile_text
from tests.controlplane.config.memory import MemoryIO

TEXT = f"{LOOPBACK}\n{PROVIDERS}\nmodels: {{m: {{target: openai/m}}, n: {{target: claude/n}}}}"


def test_every_resource_is_in_the_snapshot() -> None:
    compiled = compile_text(TEXT)
    found = {type_url: set(named) for type_url, named in compiled.snapshot.resources.items()}
    assert found == {
        SECRET: {"provider/openai", "provider/claude"},
        CLUSTER: {
            names.CLUSTER_EXT_PROC,
            *("provider/openai", "provider/claude", "ext_proc/openai", "ext_proc/claude"),
        },
        LISTENER: {names.LISTENER},
        ROUTES: {names.ROUTE_CONFIGURATION},
    }
    assert len(compiled.resources) == sum(map(len, found.values()))


def test_the_same_files_give_the_same_version() -> None:
    assert compile_text(TEXT).snapshot == compile_text(TEXT).snapshot
    assert compile_text(TEXT).snapshot.version != compile_text(TEXT, "listener: {port: 1}").snapshot.version


def test_the_order_of_providers_in_the_file_does_not_matter() -> None:
    lines = PROVIDERS.strip().splitlines()
    other = TEXT.replace(PROVIDERS, "\n".join([lines[0], *reversed(lines[1:])]))
    assert other != TEXT
    assert compile_text(other).snapshot == compile_text(TEXT).snapshot


def test_problems_give_no_snapshot() -> None:
    io = MemoryIO({"1.yaml": b"models: {m: {target: nobody/m}}"}, {})
    loaded, compiled = compile_files([Path("1.yaml")], io, ENVIRONMENT)
    assert compiled is None
    assert loaded.problems


def test_secrets_are_in_the_secret_resources_alone() -> None:
    for resource in compile_text(TEXT).resources:
        holds = any(secret.encode() in resource.SerializeToString() for secret in SECRETS.values())
        assert holds == isinstance(resource, Secret)


def test_environment_of_the_machine() -> None:
    def default(variables: dict[str, str], *files: str) -> str:
        return default_environment(variables=variables, is_file=files.__contains__).ca_file

    assert default({"SSL_CERT_FILE": "/mine.pem"}, TRUST_STORES[0]) == "/mine.pem"
    assert default({"SSL_CERT_FILE": ""}, *TRUST_STORES[1:]) == TRUST_STORES[1]
    assert default({}, TRUST_STORES[-1]) == TRUST_STORES[-1]
    assert default({}) == "/etc/ssl/certs/ca-certificates.crt"
    assert default_environment().ext_proc == EXT_PROC
    assert default_environment(("unix:/a", "b:1")).ext_proc == ("unix:/a", "b:1")
