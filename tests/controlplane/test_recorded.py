"""What a configuration was made of, there and back."""

import errno
from pathlib import Path

import pytest

from controlplane.compiler import compile_files
from controlplane.recorded import Recorder, Recording
from tests.controlplane.compiling import ENVIRONMENT, LOOPBACK, PROVIDERS, SECRETS
from tests.controlplane.config.memory import MemoryIO


def test_the_same_input_makes_the_same_resources() -> None:
    text = f"{LOOPBACK}\n{PROVIDERS}\nmodels: {{a: {{target: openai/a}}}}\n"
    recorder = Recorder(MemoryIO({"gateway.yaml": text.encode()}, SECRETS))
    _, compiled = compile_files([Path("gateway.yaml")], recorder, ENVIRONMENT)
    again = Recording.decode(recorder.recording().encode())
    _, recompiled = compile_files([Path("gateway.yaml")], again, ENVIRONMENT)
    assert compiled is not None
    assert recompiled is not None
    assert recompiled.snapshot == compiled.snapshot
    assert "sk-" not in repr(again)


def test_what_could_not_be_read_still_cannot() -> None:
    recorder = Recorder(MemoryIO({"secret": errno.EACCES}, {}))
    with pytest.raises(OSError):
        recorder.read(Path("secret"))
    assert recorder.env("UNSET") is None
    again = Recording.decode(recorder.recording().encode())
    with pytest.raises(PermissionError):
        again.read(Path("secret"))
    with pytest.raises(FileNotFoundError):
        again.read(Path("never asked for"))
    assert again.env("UNSET") is None


@pytest.mark.parametrize("data", [b"", b"[]", b"{}", b'{"files": {}}', b'{"files": 1, "variables": {}}'])
def test_damage_is_noticed(data: bytes) -> None:
    with pytest.raises((ValueError, KeyError, TypeError, AttributeError)):
        Recording.decode(data)
