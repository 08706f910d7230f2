"""Where the recorded traffic of real providers is."""

from __future__ import annotations

import os
from pathlib import Path

RECORDED = Path(os.environ.get("LLM_GATEWAY_RECORDED", Path(__file__).parents[3] / "shared" / "recorded"))
