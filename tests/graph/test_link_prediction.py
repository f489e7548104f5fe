from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from releaf.errors import DataError
from releaf.graph.build import Graph, to_arrays
from releaf.graph.features import node_features
from releaf.graph.link_prediction import LinkTask, embed, train_links
from releaf.graph.predictor import LinkPredictor
from releaf.graph.settings import GraphSettings
from releaf.graph.splits import EdgeSplit, split_edges
from releaf.metrics.links import roc_auc
from releaf.training.device import Hardware

CPU = Hardware("cpu", "fp32", 1 << 30, 1)
SETTINGS = GraphSettings(hidden=32, output=16, epochs=40, learning_rate=1e-2, patience=None)


@pytest.fixture(autouse=True)
def _one_thread() -> None:
    torch.set_num_threads(1)


@pytest.fixture(scope="module")
def prepared(planted_graph: Graph) -> tuple[np.ndarray, EdgeSplit]:
    arrays = to_arrays(planted_graph)
    split = split_edges(arrays.edge_index, arrays.n_nodes, node_kinds=arrays.kinds, seed=0)
    text = np.random.default_rng(0).normal(size=(arrays.n_nodes, 24)).astype(np.float32)
    return node_features(text, arrays.with_edges(split.message)), split


def pairs_of(tensor: torch.Tensor) -> set[tuple[int, int]]:
    return {(min(u, v), max(u, v)) for u, v in tensor.T.tolist()}


def test_a_batch_depends_on_seed_and_epoch_alone(prepared: tuple[np.ndarray, EdgeSplit]) -> None:
    def batch(seed: int, epoch: int) -> list[list[int]]:
        task = LinkTask(*prepared, replace(SETTINGS, seed=seed), "cpu")
        (made,) = task.batches(epoch)
        return [made.messages.tolist(), made.positives.tolist(), made.negatives.tolist()]

    assert batch(0, 3) == batch(0, 3)
    assert batch(0, 3) != batch(0, 4)
    assert batch(0, 3) != batch(1, 3)


def test_no_batch_passes_messages_along_what_it_predicts_or_what_is_held_out(
    prepared: tuple[np.ndarray, EdgeSplit],
) -> None:
    features, split = prepared
    task = LinkTask(features, split, SETTINGS, "cpu")
    held = pairs_of(torch.from_numpy(np.concatenate([split.validation, split.test], axis=1)))
    for epoch in range(5):
        (batch,) = task.batches(epoch)
        assert batch.positives.shape[1] == round(0.3 * split.train.shape[1])
        assert batch.negatives.shape == batch.positives.shape
        assert not pairs_of(batch.messages) & (pairs_of(batch.positives) | held)
        assert len(pairs_of(batch.messages) | pairs_of(batch.positives)) == split.train.shape[1]


def test_without_a_supervised_share_all_training_pairs_are_predicted(prepared: tuple[np.ndarray, EdgeSplit]) -> None:
    (batch,) = LinkTask(*prepared, replace(SETTINGS, supervised_share=0.0), "cpu").batches(0)
    assert batch.positives.tolist() == prepared[1].train.tolist()
    assert batch.messages.tolist() == prepared[1].message.tolist()


def test_the_loss_is_binary_cross_entropy_of_positives_plus_that_of_negatives(
    prepared: tuple[np.ndarray, EdgeSplit],
) -> None:
    task = LinkTask(*prepared, SETTINGS, "cpu")
    model = LinkPredictor(SETTINGS, 128).eval()
    (batch,) = task.batches(0)
    z = model(task.x, batch.messages).detach().numpy().astype(np.float64)

    def probability(pairs: torch.Tensor) -> np.ndarray:
        score = (z[pairs[0]] * z[pairs[1]]).sum(axis=1) + model.score_offset
        return np.asarray(1 / (1 + np.exp(-score)))

    expected = -np.log(probability(batch.positives)).mean() - np.log(1 - probability(batch.negatives)).mean()
    assert float(task.loss(model, batch).detach()) == pytest.approx(expected, rel=1e-5)


def test_normalized_embeddings_score_as_scale_times_cosine(prepared: tuple[np.ndarray, EdgeSplit]) -> None:
    features, split = prepared
    z = embed(LinkPredictor(SETTINGS, 128), features, split.message)
    assert np.linalg.norm(z, axis=1) ** 2 == pytest.approx(np.full(len(z), 5.0), rel=1e-4)


def test_without_normalizing_the_score_is_the_plain_product(prepared: tuple[np.ndarray, EdgeSplit]) -> None:
    model = LinkPredictor(replace(SETTINGS, normalize=False), 128)
    z = torch.tensor([[1.0, 2.0], [3.0, -1.0]])
    assert model.logits(z, torch.tensor([[0], [1]])).tolist() == [1.0]
    assert model.score_offset == 0.0


def test_training_learns_what_a_random_model_does_not_know(prepared: tuple[np.ndarray, EdgeSplit]) -> None:
    features, split = prepared
    trained = train_links(features, split, SETTINGS, CPU)

    def test_auc(z: np.ndarray) -> float:
        return roc_auc(*((z[pairs[0]] * z[pairs[1]]).sum(axis=1) for pairs in (split.test, split.test_negatives)))

    assert test_auc(trained.z) > 0.8
    kept = trained.history.epochs[trained.history.best_epoch - 1]["auc"]
    assert kept == max(epoch["auc"] for epoch in trained.history.epochs)
    with torch.no_grad():
        assert LinkTask(features, split, SETTINGS, "cpu").validate(trained.model)["auc"] == kept


@pytest.mark.parametrize("changes", [{}, {"model": "gat"}, {"aggregator": "lstm"}, {"normalize": False}])
def test_equal_seeds_train_to_equal_bits(prepared: tuple[np.ndarray, EdgeSplit], changes: dict[str, str]) -> None:
    settings = replace(SETTINGS, epochs=3, **changes)  # type: ignore[arg-type]
    one, other = (train_links(*prepared, settings, CPU) for _ in range(2))
    assert np.array_equal(one.z, other.z)
    assert one.offset == other.offset
    assert not np.array_equal(one.z, train_links(*prepared, replace(settings, seed=1), CPU).z)


def test_the_number_of_threads_changes_no_bit_and_is_left_as_it_was(prepared: tuple[np.ndarray, EdgeSplit]) -> None:
    settings = replace(SETTINGS, epochs=3)
    alone = train_links(*prepared, settings, CPU)
    torch.set_num_threads(2)
    assert np.array_equal(train_links(*prepared, settings, CPU).z, alone.z)
    assert torch.get_num_threads() == 2


def test_a_killed_run_goes_on_to_the_same_embeddings(prepared: tuple[np.ndarray, EdgeSplit], tmp_path: Path) -> None:
    settings = replace(SETTINGS, epochs=6)

    def killed(done: int, total: int, note: str = "") -> None:
        if done == 3:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        train_links(*prepared, settings, CPU, state_dir=tmp_path, progress=killed)
    resumed = train_links(*prepared, settings, CPU, state_dir=tmp_path)
    assert np.array_equal(resumed.z, train_links(*prepared, settings, CPU).z)


def test_a_leaking_split_and_features_of_another_graph_are_refused(prepared: tuple[np.ndarray, EdgeSplit]) -> None:
    features, split = prepared
    with pytest.raises(DataError, match="both in test and in message"):
        train_links(features, replace(split, message=np.append(split.message, split.test, axis=1)), SETTINGS, CPU)
    with pytest.raises(DataError, match="120 nodes and the features have 7"):
        train_links(features[:7], split, SETTINGS, CPU)
