"""The message that an ext_proc worker reads, from a pool of its own with the 24 files that it is made of.

A worker needs no more of Envoy's API; all of it would be a third of the worker's memory and of its start.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from google.protobuf import message_factory

from protos.loader import EXT_PROC_SET, pool_of

if TYPE_CHECKING:
    from envoy.service.ext_proc.v3.external_processor_pb2 import ProcessingRequest
else:
    _POOL = pool_of(EXT_PROC_SET)
    ProcessingRequest = message_factory.GetMessageClass(
        _POOL.FindMessageTypeByName("envoy.service.ext_proc.v3.ProcessingRequest")
    )

__all__ = ["ProcessingRequest"]
