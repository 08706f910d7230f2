"""The command line as a whole: help, mistakes, faults, colours, the installed script."""

import json
import os
import subprocess
import sys
from pathlib import Path

import click
import pytest
from click.shell_completion import ShellComplete
from click.testing import CliRunner

from controlplane.cli.errors import EnvironmentFault, InputError
from controlplane.cli.guard import exit_status
from controlplane.cli.main import COMMANDS, cli
from tests.controlplane.cli.conftest import GATEWAY, Run

SCRIPT = Path(sys.executable).with_name("llm-gateway")


def test_help_names_every_command_without_loading_one(run: Run) -> None:
    for arguments in ((), ("--help",), ("-h",)):
        result = run(*arguments)
        assert result.exit_code == 0
        assert all(f"  {name} " in result.stdout for name in COMMANDS)


def test_starting_loads_no_command_and_no_protobuf() -> None:
    code = (
        "import sys\n"
        "from controlplane.cli.main import cli\n"
        "heavy = ('google.protobuf', 'grpc', 'pydantic', 'openai', 'controlplane.compiler')\n"
        "sys.exit(', '.join(name for name in heavy if name in sys.modules) or 0)\n"
    )
    ended = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert (ended.returncode, ended.stderr) == (0, "")


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_has_help(run: Run, name: str) -> None:
    result = run(name, "--help")
    assert result.exit_code == 0
    assert f"llm-gateway {name}" in result.stdout


def test_shells_complete_commands() -> None:
    completion = ShellComplete(cli, {}, "llm-gateway", "_LLM_GATEWAY_COMPLETE")
    assert [item.value for item in completion.get_completions([], "s")] == ["status", "schema"]


def test_version(run: Run) -> None:
    result = run("--version")
    assert result.exit_code == 0
    assert result.stdout.startswith("llm-gateway ")


@pytest.mark.parametrize(
    ("arguments", "begins", "ends"),
    [
        (("chek",), "llm-gateway: No such command 'chek'", "; see llm-gateway --help\n"),
        (("check", "--nope"), "llm-gateway check: No such option", "; see llm-gateway check --help\n"),
        (("explain",), "llm-gateway explain: Missing option '--model'", "; see llm-gateway explain --help\n"),
        (
            ("schema", "x"),
            "llm-gateway schema: Got unexpected extra argument",
            "; see llm-gateway schema --help\n",
        ),
    ],
)
def test_wrong_arguments_are_the_users(run: Run, arguments: tuple[str, ...], begins: str, ends: str) -> None:
    result = run(*arguments)
    assert (result.exit_code, result.stdout) == (1, "")
    assert result.stderr.startswith(begins)
    assert result.stderr.endswith(ends)
    assert len(result.stderr.splitlines()) == 1


def test_a_command_that_cannot_be_loaded_leaves_the_others_alone(
    run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "controlplane.cli.demo", None)
    result = run("demo")
    assert (result.exit_code, result.stdout) == (2, "")
    assert result.stderr.startswith("llm-gateway demo cannot be loaded: ")
    assert run("check").exit_code == 0


def raising(error: BaseException) -> click.Command:
    @click.command()
    def broken() -> None:
        raise error

    return broken


def status_of(error: BaseException, capsys: pytest.CaptureFixture[str]) -> tuple[int, str]:
    status = exit_status(lambda: raising(error).main([], standalone_mode=False))
    printed = capsys.readouterr()
    assert printed.out == ""
    return status, printed.err


@pytest.mark.parametrize(
    ("error", "status", "printed"),
    [
        (InputError("one\ntwo"), 1, "one\ntwo\n"),
        (InputError(""), 1, ""),
        (EnvironmentFault("no Envoy"), 2, "no Envoy\n"),
        (PermissionError(13, "Permission denied", "/x"), 2, "/x: Permission denied\n"),
        (OSError(28, "No space left on device"), 2, "No space left on device\n"),
        (OSError("odd"), 2, "odd\n"),
        (
            ValueError("two\nlines"),
            2,
            "internal error: ValueError: two lines; LLM_GATEWAY_DEBUG=1 shows where\n",
        ),
        (click.Abort(), 130, ""),
    ],
)
def test_every_error_is_a_line_and_a_status(
    error: BaseException, status: int, printed: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert status_of(error, capsys) == (status, printed)


def test_interrupts(capsys: pytest.CaptureFixture[str]) -> None:
    assert status_of(KeyboardInterrupt(), capsys)[0] == 130


def test_the_traceback_is_for_those_who_ask(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LLM_GATEWAY_DEBUG", "1")
    for error in (ValueError("bad"), OSError(28, "full")):
        status, printed = status_of(error, capsys)
        assert status == 2
        assert printed.startswith("Traceback")


def test_a_group_ends_the_process() -> None:
    with pytest.raises(SystemExit) as ended:
        cli.main(["nope"])
    assert ended.value.code == 1


def test_colours_are_for_terminals(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    arguments = ("check", "-c", "missing.yaml")
    assert "\x1b[31m" in run(*arguments, color=True).stderr
    assert "\x1b" not in run(*arguments).stderr
    monkeypatch.setenv("NO_COLOR", "1")
    assert "\x1b" not in CliRunner().invoke(cli, arguments).stderr


def test_the_installed_script(folder: Path) -> None:
    def run(*arguments: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [SCRIPT, *arguments], cwd=folder, env=os.environ, capture_output=True, text=True, check=False
        )

    good = run("check", "--json")
    assert (good.returncode, good.stderr) == (0, "")
    assert json.loads(good.stdout)["ok"] is True
    (folder / "gateway.yaml").write_text(GATEWAY.replace("8080", "high"))
    bad = run("check")
    assert (bad.returncode, bad.stdout) == (1, "")
    assert bad.stderr == "gateway.yaml:1:38: listener.port: expected a whole number, got text\n"


def test_output_that_cannot_be_written(folder: Path) -> None:
    with Path("/dev/full").open("w") as full:
        ended = subprocess.run(
            [SCRIPT, "render"], cwd=folder, stdout=full, stderr=subprocess.PIPE, text=True, check=False
        )
    assert (ended.returncode, ended.stderr) == (2, "No space left on device\n")


def test_a_reader_that_has_gone(folder: Path) -> None:
    reading, writing = os.pipe()
    os.close(reading)
    ended = subprocess.run(
        [SCRIPT, "render"], cwd=folder, stdout=writing, stderr=subprocess.PIPE, text=True, check=False
    )
    os.close(writing)
    assert ended.stderr == ""
