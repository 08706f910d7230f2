from __future__ import annotations

from typing import Any

import pytest
from ads_world import DELTA, SOTW, Envoy


@pytest.fixture(params=[SOTW, DELTA])
def variant(request: Any) -> str:
    return str(request.param)


@pytest.fixture
def envoy(variant: str) -> Envoy:
    return Envoy(variant)
