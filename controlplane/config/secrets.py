"""Secrets: a value that shows itself to nobody, and references to where it is kept."""

from __future__ import annotations

import hmac
import re
from typing import Annotated, NoReturn, Self

from pydantic import AfterValidator, ConfigDict, Field, WithJsonSchema, model_validator

from controlplane.config.addresses import FilePath
from controlplane.config.base import Section

_REDACTED = "[redacted]"
_ENV_PATTERN = "[A-Za-z_][A-Za-z0-9_]*"
_REFERENCE = "secrets are references: {env: NAME} or {file: PATH}"


class Secret:
    """A text that appears in no representation and that no encoder takes; `reveal` is the only way out."""

    __slots__ = ("_value",)

    def __init__(self, value: str) -> None:
        self._value = value

    def reveal(self) -> str:
        """The value itself; for the code that hands it to Envoy."""
        return self._value

    def __repr__(self) -> str:
        return f"Secret({_REDACTED})"

    def __str__(self) -> str:
        return _REDACTED

    def __format__(self, spec: str) -> str:
        return _REDACTED

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Secret):
            return NotImplemented
        return hmac.compare_digest(self._value.encode(), other._value.encode())

    def __hash__(self) -> int:
        return hash((Secret, self._value))

    def __copy__(self) -> Self:
        return self

    def __deepcopy__(self, memo: dict[int, object]) -> Self:
        return self

    def __reduce_ex__(self, protocol: object) -> NoReturn:
        raise TypeError("a Secret cannot be serialised")


class SecretError(ValueError):
    """A secret's value cannot be used; the message does not contain it."""


def secret_from_env(name: str, value: str | None) -> Secret:
    """The secret in environment variable `name`. Raises: SecretError."""
    if value is None:
        raise SecretError(f"the environment variable {name} is not set")
    return _checked(f"the environment variable {name}", value)


def secret_from_file(path: str, content: bytes) -> Secret:
    """The secret in a file, without the newline at its end. Raises: SecretError."""
    try:
        text = content.decode()
    except UnicodeDecodeError:
        raise SecretError(f"the file {path} is not UTF-8 text") from None
    return _checked(f"the file {path}", text.removesuffix("\n").removesuffix("\r"))


def _checked(where: str, value: str) -> Secret:
    """A credential travels in an HTTP header: visible ASCII (RFC 9110, section 5.5)."""
    if not value.strip():
        raise SecretError(f"{where} is empty")
    if "\0" in value:
        raise SecretError(f"{where} has a NUL byte in it")
    if "\n" in value or "\r" in value:
        raise SecretError(f"{where} has a line break in it")
    if value != value.strip():
        raise SecretError(f"{where} begins or ends with white space")
    if not (value.isascii() and value.isprintable()):
        raise SecretError(f"{where} has a character that no HTTP header can carry")
    return Secret(value)


def _check_env_name(value: str) -> str:
    if not re.fullmatch(_ENV_PATTERN, value):
        raise ValueError("not the name of an environment variable")  # the value may be the secret itself
    return value


EnvName = Annotated[
    str,
    AfterValidator(_check_env_name),
    WithJsonSchema({"type": "string", "pattern": f"^{_ENV_PATTERN}$", "kind": "variable name"}),
]


class SecretRef(Section):
    """Where a secret is kept; exactly one of the two keys."""

    model_config = ConfigDict(
        json_schema_extra={"oneOf": [{"required": ["env"]}, {"required": ["file"]}], "kind": "secret"}
    )

    env: EnvName | None = Field(
        default=None, description="Environment variable of the control plane.", examples=["OPENAI_API_KEY"]
    )
    file: FilePath | None = Field(
        default=None,
        description="File that holds the secret alone; watched, so that a new value is used at once.",
        examples=["/run/secrets/openai"],
    )

    @model_validator(mode="before")
    @classmethod
    def _refuse_plain(cls, value: object) -> object:
        if isinstance(value, str | int | float):
            raise ValueError(_REFERENCE)  # noqa: TRY004 - pydantic's way; never repeats the value
        return value

    @model_validator(mode="after")
    def _exactly_one(self) -> Self:
        if (self.env is None) == (self.file is None):
            raise ValueError("give exactly one of env and file")
        return self
