"""What the supervisor tells the control plane, which may start again at any moment: one small file."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from enum import Enum
from pathlib import Path


class Source(Enum):
    """Where the running Envoy has its configuration from."""

    ADS = "ads"
    FILES = "files"
    """The last good configuration on disk: the control plane was away when Envoy started."""


@dataclass(frozen=True, slots=True)
class GroupState:
    """By a process's name, restarts: since the group started; pids: of those that run now."""

    draining: bool = False
    envoy_from: str = Source.ADS.value
    restarts: Mapping[str, int] = field(default_factory=dict)
    pids: Mapping[str, int] = field(default_factory=dict)

    def write(self, path: Path) -> None:
        new = path.with_suffix(".new")
        new.write_text(json.dumps(asdict(self)))
        new.replace(path)

    @classmethod
    def read(cls, path: Path) -> GroupState:
        """The default if there is none."""
        try:
            return cls(**json.loads(path.read_bytes()))
        except (OSError, ValueError, TypeError):
            return cls()

    def metrics(self) -> str:
        """For Prometheus (https://prometheus.io/docs/instrumenting/exposition_formats/)."""
        lines = [
            "# HELP llm_gateway_process_restarts_total How often a process of the group died.",
            "# TYPE llm_gateway_process_restarts_total counter",
            *(
                f'llm_gateway_process_restarts_total{{process="{name}"}} {count}'
                for name, count in self.restarts.items()
            ),
            "# HELP llm_gateway_envoy_from_files 1: Envoy started from the last good configuration on disk.",
            "# TYPE llm_gateway_envoy_from_files gauge",
            f"llm_gateway_envoy_from_files {int(self.from_files)}",
        ]
        return "\n".join(lines) + "\n"

    @property
    def from_files(self) -> bool:
        return self.envoy_from == Source.FILES.value
