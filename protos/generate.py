"""Write ``protos/api.py`` and the type stubs in ``protos/stubs`` for the messages we use.

    python -m protos.generate      needs grpcio-tools (a development dependency)

`api.py` gives each message a short name; the stubs let the type checker know its fields.
"""

from __future__ import annotations

import gzip
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from protos.loader import DESCRIPTOR_SET, descriptor_set, message
from protos.messages import MESSAGES

HERE = Path(__file__).parent
STUBS = HERE / "stubs"


def _file_of(full_name: str) -> str:
    return str(message(full_name).DESCRIPTOR.file.name)


def _closure(files: set[str]) -> list[str]:
    """`files` and all that they import, less what the protobuf package types itself."""
    dependencies = {file.name: list(file.dependency) for file in descriptor_set().file}
    found: set[str] = set()
    todo = sorted(files)
    while todo:
        name = todo.pop()
        if name not in found and not name.startswith("google/protobuf/"):
            found.add(name)
            todo.extend(dependencies[name])
    return sorted(found)


def write_stubs(folder: Path) -> None:
    """Write the stubs of all messages we use, and of what those need, into the empty `folder`."""
    with tempfile.NamedTemporaryFile(suffix=".binpb") as descriptors:
        descriptors.write(gzip.decompress(DESCRIPTOR_SET.read_bytes()))
        descriptors.flush()
        subprocess.run(
            [
                *(sys.executable, "-m", "grpc_tools.protoc"),
                f"--descriptor_set_in={descriptors.name}",
                f"--pyi_out={folder}",
                *_closure({_file_of(name) for name in MESSAGES.values()}),
            ],
            check=True,
        )


def api_source() -> str:
    """The text of ``api.py``."""
    imports, runtime = [], []
    for alias, full_name in sorted(MESSAGES.items()):
        module = _file_of(full_name).removesuffix(".proto").replace("/", ".") + "_pb2"
        name = full_name.rpartition(".")[2]
        imports.append(f"    from {module} import {name if name == alias else f'{name} as {alias}'}")
        runtime.append(f'    {alias} = message("{full_name}")')
    return "\n".join(
        [
            '"""Short names of the Envoy messages we use. Written by ``python -m protos.generate``."""',
            "# fmt: off",
            "# ruff: noqa",
            "",
            "from typing import TYPE_CHECKING",
            "",
            "from protos.loader import message",
            "",
            "if TYPE_CHECKING:",
            *imports,
            "else:",
            *runtime,
            "",
            "__all__ = [",
            *(f'    "{alias}",' for alias in sorted(MESSAGES)),
            "]",
            "",
        ]
    )


def main() -> None:
    shutil.rmtree(STUBS, ignore_errors=True)
    STUBS.mkdir()
    write_stubs(STUBS)
    (HERE / "api.py").write_text(api_source())


if __name__ == "__main__":
    main()
