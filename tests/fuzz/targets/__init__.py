"""What is fuzzed: a module each, with the same three names.

``seeds()``: inputs to begin with. ``check(data)``: raises for what must not happen, whatever the bytes.
``mutate(data, dice)``: another input, of the same structure mostly.
"""

from __future__ import annotations

import importlib
from types import ModuleType
from typing import Final

NAMES: Final = ("frames", "headers", "messages", "streams", "eventstream", "bodies", "yaml")


def target(name: str) -> ModuleType:
    return importlib.import_module(f"tests.fuzz.targets.{name}_target")
