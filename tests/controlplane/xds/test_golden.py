"""tests/golden/xds: each YAML file, the resources it gives, and what Envoy says to them."""

from pathlib import Path

import pytest
import trustme

from controlplane.cli.envoy_validate import refusal
from controlplane.compiler import Compiled, compile_files
from controlplane.plan import Environment
from controlplane.render import resources_yaml
from protos.api import Listener
from tests.controlplane.compiling import ENVIRONMENT, SECRETS, FilesAndSecrets

FOLDER = Path(__file__).parents[2] / "golden" / "xds"
SUFFIX = ".expected.yaml"
SOURCES = sorted(path for path in FOLDER.glob("*.yaml") if not path.name.endswith(SUFFIX))
WHOLE = FOLDER / "native.yaml"
"""The one whose listener is written out: it is the same in all."""


def compiled(source: Path, environment: Environment = ENVIRONMENT) -> Compiled:
    loaded, result = compile_files([source], FilesAndSecrets(), environment)
    assert result is not None, [str(problem) for problem in loaded.problems]
    return result


@pytest.mark.parametrize("source", SOURCES, ids=lambda path: path.stem)
def test_resources(source: Path, update_golden: bool) -> None:
    resources = compiled(source).resources
    if source != WHOLE:
        resources = tuple(resource for resource in resources if not isinstance(resource, Listener))
    text = resources_yaml(resources)
    expected = source.with_name(source.stem + SUFFIX)
    if update_golden:
        expected.write_text(text)
    assert text == expected.read_text()
    assert not any(secret in text for secret in SECRETS.values())


@pytest.mark.parametrize("source", SOURCES, ids=lambda path: path.stem)
def test_nothing_but_the_listener_section_changes_the_listener(source: Path) -> None:
    def listener(path: Path) -> list[object]:
        return [resource for resource in compiled(path).resources if isinstance(resource, Listener)]

    assert listener(source) == listener(WHOLE)


@pytest.mark.parametrize("source", SOURCES, ids=lambda path: path.stem)
def test_envoy_accepts(source: Path, tmp_path: Path) -> None:
    ca_file = tmp_path / "ca.pem"
    trustme.CA().cert_pem.write_to_path(str(ca_file))
    assert refusal(compiled(source, Environment(ENVIRONMENT.ext_proc, str(ca_file)))) is None


def test_every_expectation_has_a_source(update_golden: bool) -> None:
    stray = {
        path
        for path in FOLDER.glob(f"*{SUFFIX}")
        if path.with_name(path.name.removesuffix(SUFFIX) + ".yaml") not in SOURCES
    }
    if update_golden:
        for path in stray:
            path.unlink()
        return
    assert stray == set()
