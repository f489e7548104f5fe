"""Opens published indexes, wherever their engine is."""

from __future__ import annotations

from typing import TYPE_CHECKING

from releaf.artifacts import Artifact
from resources.settings import Settings

if TYPE_CHECKING:
    from releaf.retrieval.dense import DenseIndex, Server


def qdrant_server(settings: Settings) -> Server | None:
    """The Qdrant server that the settings name; None keeps the engine in this process."""
    from releaf.retrieval.dense import Server

    if settings.qdrant_url is None:
        return None
    key = settings.qdrant_api_key
    return Server(url=settings.qdrant_url, api_key=key.get_secret_value() if key else None)


def open_dense(dense_index: Artifact, settings: Settings) -> DenseIndex:
    """The dense index of an artifact, opened for reading; close it, or use it in a `with`."""
    from releaf.retrieval.dense import open_index

    return open_index(dense_index.path, server=qdrant_server(settings))
