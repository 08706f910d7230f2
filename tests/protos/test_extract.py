"""The Envoy API, taken out of the Envoy binary."""

from __future__ import annotations

import re
import subprocess
import sys

import pytest

from protos.binary import envoy_binary
from protos.extract import ExtractionError, extract, write
from protos.loader import DESCRIPTOR_SET, descriptor_set
from protos.messages import MESSAGES


@pytest.fixture(scope="module")
def binary() -> bytes:
    return envoy_binary().read_bytes()


@pytest.fixture(scope="module")
def descriptors(binary) -> bytes:
    """The part of the binary where the descriptors are; the same comes out of it, sooner."""
    found = [binary.find(file.SerializeToString()) for file in descriptor_set().file]
    return binary[min(found) : max(found) + 1024 * 1024]


def test_the_committed_descriptors_are_those_of_the_installed_envoy(binary):
    extracted = {file.name: file for file in extract(binary).file}
    committed = {file.name: file for file in descriptor_set().file}
    assert extracted.keys() == committed.keys()
    different = [name for name in committed if extracted[name] != committed[name]]
    assert different == []


def test_what_is_written_is_the_same_bytes_each_time(binary, tmp_path):
    write(extract(binary), tmp_path / "again.gz")
    assert (tmp_path / "again.gz").read_bytes() == DESCRIPTOR_SET.read_bytes()


def test_dependencies_come_first():
    seen: set[str] = set()
    for file in descriptor_set().file:
        assert seen.issuperset(file.dependency)
        seen.add(file.name)
    assert len(seen) == len(descriptor_set().file)


@pytest.mark.parametrize(
    "garbage",
    [b"", b"garbage" * 1000, b"\x0a\x08a/b.proto", b"\x0a\x09a/b.proto" + b"\xff" * 100, b"\x0a" * 1000],
)
def test_what_is_not_envoy(garbage):
    with pytest.raises(ExtractionError, match=r"the binary does not know|has no end"):
        extract(garbage)


def test_a_binary_that_is_cut_anywhere_is_refused_or_whole(descriptors):
    """A descriptor that is cut at the end of one of its fields still reads as a descriptor."""
    whole = extract(descriptors)
    cuts = range(len(descriptors) // 40, len(descriptors), len(descriptors) // 40)
    refused = 0
    for cut in cuts:
        try:
            assert extract(descriptors[:cut]) == whole
        except ExtractionError:
            refused += 1
    assert refused > len(cuts) // 4


@pytest.mark.parametrize(
    "name", ["envoy/config/cluster/v3/cluster.proto", "xds/type/matcher/v3/matcher.proto"]
)
def test_a_file_without_its_end(descriptors, name):
    [file] = [file for file in descriptor_set().file if file.name == name]
    data = file.SerializeToString()
    at = descriptors.index(data)
    ending = b"b\x06proto3"
    assert data.endswith(ending)
    cut = descriptors[: at + len(data) - len(ending)] + b"\x00" * len(ending) + descriptors[at + len(data) :]
    with pytest.raises(ExtractionError, match=f"{name} has no end"):
        extract(cut)


def test_a_file_that_is_not_there(descriptors):
    name = b"envoy/type/v3/percent.proto"
    begins = bytes([0x0A, len(name)]) + name
    missing = descriptors.replace(begins, begins.replace(b"percent", b"perc\x00nt"))
    with pytest.raises(ExtractionError, match=r"imports envoy/type/v3/percent\.proto, which the binary"):
        extract(missing)


def test_an_envoy_without_a_message_that_we_use(descriptors, monkeypatch):
    monkeypatch.setitem(MESSAGES, "Dream", "envoy.config.dream.v3.Dream")
    with pytest.raises(ExtractionError, match=re.escape("does not know envoy.config.dream.v3.Dream")):
        extract(descriptors)


@pytest.mark.parametrize(
    ("content", "reason"), [(None, "No such file"), (b"garbage", "is it Envoy, and all of it?")]
)
def test_the_tool_says_why_and_leaves_the_committed_set_alone(tmp_path, content, reason):
    before = DESCRIPTOR_SET.read_bytes()
    path = tmp_path / "envoy"
    if content is not None:
        path.write_bytes(content)
    told = subprocess.run(
        [sys.executable, "-m", "protos.extract", "--binary", str(path)],
        capture_output=True,
        text=True,
        check=False,
    )
    assert told.returncode == 1
    [line] = told.stderr.splitlines()
    assert line.startswith("protos.extract: ")
    assert reason in line
    assert DESCRIPTOR_SET.read_bytes() == before
