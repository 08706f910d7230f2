"""Message classes of the pinned Envoy's API, by full name.

A private pool: other libraries' copies of the same files (googleapis-common-protos,
xds-protos) cannot clash with it. The classes are upb's, as fast as generated ones.
"""

from __future__ import annotations

import gzip
from functools import cache
from pathlib import Path
from typing import Any

from google.protobuf import descriptor_pb2, descriptor_pool, json_format, message_factory
from google.protobuf.message import Message

DESCRIPTOR_SET = Path(__file__).with_name("envoy.binpb.gz")
TYPE_URL_PREFIX = "type.googleapis.com/"


@cache
def pool() -> descriptor_pool.DescriptorPool:
    """The private pool with all of Envoy's files."""
    loaded = descriptor_pool.DescriptorPool()
    for file in descriptor_set().file:
        loaded.Add(file)
    return loaded


def descriptor_set() -> descriptor_pb2.FileDescriptorSet:
    """The committed descriptors, dependencies first."""
    data = gzip.decompress(DESCRIPTOR_SET.read_bytes())
    return descriptor_pb2.FileDescriptorSet.FromString(data)


@cache
def message(full_name: str) -> Any:
    """The class of the message called `full_name`.

    Its constructor takes nested dicts for messages and refuses an unknown field.

    Raises:
        KeyError: Envoy has no such message.
    """
    return message_factory.GetMessageClass(pool().FindMessageTypeByName(full_name))


def any_of(packed: Message) -> Any:
    """`packed` as a ``google.protobuf.Any``, byte for byte the same for equal messages."""
    return message("google.protobuf.Any")(
        type_url=TYPE_URL_PREFIX + packed.DESCRIPTOR.full_name,
        value=packed.SerializeToString(deterministic=True),
    )


def to_dict(resource: Message) -> dict[str, Any]:
    """`resource` as plain data with the field names of the Envoy documentation, Any resolved."""
    result: dict[str, Any] = json_format.MessageToDict(
        resource, preserving_proto_field_name=True, descriptor_pool=pool()
    )
    return result


def from_dict(full_name: str, data: dict[str, Any]) -> Any:
    """The message `full_name` from plain data, with ``@type`` for Any.

    Raises:
        google.protobuf.json_format.ParseError: an unknown field or a wrong type.
    """
    return json_format.ParseDict(data, message(full_name)(), descriptor_pool=pool())
