"""The sources of a text: https://ai.google.dev/gemini-api/docs/google-search#grounded-response

Google counts bytes of UTF-8 within a part, annotations count characters of the message.
"""

from __future__ import annotations

from collections.abc import Iterator

from extproc.chat.model import Annotation
from extproc.providers.google import shapes


class Text:
    """The text of a message, and where its parts begin in it, in characters."""

    def __init__(self) -> None:
        self._pieces: list[str] = []
        self._length = 0
        self._starts: list[int] = []

    def part(self) -> None:
        """A part begins, be it text or not."""
        self._starts.append(self._length)

    def add(self, text: str) -> None:
        self._pieces.append(text)
        self._length += len(text)

    def whole(self) -> str:
        return "".join(self._pieces)

    def start(self, part: int) -> int:
        return self._starts[part] if 0 <= part < len(self._starts) else 0


def sources(candidate: shapes.Candidate, text: Text) -> Iterator[Annotation]:
    """What `candidate` cites, in the order of the text as it says it."""
    whole = text.whole()
    grounding = candidate.grounding_metadata
    if grounding is not None:
        known = [
            chunk.web or chunk.maps or chunk.retrieved_context for chunk in grounding.grounding_chunks or ()
        ]
        cited: set[int] = set()
        for support in grounding.grounding_supports or ():
            start, end = _span(support.segment or shapes.Segment(), whole, text)
            for index in support.grounding_chunk_indices or ():
                source = known[index] if 0 <= index < len(known) else None
                if source is not None and source.uri:
                    cited.add(index)
                    yield Annotation(url=source.uri, title=source.title or "", start=start, end=end)
        for index, source in enumerate(known):
            if index not in cited and source is not None and source.uri:  # read, and not pointed at
                yield Annotation(url=source.uri, title=source.title or "", start=0, end=0)
    if candidate.citation_metadata is not None:
        listed = candidate.citation_metadata
        for citation in listed.citations or listed.citation_sources or ():
            if citation.uri:
                place = shapes.Segment(start_index=citation.start_index, end_index=citation.end_index)
                start, end = _span(place, whole, text)
                yield Annotation(url=citation.uri, title=citation.title or "", start=start, end=end)


def _span(segment: shapes.Segment, whole: str, text: Text) -> tuple[int, int]:
    first = text.start(segment.part_index or 0)
    encoded = whole[first:].encode()
    start, end = (
        first + len(encoded[: max(0, offset or 0)].decode("utf-8", "ignore"))
        for offset in (segment.start_index, segment.end_index)
    )
    return start, max(start, end)
