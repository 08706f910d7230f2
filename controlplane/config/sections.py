"""One section of the YAML against its type: every problem of it, and as much of a value as there can be."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeVar, get_args

from pydantic import ValidationError

from controlplane.config.base import Section, later_keys
from controlplane.config.messages import kind, message
from controlplane.config.problems import ConfigPath, suggestion
from controlplane.config.report import Report

NOT_SUPPORTED = "not supported in this version"

S = TypeVar("S", bound=Section)


def read_section(section: type[S], raw: object, path: ConfigPath, report: Report) -> S | None:
    """The section's value without the keys that have a problem; None where that leaves none.

    The paths of its problems are settled, so that checks on the value do not say the same again.
    """
    if not isinstance(raw, Mapping):
        report.problem(path, f"expected a mapping, got {kind(raw)}")
        report.settle(path)
        return None
    keys = refuse_later_keys(section, raw, path, report)
    try:
        return section.model_validate(keys)
    except ValidationError as failure:
        errors = failure.errors(include_url=False)
    wrong: set[object] = set()
    found: list[ConfigPath] = []
    for error in errors:
        if any(_is_inside(other["loc"], error["loc"]) for other in errors):
            continue  # follows from what is wrong inside it
        where = (*path, *error["loc"])
        if error["type"] == "extra_forbidden":
            report.key_problem(
                where, f"unknown key{suggestion(str(error['loc'][-1]), _known_keys(section, error['loc']))}"
            )
        else:
            report.problem(where, message(error))
        found.append(where)
        wrong.update(error["loc"][:1])
    for where in found:
        report.settle(where)
    try:
        return section.model_validate({key: value for key, value in keys.items() if key not in wrong})
    except ValidationError:
        return None


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
