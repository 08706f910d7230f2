"""Where things are on the network and on the disk: URLs, IP addresses, paths."""

from __future__ import annotations

import ipaddress
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Final, Literal
from urllib.parse import urlsplit

from pydantic import AfterValidator, BeforeValidator, Field, PlainSerializer, WithJsonSchema

_HOST = re.compile(
    r"(?=.{1,253}$)[A-Za-z0-9_]([A-Za-z0-9_-]*[A-Za-z0-9_])?(\.[A-Za-z0-9_]([A-Za-z0-9_-]*[A-Za-z0-9_])?)*"
)
_LABEL: Final = 63
_SEGMENT = r"(?:[A-Za-z0-9._~!$&'()*+,;=:@-]|%[0-9A-Fa-f]{2})+"
_PATH = re.compile(f"(?:/{_SEGMENT})*/?")
_PORTS: Final = {"http": 80, "https": 443}
_OPERATIONS: Final = ("/chat/completions", "/completions", "/embeddings", "/messages", "/responses")


@dataclass(frozen=True, slots=True)
class BaseUrl:
    """The address of a provider.

    host: a name in lower case, or an IP address (IPv6 without brackets).
    path: what stands before ``/chat/completions``; no slash at the end; empty: the type's default applies.
    """

    scheme: Literal["http", "https"]
    host: str
    port: int
    path: str = ""

    def __str__(self) -> str:
        host = f"[{self.host}]" if ":" in self.host else self.host
        port = "" if self.port == _PORTS[self.scheme] else f":{self.port}"
        return f"{self.scheme}://{host}{port}{self.path}"


def parse_base_url(value: object) -> BaseUrl:
    """Raises: ValueError. Its message never repeats the URL, which may hold a credential by mistake."""
    if isinstance(value, BaseUrl):
        return value
    if not isinstance(value, str):
        raise ValueError("expected a URL such as https://api.example.com/v1")  # noqa: TRY004 - pydantic's way
    if not value.isascii() or not value.isprintable() or " " in value:
        raise ValueError("a URL has no spaces, control characters or letters beyond ASCII")
    try:
        parts = urlsplit(value)
        port = parts.port
    except ValueError:
        raise ValueError("the URL's host or port is not valid") from None
    scheme = _scheme(value)
    if "@" in parts.netloc:
        raise ValueError("a URL here has no user name or password; use api_key")
    if "?" in value or "#" in value:
        raise ValueError("a base URL has no query and no fragment")
    host = parts.hostname or ""
    if port == 0 or not _is_host(host) or parts.netloc.endswith(":"):
        raise ValueError("the URL's host or port is not valid")
    return BaseUrl(scheme, host, _PORTS[scheme] if port is None else port, _base_path(parts.path))


def _scheme(url: str) -> Literal["http", "https"]:
    if url.startswith("https://"):
        return "https"
    if url.startswith("http://"):
        return "http"
    raise ValueError("expected a URL that begins with http:// or https://")


def _base_path(path: str) -> str:
    if not _PATH.fullmatch(path) or "/../" in f"{path}/" or "/./" in f"{path}/":
        raise ValueError("the URL's path is not valid")
    path = path.rstrip("/")
    for operation in _OPERATIONS:
        if path.endswith(operation):
            raise ValueError(f"give what stands before {operation}")
    return path


def _is_host(host: str) -> bool:
    if ":" in host:
        return _ip(host) is not None
    if re.fullmatch(r"[0-9.]+", host):
        return _ip(host) is not None
    return bool(_HOST.fullmatch(host)) and all(len(label) <= _LABEL for label in host.split("."))


def _ip(text: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    try:
        address = ipaddress.ip_address(text)
    except ValueError:
        return None
    return None if "%" in text else address


def _check_ip(value: str) -> str:
    if value == "localhost":
        raise ValueError("expected an IP address; write 127.0.0.1")
    if _ip(value) is None:
        raise ValueError("expected an IP address such as 0.0.0.0 or 127.0.0.1")
    return value


def is_loopback(address: str) -> bool:
    """Of a valid IP address: only this machine can reach it."""
    return ipaddress.ip_address(address).is_loopback


def is_wildcard(address: str) -> bool:
    """Of a valid IP address: it stands for all addresses of the machine."""
    return ipaddress.ip_address(address).is_unspecified


def _parse_path(value: object) -> Path:
    if isinstance(value, Path):
        return value
    if not isinstance(value, str) or not value:
        raise ValueError("expected the path of a file")
    if not value.isprintable():
        raise ValueError("a path has no control characters")
    return Path(value)


def _check_url_path(value: str) -> str:
    if not value.startswith("/") or not value.isascii() or not value.isprintable() or " " in value:
        raise ValueError("expected a URL path such as /health")
    return value


Url = Annotated[
    BaseUrl,
    BeforeValidator(parse_base_url),
    PlainSerializer(str, when_used="json"),
    WithJsonSchema({"type": "string", "pattern": r"^https?://[^\s/?#@]+(/[^\s?#]*)?$", "kind": "URL"}),
]
FilePath = Annotated[
    Path,
    BeforeValidator(_parse_path),
    WithJsonSchema({"type": "string", "minLength": 1, "kind": "file path"}),
]
"""A relative path starts at the folder of the YAML file that names it."""

IpAddress = Annotated[
    str, AfterValidator(_check_ip), WithJsonSchema({"type": "string", "minLength": 2, "kind": "IP address"})
]
UrlPath = Annotated[
    str,
    AfterValidator(_check_url_path),
    WithJsonSchema({"type": "string", "pattern": "^/", "kind": "URL path"}),
]
Port = Annotated[int, Field(ge=1, le=65535)]
