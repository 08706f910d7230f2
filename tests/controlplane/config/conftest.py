"""A world in memory for the configuration loader."""

from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

from controlplane.config.load import LoadResult, load
from tests.controlplane.config.memory import ENVIRONMENT, MemoryIO

Load = Callable[..., LoadResult]


@pytest.fixture
def load_texts() -> Load:
    """load_texts(text, ..., files={}, env={}) -> the result for 1.yaml, 2.yaml, ... with these texts."""

    def run(
        *texts: str | bytes,
        files: Mapping[str, bytes | int] | None = None,
        env: Mapping[str, str] = ENVIRONMENT,
    ):
        named = {
            f"{index}.yaml": text.encode() if isinstance(text, str) else text
            for index, text in enumerate(texts, 1)
        }
        return load([Path(name) for name in named], MemoryIO({**named, **(files or {})}, env))

    return run
