"""What clients write in fields that only one provider looks into, and that stay text until here."""

from __future__ import annotations

from typing import TypeVar

from msgspec import Raw

from extproc.errors import RequestError
from extproc.wire.rawjson import MalformedJSON, decode_field

T = TypeVar("T")


def read_field(value: Raw, shape: type[T], path: str) -> T:
    """`value`, the client's field at `path`, as `shape`.

    Raises:
        RequestError: another shape; ``param`` is the path of what is wrong.
    """
    try:
        return decode_field(value, shape, path)
    except MalformedJSON as error:
        raise RequestError(str(error), param=error.path) from None
