"""Exact search by matrix product, to measure encoders by: no index between a vector and its rank."""

from __future__ import annotations

from collections.abc import Mapping
from statistics import fmean

import numpy as np

from releaf.metrics.ranking import ndcg_at_k
from releaf.retrieval.encode import TextEncoder
from releaf.retrieval.vectors import Vectors


def exact_ndcg(
    vectors: Vectors,
    encoder: TextEncoder,
    documents: Mapping[str, str],
    texts: Mapping[str, str],
    judged: Mapping[str, Mapping[str, int]],
) -> float:
    """Mean NDCG@10 of documents by their best chunk's cosine; `documents` names the document of each chunk."""
    queries = encoder.encode(list(texts.values()), queries=True)  # (Q, D)
    scores = queries @ np.asarray(vectors.matrix).T  # (Q, N)
    owners = [documents[name] for name in vectors.ids]
    values = []
    for name, row in zip(texts, scores, strict=True):
        ranking = list(dict.fromkeys(owners[place] for place in np.argsort(-row, kind="stable")))
        values.append(ndcg_at_k(ranking, judged[name], k=10))
    return fmean(values)


def compare_encoders(
    served: Vectors,
    served_encoder: TextEncoder,
    reference: Vectors,
    reference_encoder: TextEncoder,
    documents: Mapping[str, str],
    texts: Mapping[str, str],
    judged: Mapping[str, Mapping[str, int]],
) -> dict[str, float]:
    """How two encodings of the same chunks, in the same order, differ.

    `min_cosine` and `mean_cosine` between the vectors of a chunk, the mean NDCG@10 of each over the queries, and
    `ndcg_loss`, the share of the reference's that the served one lacks (below 0 where it is better).
    """
    cosines = np.einsum("nd,nd->n", np.asarray(served.matrix), np.asarray(reference.matrix))
    ours = exact_ndcg(served, served_encoder, documents, texts, judged)
    theirs = exact_ndcg(reference, reference_encoder, documents, texts, judged)
    return {
        "min_cosine": float(cosines.min()),
        "mean_cosine": float(cosines.mean()),
        "served_ndcg@10": ours,
        "reference_ndcg@10": theirs,
        "ndcg_loss": (theirs - ours) / theirs if theirs else 0.0,
    }
