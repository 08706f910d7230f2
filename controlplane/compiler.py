"""The whole configuration path: files -> plan -> snapshot, or problems. Pure but for the `io` it is given."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from google.protobuf.message import Message

from controlplane.config.io import ConfigIO
from controlplane.config.load import LoadResult, load
from controlplane.config.schema import Config
from controlplane.plan import Environment, Plan
from controlplane.resolve import resolve
from controlplane.snapshot import Snapshot
from controlplane.xds.build import resources


@dataclass(frozen=True, slots=True)
class Compiled:
    """A configuration without problems, in every form.

    config: the files' content, checked and merged.
    resources: the protobuf messages of `snapshot`; they hold secrets in clear.
    """

    loaded: LoadResult
    config: Config
    plan: Plan
    resources: tuple[Message, ...]
    snapshot: Snapshot


def compile_files(
    paths: Sequence[Path], io: ConfigIO, environment: Environment
) -> tuple[LoadResult, Compiled | None]:
    """What `paths` give together; None, and problems in the LoadResult, if it is wrong. Never raises."""
    loaded = load(paths, io)
    if loaded.config is None:
        return loaded, None
    plan = resolve(loaded.config, loaded.secrets, loaded.tls)
    built = tuple(resources(plan, environment))
    return loaded, Compiled(loaded, loaded.config, plan, built, Snapshot.of(built))
