"""What all sections of the schema share."""

from __future__ import annotations

from typing import Any, Final

from pydantic import BaseModel, ConfigDict


class Section(BaseModel):
    """A mapping of the YAML: its keys are known, its values are not converted, it never changes."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True, hide_input_in_errors=True)


VARIANT_TEXT: Final = "<text>"
VARIANT_SECTION: Final = "<section>"
"""Tags of what a key takes either of. Pydantic has them in its paths, people do not."""

LATER: Final[dict[str, Any]] = {"later": True}
"""`json_schema_extra` of a key whose feature is not there yet: known to editors, refused by the loader."""


def later_keys(section: type[Section]) -> frozenset[str]:
    """The keys of `section` that are marked LATER."""
    return frozenset(
        name
        for name, field in section.model_fields.items()
        if isinstance(extra := field.json_schema_extra, dict) and extra.get("later")
    )
