"""What clients speak: one folder a dialect, found here by name."""

from __future__ import annotations

from typing import Final

from extproc.chat.seams import Dialect
from extproc.contract.target import DialectName
from extproc.dialects.openai_chat import OpenAIChat
from extproc.dialects.openai_completions import OpenAICompletions

DIALECTS: Final[dict[DialectName, Dialect]] = {
    "openai_chat": OpenAIChat(),
    "openai_completions": OpenAICompletions(),
}
