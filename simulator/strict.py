"""Request bodies checked against the official SDKs' request types, as strictly as the provider does.

The SDKs describe requests as TypedDicts. Three things make pydantic too lenient for them: it checks
an ``Iterable`` only when somebody iterates it, it converts types, and a union of twenty shapes
accepts the first that fits and reports all of the others. So the compiled schema is rewritten:
iterables become lists, and unions of objects are decided by their ``type`` or ``role`` alone.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final, Literal, NamedTuple

from pydantic import ConfigDict, TypeAdapter
from pydantic_core import CoreSchema, SchemaValidator, ValidationError

_TAGS: Final = ("role", "type")
_TAG_MARK: Final = "§"
_BRANCH_MARK: Final = "¶"


class Problem(NamedTuple):
    """The most specific thing that is wrong.

    kind: pydantic's name for it, e.g. ``missing`` or ``extra_forbidden``.
    location: keys and indices down to the place; with `tags`, also the union members on the way.
    """

    kind: str
    location: tuple[str | int, ...]
    tags: tuple[str | int, ...]
    message: str
    context: dict[str, Any]


class RequestType:
    """A compiled SDK type; `check` may be called from any thread."""

    def __init__(self, typed_dict: Any, *, allow_unknown_fields: bool = False) -> None:
        extra: Literal["allow", "forbid"] = "allow" if allow_unknown_fields else "forbid"
        # A TypedDict takes its configuration from the outermost type, but only through a union.
        adapter: TypeAdapter[Any] = TypeAdapter(typed_dict | None, config=ConfigDict(extra=extra))
        self._validator = SchemaValidator(_Hardener(adapter.core_schema).schema)

    def check(self, body: dict[str, Any]) -> Problem | None:
        """What is wrong with `body`; None for nothing."""
        try:
            self._validator.validate_python(body, strict=True)
        except ValidationError as error:
            return _worst(error)
        return None


def _worst(error: ValidationError) -> Problem:
    found = max(error.errors(include_url=False, include_input=False), key=lambda each: len(each["loc"]))
    place = [part for part in found["loc"] if not _marked(part, _BRANCH_MARK)]
    return Problem(
        kind=found["type"],
        location=tuple(part for part in place if not _marked(part, _TAG_MARK)),
        tags=tuple(part.removeprefix(_TAG_MARK) if isinstance(part, str) else part for part in place),
        message=found["msg"].replace(_TAG_MARK, "").replace("()", ""),
        context=found.get("ctx", {}),
    )


def _marked(part: str | int, mark: str) -> bool:
    return isinstance(part, str) and part.startswith(mark)


class _Hardener:
    """Rewrites a core schema; `schema` is the result."""

    def __init__(self, schema: CoreSchema) -> None:
        raw: Any = schema
        definitions = raw["definitions"] if raw["type"] == "definitions" else []
        self._definitions = {each["ref"]: each for each in definitions}
        self.schema: CoreSchema = self._rewrite(raw)

    def _rewrite(self, node: Any) -> Any:
        if isinstance(node, list):
            return [self._rewrite(item) for item in node]
        if isinstance(node, tuple):
            return tuple(self._rewrite(item) for item in node)
        if not isinstance(node, dict):
            return node
        if node.get("type") == "generator":
            return {"type": "list", "items_schema": self._rewrite(node["items_schema"])}
        if node.get("type") == "union":
            return self._union(node)
        # A schema's own metadata, not a field of that name: only a schema's type is a text.
        dropped = "metadata" if isinstance(node.get("type"), str) else ""
        return {key: self._rewrite(item) for key, item in node.items() if key != dropped}

    def _union(self, node: dict[str, Any]) -> Any:
        choices = list(self._flat(node))
        objects = [each for each in choices if self._resolve(each)["type"] == "typed-dict"]
        # Beside JSON objects the SDKs accept their own response models, which are objects of Python.
        unwanted = ("typed-dict", "model") if objects else ()
        others = [each for each in choices if self._resolve(each)["type"] not in unwanted]
        members = [self._rewrite(each) for each in others]
        tagged = self._tagged(objects)
        members += [tagged] if tagged else [self._rewrite(each) for each in objects]
        if len(members) == 1:
            return members[0]
        return {
            "type": "union",
            "choices": [(each, f"{_BRANCH_MARK}{at}") for at, each in enumerate(members)],
        }

    def _flat(self, node: dict[str, Any]) -> list[Any]:
        found: list[Any] = []
        for choice in node["choices"]:
            member = choice[0] if isinstance(choice, tuple) else choice
            resolved = self._resolve(member)
            found += self._flat(resolved) if resolved["type"] == "union" else [member]
        return found

    def _resolve(self, node: dict[str, Any]) -> dict[str, Any]:
        while node["type"] == "definition-ref":
            node = self._definitions[node["schema_ref"]]
        return node

    def _tagged(self, objects: list[Any]) -> Any:
        """One union decided by a key's value; None where no key tells the members apart."""
        if len(objects) <= 1:
            return None
        for key in _TAGS:
            literals = [self._literals(each, key) for each in objects]
            tags = [tag for each in literals for tag in each.tags]
            defaults = [each.tags[0] for each in literals if each.tags and not each.required]
            if all(each.tags for each in literals) and len(set(tags)) == len(tags) and len(defaults) <= 1:
                members = {
                    _TAG_MARK + tag: self._rewrite(each)
                    for each, found in zip(objects, literals, strict=True)
                    for tag in found.tags
                }
                chosen = _discriminator(key, defaults[0] if defaults else None)
                return {"type": "tagged-union", "choices": members, "discriminator": chosen}
        return None

    def _literals(self, node: dict[str, Any], key: str) -> _Literals:
        member = self._resolve(node)["fields"].get(key)
        if member is None:
            return _Literals((), required=False)
        schema = self._resolve(member["schema"])
        if schema["type"] == "nullable":
            schema = self._resolve(schema["schema"])
        tags = tuple(schema["expected"]) if schema["type"] == "literal" else ()
        return _Literals(tags, required=member.get("required", False))


class _Literals(NamedTuple):
    """The values of a key that mean one union member, and whether the member must have the key."""

    tags: tuple[str, ...]
    required: bool


def _discriminator(key: str, default: str | None) -> Callable[[Any], str | None]:
    def tag(value: Any) -> str | None:
        found = value.get(key, default) if isinstance(value, dict) else None
        return None if found is None else f"{_TAG_MARK}{found}"

    tag.__name__ = repr(key)  # what pydantic's messages call it
    return tag
