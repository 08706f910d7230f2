"""The log of long-running commands: lines on stderr."""

from __future__ import annotations

import logging


def log_to_stderr(level: int) -> None:
    """What the control plane and the supervisor have to say."""
    logging.basicConfig(level=level, format="%(asctime)s %(name)s %(levelname)s %(message)s")
    logging.getLogger("watchfiles").setLevel(logging.WARNING)  # it counts events at INFO
