"""One section of the YAML against its type: every problem of it, and as much of a value as there can be."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeVar, get_args

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from controlplane.config.base import VARIANT_SECTION, VARIANT_TEXT, Section, later_keys
from controlplane.config.messages import kind, message
from controlplane.config.problems import ConfigPath, suggestion
from controlplane.config.report import Report

NOT_SUPPORTED = "not supported in this version"

S = TypeVar("S", bound=Section)


def read_section(section: type[S], raw: object, path: ConfigPath, report: Report) -> S | None:
    """The section's value without what has a problem; None where too little is left.

    The paths of its problems are settled, so that checks on the value do not say the same again.
    """
    if not isinstance(raw, Mapping):
        report.problem(path, f"expected a mapping, got {kind(raw)}")
        report.settle(path)
        return None
    keys: Any = refuse_later_keys(section, raw, path, report)
    told = False
    while True:
        try:
            return section.model_validate(keys)
        except ValidationError as failure:
            errors = [_untagged(error) for error in failure.errors(include_url=False)]
        if not told:
            _tell(section, errors, path, report)
            told = True
        rest = _pruned(
            keys, [error["loc"][:-1] if error["type"] == "missing" else error["loc"] for error in errors]
        )
        if rest is None or rest == keys:
            return None
        keys = rest


def _untagged(error: ErrorDetails) -> ErrorDetails:
    """`error` at the place where the user wrote it."""
    error["loc"] = tuple(part for part in error["loc"] if part not in (VARIANT_TEXT, VARIANT_SECTION))
    return error


def _tell(section: type[Section], errors: list[ErrorDetails], path: ConfigPath, report: Report) -> None:
    found: list[ConfigPath] = []
    for error in errors:
        if any(_is_inside(other["loc"], error["loc"]) for other in errors):
            continue  # follows from what is wrong inside it
        where = (*path, *error["loc"])
        if error["type"] == "extra_forbidden":
            known = _known_keys(section, error["loc"])
            report.key_problem(where, f"unknown key{suggestion(str(error['loc'][-1]), known)}")
        else:
            report.problem(where, message(error))
        found.append(where)
    for where in found:
        report.settle(where)


def _pruned(value: Any, locations: list[tuple[int | str, ...]]) -> Any:
    """`value` without what is at `locations`, a list as a whole; None where nothing is left."""
    if () in locations:
        return None
    if isinstance(value, Mapping):
        rest = {key: _pruned(child, _below(locations, key)) for key, child in value.items()}
        return {key: child for key, child in rest.items() if child is not None}
    if isinstance(value, tuple):
        items = tuple(_pruned(child, _below(locations, index)) for index, child in enumerate(value))
        return None if None in items else items
    return value


def _below(locations: list[tuple[int | str, ...]], part: int | str) -> list[tuple[int | str, ...]]:
    return [location[1:] for location in locations if location[:1] == (part,)]


def refuse_later_keys(
    section: type[Section], raw: Mapping[str, Any], path: ConfigPath, report: Report
) -> dict[str, Any]:
    """What is left of `raw` without the keys whose feature is not there yet; each of those is a problem."""
    later = later_keys(section)
    for key in raw:
        if key in later:
            report.key_problem((*path, key), NOT_SUPPORTED)
            report.settle((*path, key))
    return {key: value for key, value in raw.items() if key not in later}


def _is_inside(inner: tuple[int | str, ...], outer: tuple[int | str, ...]) -> bool:
    return len(inner) > len(outer) and inner[: len(outer)] == outer


def _known_keys(section: type[Section], location: tuple[int | str, ...]) -> list[str]:
    """The keys that are known where the unknown one at `location` stands."""
    for part in location[:-1]:
        field = section.model_fields.get(str(part))
        if field is not None:
            section = _section_in(field.annotation) or section
    return list(section.model_fields)


def _section_in(annotation: Any) -> type[Section] | None:
    """The section that a field holds, looked for inside unions, lists and mappings."""
    if isinstance(annotation, type) and issubclass(annotation, Section):
        return annotation
    return next((found for part in get_args(annotation) if (found := _section_in(part))), None)
