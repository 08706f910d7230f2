"""What most commands begin with: the compilation of files on this machine."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from controlplane.cli.errors import InputError
from controlplane.compiler import Compiled, compile_files
from controlplane.config.io import SystemIO
from controlplane.config.load import LoadResult
from controlplane.environment import default_environment


def compile_paths(paths: Sequence[Path]) -> tuple[LoadResult, Compiled | None]:
    """What these files give together; None if there are problems."""
    return compile_files(paths, SystemIO(), default_environment())


def compiled(*configurations: Sequence[Path]) -> list[Compiled]:
    """Each set of files, compiled. Raises: InputError with every problem of all of them."""
    results = [compile_paths(paths) for paths in configurations]
    found = dict.fromkeys(problem for loaded, _ in results for problem in loaded.problems)
    if found:
        raise InputError("\n".join(map(str, found)))
    return [result for _, result in results if result is not None]
