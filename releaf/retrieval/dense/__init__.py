"""The dense index: nearest vectors by cosine, in an engine inside this process or on a Qdrant server (R1, R8).

One interface, two engines: which one a directory was built for stands in its `dense.json`, and `open_index` opens it.
How texts become vectors is not this package's business.
"""

from releaf.retrieval.dense.build import build, build_index, open_index
from releaf.retrieval.dense.changes import MOST, MOST_SHARE
from releaf.retrieval.dense.files import copy_sparse
from releaf.retrieval.dense.golden import RECALL_FLOOR, Golden, golden_queries, golden_recall
from releaf.retrieval.dense.interface import HNSW_FROM, Block, Built, DenseIndex
from releaf.retrieval.dense.server import Server
from releaf.retrieval.dense.versions import prune

__all__ = [
    "HNSW_FROM",
    "MOST",
    "MOST_SHARE",
    "RECALL_FLOOR",
    "Block",
    "Built",
    "DenseIndex",
    "Golden",
    "Server",
    "build",
    "build_index",
    "copy_sparse",
    "golden_queries",
    "golden_recall",
    "open_index",
    "prune",
]
