"""`explain`, `render`, `diff`, `bootstrap`, `schema`: what they print and how they end."""

import json
from pathlib import Path

import pytest
import yaml

from controlplane.cli import bootstrap as bootstrap_command
from controlplane.cli.diff import NO_CHANGE
from controlplane.config.json_schema import json_schema
from protos.loader import from_dict
from tests.controlplane.cli.conftest import GATEWAY, Run
from tests.controlplane.compiling import OPENAIS, TRANSLATED


def test_explain(run: Run) -> None:
    result = run("explain", "--model", "gpt-4o")
    assert (result.exit_code, result.stderr) == (0, "")
    assert result.stdout.splitlines()[:3] == [
        "model       gpt-4o  (exact name; no stream)",
        "endpoint    /v1/chat/completions",
        "path        native: Envoy carries it alone",
    ]


def test_explain_of_another_endpoint(run: Run) -> None:
    result = run("explain", "--model", "gpt-4o", "--endpoint", "/v1/messages")
    assert result.stdout.splitlines()[1:3] == [
        "endpoint    /v1/messages",
        "path        ext_proc: openai speaks another format (openai): bodies are translated",
    ]
    assert run("explain", "--model", "gpt-4o", "--endpoint", "/v1/nonesuch").exit_code == 1


def test_explain_says_that_headers_change_nothing(run: Run) -> None:
    plain = run("explain", "--model", "gpt-4o").stdout
    result = run("explain", "--model", "gpt-4o", "--header", "x-region=eu", "--header", "x-a=")
    assert result.stdout == plain + "headers     not looked at: no rule of this version depends on them\n"


def test_explain_json(run: Run) -> None:
    found = json.loads(run("explain", "--model", "fast", "--stream", "--json").stdout)
    assert found["matched"] == "fast"
    assert found["stream"] is True
    assert [order["leaves"] for order in found["orders"]] == [["claude", "openai"], ["openai", "claude"]]


def test_explain_an_unknown_model(run: Run) -> None:
    message = "404 model_not_found: no model named 'gpt-4'; did you mean 'gpt-4o'?"
    result = run("explain", "--model", "gpt-4")
    assert (result.exit_code, result.stdout, result.stderr) == (1, "", f"{message}\n")
    result = run("explain", "--model", "gpt-4", "--json")
    assert (result.exit_code, result.stderr) == (1, f"{message}\n")
    assert json.loads(result.stdout)["status"] == 404


def test_explain_refuses_clients(run: Run) -> None:
    result = run("explain", "--model", "fast", "--client", "team-a")
    assert (result.exit_code, result.stdout) == (1, "")
    assert result.stderr == "--client: clients are not supported in this version\n"


@pytest.mark.parametrize("header", ["authorization: secret-value", "=secret-value"])
def test_explain_never_repeats_a_malformed_header(run: Run, header: str) -> None:
    result = run("explain", "--model", "fast", "--header", header)
    assert result.exit_code == 1
    assert "expected NAME=VALUE" in result.stderr
    assert "secret-value" not in result.output


def test_render_is_stable_yaml_by_type(run: Run) -> None:
    first, second = (run("render") for _ in range(2))
    assert first.exit_code == 0
    assert first.stdout == second.stdout
    found = yaml.safe_load(first.stdout)
    assert list(found) == ["secrets", "clusters", "listeners", "routes"]
    assert found["secrets"] == [
        {"name": name, "generic_secret": {"secret": {"inline_string": "[redacted]"}}}
        for name in ("provider/claude", "provider/openai")
    ]
    names = [cluster["name"] for cluster in found["clusters"]]
    assert names == sorted(names)


def test_what_render_prints_is_what_envoy_reads(run: Run) -> None:
    found = yaml.safe_load(run("render").stdout)
    for cluster in found["clusters"]:
        assert from_dict("envoy.config.cluster.v3.Cluster", cluster).name == cluster["name"]
    (listener,) = found["listeners"]
    assert from_dict("envoy.config.listener.v3.Listener", listener).name == "gateway"


def test_diff(run: Run, folder: Path) -> None:
    text = GATEWAY.replace("weight: 80", "weight: 20").replace("8080", "8081").replace("gpt-4o:", "gpt-5:")
    (folder / "new.yaml").write_text(f"{text}admin: {{port: 9999}}\n")
    result = run("diff", "-c", "gateway.yaml", "-c", "new.yaml")
    assert (result.exit_code, result.stderr) == (0, "")
    assert result.stdout.splitlines() == [
        "model fast: changed",
        "  share of claude/haiku: 80 % -> 50 %",
        "  share of openai/mini: 20 % -> 50 %",
        "model gpt-4o: removed",
        "model gpt-5: added",
        "  order: openai/gpt-4o",
        (
            "  path: ext_proc: the model is called 'gpt-4o' at openai: the name in the body changes "
            f"({OPENAIS}); {TRANSLATED}"
        ),
        "listener: changed",
        "  port: 8080 -> 8081",
        "  connections to the old listener are drained: streams that outlast the drain time are cut",
        "admin: changed",
        "  address: 127.0.0.1:9901 -> 127.0.0.1:9999",
        "  takes effect at a restart",
        "envoy",
        "  LDS  changed gateway",
        "  RDS  changed gateway",
    ]


def test_diff_of_rotated_keys_shows_no_value(run: Run, folder: Path) -> None:
    (folder / "new.yaml").write_text("providers: {claude: {api_key: {env: OTHER_KEY}}}")
    result = run("diff", "--old", "gateway.yaml", "--new", "gateway.yaml", "--new", "new.yaml")
    assert result.stdout.splitlines() == [
        "provider claude: changed",
        "  key: rotated; no stream is cut",
        "envoy",
        "  SDS  changed provider/claude",
    ]


def test_diff_json(run: Run, folder: Path) -> None:
    (folder / "new.yaml").write_text("models: {more: {target: openai/more}}")
    result = run("diff", "--old", "gateway.yaml", "--new", "gateway.yaml", "--new", "new.yaml", "--json")
    assert json.loads(result.stdout) == {
        "changed": True,
        "changes": [
            {
                "subject": "model",
                "name": "more",
                "action": "added",
                "details": [
                    "order: openai/more",
                    f"path: native: Envoy carries it alone ({OPENAIS}); {TRANSLATED}",
                ],
            }
        ],
        "xds": [{"service": "RDS", "added": [], "changed": ["gateway"], "removed": []}],
    }


def test_diff_of_layout_alone(run: Run, folder: Path) -> None:
    (folder / "new.yaml").write_text(yaml.safe_dump(yaml.safe_load(GATEWAY), sort_keys=False))
    result = run("diff", "-c", "gateway.yaml", "-c", "new.yaml")
    assert (result.exit_code, result.stdout) == (0, f"{NO_CHANGE}\n")
    assert json.loads(run("diff", "-c", "gateway.yaml", "-c", "new.yaml", "--json").stdout) == {
        "changed": False,
        "changes": [],
        "xds": [],
    }


@pytest.mark.parametrize(
    "arguments",
    [
        (),
        ("-c", "gateway.yaml"),
        ("--old", "gateway.yaml"),
        ("-c", "a", "-c", "b", "-c", "c"),
        ("-c", "a", "-c", "b", "--old", "c"),
    ],
)
def test_diff_needs_two_sides(run: Run, arguments: tuple[str, ...]) -> None:
    result = run("diff", *arguments)
    assert result.exit_code == 1
    assert result.stderr == (
        "llm-gateway diff: give -c OLD -c NEW, or --old FILE and --new FILE; see llm-gateway diff --help\n"
    )


def test_diff_reports_the_problems_of_both_sides(run: Run) -> None:
    result = run("diff", "-c", "one.yaml", "-c", "two.yaml")
    assert result.exit_code == 1
    assert result.stderr.splitlines() == [
        "one.yaml:1:1: cannot read the file: No such file or directory",
        "two.yaml:1:1: cannot read the file: No such file or directory",
    ]


def test_bootstrap_defaults(run: Run) -> None:
    found = yaml.safe_load(run("bootstrap").stdout)
    message = from_dict("envoy.config.bootstrap.v3.Bootstrap", found)
    assert message.node.id == bootstrap_command.NODE_ID
    assert f"unix:{message.admin.address.pipe.path}" == bootstrap_command.ADMIN
    (cluster,) = message.static_resources.clusters
    (endpoint,) = cluster.load_assignment.endpoints[0].lb_endpoints
    assert f"unix:{endpoint.endpoint.address.pipe.path}" == bootstrap_command.ADS


def test_bootstrap_elsewhere(run: Run) -> None:
    arguments = ("--ads", "control-plane.gateway:18000", "--admin", "[::1]:9902", "--node-id", "pod-7")
    found = yaml.safe_load(run("bootstrap", *arguments).stdout)
    assert found["node"]["id"] == "pod-7"
    assert found["admin"]["address"]["socket_address"] == {"address": "::1", "port_value": 9902}
    (cluster,) = found["static_resources"]["clusters"]
    assert cluster["type"] == "STRICT_DNS"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--ads", "nowhere"), "expected unix:PATH or HOST:PORT"),
        (("--ads", "host:0"), "expected unix:PATH or HOST:PORT"),
        (("--ads", "host:65536"), "expected unix:PATH or HOST:PORT"),
        (("--ads", "unix:relative.sock"), "a socket's path is absolute and has 107 bytes at most"),
        (("--ads", f"unix:/{'x' * 107}"), "a socket's path is absolute and has 107 bytes at most"),
        (("--admin", "localhost:9902"), "Envoy listens on IP addresses only, e.g. 127.0.0.1:9902"),
        (("--node-id", ""), "--node-id must not be empty"),
    ],
)
def test_bootstrap_refuses(run: Run, arguments: tuple[str, ...], message: str) -> None:
    result = run("bootstrap", *arguments)
    assert (result.exit_code, result.stdout) == (1, "")
    assert message in result.stderr
    assert len(result.stderr.splitlines()) == 1


def test_schema(run: Run) -> None:
    result = run("schema")
    assert result.exit_code == 0
    assert json.loads(result.stdout) == json_schema()
