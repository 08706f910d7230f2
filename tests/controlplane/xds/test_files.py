"""xDS as files: whatever came over ADS comes from a file that is there."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from controlplane.xds.bootstrap import BootstrapPlan
from controlplane.xds.files import Where, files
from protos.api import Cluster
from tests.controlplane.xds.test_golden import SOURCES, compiled

PLAN = BootstrapPlan(node_id="n", ads="unix:/ads", admin="unix:/admin")
WHERE = Where(Path("/last-good"), Path("/last-good/current"))


def sources(value: Any) -> Iterator[dict[str, Any]]:
    if isinstance(value, dict):
        assert "ads" not in value
        if "path_config_source" in value:
            yield value["path_config_source"]
        value = list(value.values())
    if isinstance(value, list):
        for item in value:
            yield from sources(item)


@pytest.mark.parametrize("source", SOURCES, ids=lambda path: path.stem)
def test_every_source_is_a_file_that_exists(source: Path) -> None:
    written = files(compiled(source).resources, "v", PLAN, WHERE, bootstrap_name="envoy.json")
    named = set()
    for content in written.values():
        for found in sources(json.loads(content)):
            assert found["watched_directory"] == {"path": "/last-good"}
            named.add(Path(found["path"]))
    assert named == {WHERE.current / name for name in written if name != "envoy.json"}


def test_one_resource_a_file_but_for_clusters_and_listeners() -> None:
    for content in (
        files(compiled(source).resources, "v", PLAN, WHERE, bootstrap_name="b") for source in SOURCES
    ):
        for name, text in content.items():
            if name not in ("clusters.json", "listeners.json", "b"):
                assert len(json.loads(text)["resources"]) == 1


def test_the_bootstrap_asks_nobody() -> None:
    written = files([], "v", PLAN, WHERE, bootstrap_name="b")
    bootstrap = json.loads(written["b"])
    assert bootstrap["dynamic_resources"].keys() == {"cds_config", "lds_config"}
    assert "static_resources" not in bootstrap
    assert bootstrap["admin"]["address"] == {"pipe": {"path": "/admin"}}


def test_endpoints_and_an_unknown_source() -> None:
    cluster = Cluster(name="c", type="EDS", eds_cluster_config={"eds_config": {"ads": {}}})
    written = files([cluster], "v", PLAN, WHERE, bootstrap_name="b")
    (found,) = sources(json.loads(written["clusters.json"]))
    assert "ClusterLoadAssignment-" in found["path"]
    unknown = Cluster(name="c", lrs_server={"ads": {}})
    with pytest.raises(ValueError, match="lrs_server"):
        files([unknown], "v", PLAN, WHERE, bootstrap_name="b")
