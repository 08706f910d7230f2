"""Compiles ext_proc's hot loop with mypyc: the same code, at about half of the CPU time.

A build without a C compiler, or with LLM_GATEWAY_PURE set, is pure Python and does the same. So is an
editable installation: who edits a file wants it to be what runs. docs/decisions/0009-hot-loop-compiled.md
"""

import os
import shutil
import sys
import sysconfig

from setuptools import Extension, setup

# Without those that define msgspec Structs, whose annotations are read at run time.
HOT = [
    "extproc/codec.py",
    "extproc/dialects/openai_chat/messages.py",
    "extproc/dialects/openai_chat/request.py",
    "extproc/dialects/openai_chat/response.py",
    "extproc/dialects/openai_chat/stream.py",
    "extproc/providers/anthropic/blocks.py",
    "extproc/providers/anthropic/content.py",
    "extproc/providers/anthropic/messages.py",
    "extproc/providers/anthropic/request.py",
    "extproc/providers/anthropic/response.py",
    "extproc/providers/anthropic/stream.py",
    "extproc/providers/bedrock/stream.py",
    "extproc/providers/claude.py",
    "extproc/providers/google/stream.py",
    "extproc/providers/openai/request.py",
    "extproc/providers/openai/response.py",
    "extproc/providers/openai/stream.py",
    "extproc/providers/openai/watcher.py",
    "extproc/providers/streaming.py",
    "extproc/responses.py",
    "extproc/server.py",
    "extproc/session.py",
    "extproc/transport/calls.py",
    "extproc/transport/h2/blocks.py",
    "extproc/transport/h2/checks.py",
    "extproc/transport/h2/connection.py",
    "extproc/transport/h2/failure.py",
    "extproc/transport/h2/frames.py",
    "extproc/transport/h2/stream.py",
    "extproc/wire/eventstream.py",
    "extproc/wire/protobuf.py",
    "extproc/wire/rawjson.py",
    "extproc/wire/sse.py",
]


def extensions() -> list[Extension]:
    compiler = (sysconfig.get_config_var("CC") or "cc").split()[0]
    if "editable_wheel" in sys.argv or os.environ.get("LLM_GATEWAY_PURE") or not shutil.which(compiler):
        return []
    from mypyc.build import mypycify  # noqa: PLC0415 - a pure build needs no mypyc

    # The types of msgspec are needed, those of other libraries are not.
    return mypycify(["--ignore-missing-imports", *HOT], opt_level="3", debug_level="0")


setup(ext_modules=extensions())
