"""What clients speak: one folder a dialect, found here by name."""

from __future__ import annotations

from typing import Any, Final

from extproc.chat.seams import ClientDialect
from extproc.contract.endpoints import ENDPOINTS
from extproc.contract.target import DialectName
from extproc.dialects.anthropic_messages import AnthropicCountTokens, AnthropicMessages
from extproc.dialects.openai_chat import OpenAIChat
from extproc.dialects.openai_completions import OpenAICompletions
from extproc.dialects.openai_embeddings import OpenAIEmbeddings
from extproc.dialects.openai_passing import OpenAIPassing
from extproc.dialects.openai_responses import OpenAIResponses

DIALECTS: Final[dict[DialectName, ClientDialect[Any, Any]]] = {
    "openai_chat": OpenAIChat(),
    "openai_completions": OpenAICompletions(),
    "openai_embeddings": OpenAIEmbeddings(),
    "openai_responses": OpenAIResponses(),
    "anthropic_messages": AnthropicMessages(),
    "anthropic_count_tokens": AnthropicCountTokens(),
    **{row.dialect: OpenAIPassing(row.path.removeprefix("/v1")) for row in ENDPOINTS if row.passes},
}
