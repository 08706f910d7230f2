"""The tree of values that the YAML files give together, each with its place.

Later files win: mappings merge deep, lists and scalars are replaced, and a value's place is that of
the file it came from.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from controlplane.config.problems import ConfigPath, Position

Scalar = str | int | float | bool | None


@dataclass(frozen=True, slots=True)
class Node:
    """One value.

    value: None stands for a value that could not be read; a problem at its path says why.
    at: where a problem with the value is shown: a scalar's own place, else where its key is.
    key: the place of its key; the value's own for list items and the root.
    """

    value: Scalar | dict[str, Node] | list[Node]
    at: Position
    key: Position


@dataclass(frozen=True, slots=True)
class Source:
    """The merged files.

    files: their names, in the order given.
    broken: paths whose value is unknown because of a problem already reported.
    """

    root: Node
    files: tuple[str, ...]
    broken: frozenset[ConfigPath]

    def raw(self) -> dict[str, Any]:
        """Plain values: dict, tuple (for lists), str, int, float, bool, None."""
        plain: dict[str, Any] = _plain(self.root)
        return plain

    def position(self, path: ConfigPath) -> Position:
        """Where `path` stands; for a path that is not written, the nearest thing around it that is."""
        node = self._nearest(path)
        return node.at if node is not self.root else Position(self.files[0], 1, 1)

    def key_position(self, path: ConfigPath) -> Position:
        """Like `position`, but the key's place also for a scalar."""
        node = self._nearest(path)
        return node.key if node is not self.root else Position(self.files[0], 1, 1)

    def _nearest(self, path: ConfigPath) -> Node:
        node = self.root
        for part in path:
            child = _child(node, part)
            if child is None:
                break
            node = child
        return node


def merge(base: Node, over: Node) -> Node:
    """What `base` says, overruled by `over`."""
    if not (isinstance(base.value, dict) and isinstance(over.value, dict)):
        return over
    merged = dict(base.value)
    for key, node in over.value.items():
        merged[key] = merge(merged[key], node) if key in merged else node
    return Node(merged, over.at, over.key)


def replace_text(node: Node, values: Mapping[ConfigPath, str]) -> Node:
    """The tree with other text at some paths, places kept."""
    for path, text in values.items():
        node = _replaced(node, path, text)
    return node


def _replaced(node: Node, path: ConfigPath, text: str) -> Node:
    if not path:
        return Node(text, node.at, node.key)
    child = _child(node, path[0])
    if child is None:
        raise KeyError(path)
    fresh = _replaced(child, path[1:], text)
    if isinstance(node.value, dict):
        return Node({**node.value, str(path[0]): fresh}, node.at, node.key)
    assert isinstance(node.value, list)  # noqa: S101 - it has a child, so it is one of the two
    items = [fresh if index == path[0] else item for index, item in enumerate(node.value)]
    return Node(items, node.at, node.key)


def _child(node: Node, part: str | int) -> Node | None:
    if isinstance(node.value, dict) and isinstance(part, str):
        return node.value.get(part)
    if isinstance(node.value, list) and isinstance(part, int) and part < len(node.value):
        return node.value[part]
    return None


def _plain(node: Node) -> Any:
    if isinstance(node.value, dict):
        return {key: _plain(child) for key, child in node.value.items()}
    if isinstance(node.value, list):
        return tuple(_plain(child) for child in node.value)
    return node.value
