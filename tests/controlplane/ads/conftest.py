from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio
from ads_envoy import RealEnvoy, running_envoy


@pytest.fixture(params=["GRPC", "DELTA_GRPC"])
def api_type(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest_asyncio.fixture
async def envoy(tmp_path: Path, api_type: str) -> AsyncIterator[RealEnvoy]:
    async with running_envoy(tmp_path, api_type) as running:
        yield running
