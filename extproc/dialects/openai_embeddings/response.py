"""Vectors in the words of OpenAI: https://platform.openai.com/docs/api-reference/embeddings/object"""

from __future__ import annotations

import sys
from array import array
from binascii import b2a_base64

from extproc.chat.seams import ReplyContext
from extproc.embeddings.model import EmbeddingsResponse
from extproc.wire.rawjson import encode


def write_response(response: EmbeddingsResponse, reply: ReplyContext) -> bytes:
    """`response` as the body of a 200.

    A provider that does not count tokens has used 0: OpenAI's clients want a number.
    """
    tokens = response.tokens or 0
    packed = reply.echo is not None
    return encode(
        {
            "object": "list",
            "data": [
                {"object": "embedding", "index": index, "embedding": base64(vector) if packed else vector}
                for index, vector in enumerate(response.vectors)
            ],
            "model": reply.model,
            "usage": {"prompt_tokens": tokens, "total_tokens": tokens},
        }
    )


def base64(vector: list[float]) -> str:
    """32-bit floats, the lowest byte first, as OpenAI packs them."""
    packed = array("f", vector)
    if sys.byteorder == "big":
        packed.byteswap()
    return b2a_base64(packed.tobytes(), newline=False).decode()
