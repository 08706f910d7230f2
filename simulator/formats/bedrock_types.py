"""Requests to Converse checked against AWS's own model of the service, where `botocore` is installed.

Its validator knows required members, types, least lengths and unions of which one member is set; the rest of
what the model says is checked here, as the service does: unknown members, alphabets, words, upper limits.
"""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Iterator
from functools import cache
from typing import Any, Final

from simulator.formats.vendor_bedrock import invalid

_OPERATIONS: Final = {False: "Converse", True: "ConverseStream"}
_MORE: Final = (".toolUse.type", ".toolResult.type")
"""Nova says more there than the model of the service knows."""


@cache
def _input(*, stream: bool) -> Any:
    """The shape of a request; None without botocore."""
    try:
        import botocore.session  # noqa: PLC0415 - optional, and slow
    except ModuleNotFoundError:
        return None
    service = botocore.session.get_session().get_service_model("bedrock-runtime")
    return service.operation_model(_OPERATIONS[stream]).input_shape


def warm_up() -> None:
    for stream in (False, True):
        _input(stream=stream)


def check(body: dict[str, Any], model: str, *, stream: bool) -> None:
    """Raises: ApiError (400) for what the model of the service forbids."""
    shape = _input(stream=stream)
    if shape is None:
        return
    from botocore.validate import ParamValidator  # noqa: PLC0415 - it is there, or we are not here

    given = {"modelId": model, **_typed(body, shape, "")}
    report = ParamValidator().validate(given, shape)
    if report.has_errors():
        raise invalid(report.generate_report())
    for problem in _problems(given, shape, ""):
        raise invalid(problem)


def _typed(value: Any, shape: Any, path: str) -> Any:
    """`value` with bytes where JSON has base64."""
    if shape.type_name == "structure" and isinstance(value, dict) and not shape.is_document_type:
        known = shape.members
        return {
            key: _typed(inner, known[key], f"{path}.{key}") if key in known else inner
            for key, inner in value.items()
        }
    if shape.type_name == "list" and isinstance(value, list):
        return [_typed(inner, shape.member, f"{path}.{at}") for at, inner in enumerate(value)]
    if shape.type_name == "blob" and isinstance(value, str):
        try:
            return base64.b64decode(value, validate=True)
        except binascii.Error as error:
            raise invalid(f"{path.removeprefix('.')}: not base64: {error}") from error
    return value


def _problems(value: Any, shape: Any, path: str) -> Iterator[str]:  # noqa: C901 - a case a type
    most = shape.metadata.get("max")
    if most is not None and most < (len(value) if hasattr(value, "__len__") else value):
        yield f"Value at '{path}' failed to satisfy constraint: at most {most}"
    match shape.type_name:
        case "structure" if not shape.is_document_type:
            for key, inner in value.items():
                if key in shape.members:
                    yield from _problems(inner, shape.members[key], f"{path}.{key}")
                elif not f"{path}.{key}".endswith(_MORE):
                    yield f"extraneous key [{key}] is not permitted at '{path}'"
        case "list":
            for at, inner in enumerate(value):
                yield from _problems(inner, shape.member, f"{path}.{at}")
        case "map":
            for key, inner in value.items():
                yield from _misspelt(key, shape.key, path)
                yield from _misspelt(inner, shape.value, f"{path}.{key}")
        case "string" if path != ".modelId":
            yield from _misspelt(value, shape, path)


def _misspelt(value: Any, shape: Any, path: str) -> Iterator[str]:
    if shape.type_name != "string":
        return
    pattern = shape.metadata.get("pattern")
    if pattern is not None and re.fullmatch(pattern, value) is None:
        yield f"Value at '{path}' failed to satisfy regular expression pattern: {pattern}"
    if shape.enum and value not in shape.enum and not path.endswith(_MORE):
        yield f"Value at '{path}' failed to satisfy enum value set: {shape.enum}"
