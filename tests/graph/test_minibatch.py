from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn
from torch_geometric.nn import SAGEConv

from releaf.graph.blocks import Block
from releaf.graph.build import Graph, to_arrays
from releaf.graph.features import node_features
from releaf.graph.link_prediction import LinkTask, embed, train_links
from releaf.graph.minibatch import SampledLinkTask, embed_in_chunks, rows_of
from releaf.graph.predictor import LinkPredictor
from releaf.graph.sampler import ALL, Neighbours, sample_neighbourhood
from releaf.graph.settings import GraphSettings
from releaf.graph.splits import EdgeSplit, both_directions, split_edges
from releaf.metrics.links import roc_auc
from releaf.training.device import Hardware

CPU = Hardware("cpu", "fp32", 1 << 30, 1)
SETTINGS = GraphSettings(
    hidden=32, output=16, epochs=30, learning_rate=1e-2, patience=None, full_batch_edges=0, batch_pairs=64, fanout=4
)
KINDS = [
    {},
    {"aggregator": "max"},
    {"aggregator": "lstm"},
    {"model": "gat"},
    {"model": "gcn"},
    {"layers": 2, "skip": False, "normalize": False},
]


@pytest.fixture(autouse=True)
def _one_thread() -> None:
    torch.set_num_threads(1)


@pytest.fixture(scope="module")
def prepared(planted_graph: Graph) -> tuple[np.ndarray, EdgeSplit]:
    arrays = to_arrays(planted_graph)
    split = split_edges(arrays.edge_index, arrays.n_nodes, node_kinds=arrays.kinds, seed=0)
    text = np.random.default_rng(0).normal(size=(arrays.n_nodes, 24)).astype(np.float32)
    return node_features(text, arrays.with_edges(split.message)), split


def predictor(changes: dict[str, object]) -> LinkPredictor:
    """A model with weights, norms and statistics drawn at random, in evaluation mode."""
    torch.manual_seed(0)
    model = LinkPredictor(replace(SETTINGS, **changes), 128)  # type: ignore[arg-type]
    for norm in model.encoder.norms:
        assert isinstance(norm, nn.BatchNorm1d)
        assert norm.running_mean is not None
        norm.running_mean.normal_()
    return model.eval()


@pytest.mark.parametrize("changes", KINDS)
def test_with_every_neighbour_drawn_seeds_have_their_embeddings_of_the_whole_graph(
    prepared: tuple[np.ndarray, EdgeSplit], changes: dict[str, object]
) -> None:
    features, split = prepared
    model = predictor(changes)
    whole = embed(model, features, split.message)
    seeds = np.array([7, 3, 99, 7])
    drawn = sample_neighbourhood(
        Neighbours.of(split.train, split.n_nodes), seeds, [ALL] * len(model.encoder.convolutions)
    )
    with torch.no_grad():
        z = model.forward_block(rows_of(features, drawn), Block.of(drawn)).numpy()
    assert z[drawn.places] == pytest.approx(whole[seeds], abs=1e-5)


@pytest.mark.parametrize("changes", KINDS)
@pytest.mark.parametrize("at_once", [40, 10_000])
def test_embeddings_made_chunk_by_chunk_are_those_of_the_whole_graph(
    prepared: tuple[np.ndarray, EdgeSplit], changes: dict[str, object], at_once: int
) -> None:
    features, split = prepared
    model = predictor(changes)
    found = embed_in_chunks(model, features, Neighbours.of(split.train, split.n_nodes), messages_at_once=at_once)
    assert found == pytest.approx(embed(model, features, split.message), abs=1e-5)


def test_many_messages_are_embedded_chunk_by_chunk_and_along_their_direction(
    prepared: tuple[np.ndarray, EdgeSplit], monkeypatch: pytest.MonkeyPatch
) -> None:
    features, split = prepared
    model = predictor({})
    one_way = split.train  # from the smaller end to the larger alone
    expected = embed(model, features, one_way)
    monkeypatch.setattr("releaf.graph.link_prediction._AT_ONCE", 10)
    assert embed(model, features, one_way) == pytest.approx(expected, abs=1e-5)


@pytest.mark.parametrize("model", ["sage", "gcn"])
def test_a_linear_layer_on_samples_is_right_on_average(prepared: tuple[np.ndarray, EdgeSplit], model: str) -> None:
    features, split = prepared
    encoder = predictor({"model": model, "skip": False}).encoder
    graph = Neighbours.of(split.train, split.n_nodes)
    seeds = np.arange(graph.n_nodes)
    assert np.diff(graph.indptr).max() > 6  # fewer are drawn

    def layer(fanout: int, key: int) -> np.ndarray:
        drawn = sample_neighbourhood(graph, seeds, [fanout], key=key)
        with torch.no_grad():
            return encoder.convolve(0, rows_of(features, drawn), Block.of(drawn).hops[0]).numpy()

    draws = np.stack([layer(3, key) for key in range(600)]).astype(np.float64)
    found, whole = draws.mean(axis=0), layer(ALL, 0)
    drawn_from = np.diff(graph.indptr) > 3
    assert found[~drawn_from] == pytest.approx(whole[~drawn_from], abs=1e-4)  # of these all are drawn
    error = (found - whole)[drawn_from] / (draws.std(axis=0)[drawn_from] / np.sqrt(600))
    assert np.abs(error).max() < 5.5  # standard errors, over some thousand numbers
    assert np.sqrt(np.mean(error**2)) < 1.15


def test_the_mean_of_a_sample_is_the_mean_of_what_was_drawn() -> None:
    star = Neighbours.of(np.array([[0] * 5, range(1, 6)]), 6)
    drawn = sample_neighbourhood(star, np.array([0]), [2], key=1)
    layer = SAGEConv(1, 1, aggr="mean", bias=False)
    nn.init.ones_(layer.lin_l.weight)
    nn.init.zeros_(layer.lin_r.weight)
    x = torch.arange(6.0).unsqueeze(1) ** 2
    hop = Block.of(drawn).hops[0]
    rows = x[torch.from_numpy(drawn.nodes)]
    with torch.no_grad():
        given = layer((rows, rows[:1]), hop.edge_index)
    assert given.item() == x[torch.from_numpy(drawn.nodes[1:])].mean().item()


def test_a_pass_predicts_every_training_pair_once_hidden_from_its_own_messages(
    prepared: tuple[np.ndarray, EdgeSplit], monkeypatch: pytest.MonkeyPatch
) -> None:
    features, split = prepared
    task = SampledLinkTask.of(features, split, SETTINGS, "cpu")
    drawn_for: list[tuple[np.ndarray, set[tuple[int, int]]]] = []

    def watched(graph: Neighbours, seeds: np.ndarray, fanouts: list[int], **options: object) -> object:
        drawn = sample_neighbourhood(graph, seeds, fanouts, **options)  # type: ignore[arg-type]
        targets = np.repeat(np.arange(len(drawn.pointers) - 1), np.diff(drawn.pointers))
        messages = zip(drawn.nodes[drawn.sources].tolist(), drawn.nodes[targets].tolist(), strict=True)
        drawn_for.append((drawn.nodes, set(messages)))
        return drawn

    monkeypatch.setattr("releaf.graph.minibatch.sample_neighbourhood", watched)
    train = set(map(tuple, split.train.T.tolist()))
    seen: list[tuple[int, int]] = []
    batches = list(task.batches(0))
    assert len(batches) == task.steps_per_epoch()
    for batch, (nodes, messages) in zip(batches, drawn_for, strict=True):
        positives, negatives = (nodes[pairs.numpy()] for pairs in (batch.positives, batch.negatives))
        pairs = set(map(tuple, positives.T.tolist()))
        assert not messages & (pairs | {(v, u) for u, v in pairs})
        assert {(min(pair), max(pair)) for pair in messages} <= train
        assert not set(map(tuple, negatives.T.tolist())) & train
        assert np.array_equal(batch.x.numpy(), features[nodes])
        seen += pairs
    assert sorted(seen) == sorted(train)


def test_batches_depend_on_seed_and_epoch_alone(prepared: tuple[np.ndarray, EdgeSplit]) -> None:
    def first(seed: int, epoch: int) -> list[object]:
        batch = next(iter(SampledLinkTask.of(*prepared, replace(SETTINGS, seed=seed), "cpu").batches(epoch)))
        return [batch.x.tolist(), batch.negatives.tolist(), batch.block.hops[-1].edge_index.tolist()]

    assert first(0, 3) == first(0, 3)
    assert first(0, 3) != first(0, 4)
    assert first(0, 3) != first(1, 3)


def test_with_every_neighbour_drawn_validation_is_that_of_the_whole_graph(
    prepared: tuple[np.ndarray, EdgeSplit],
) -> None:
    model = predictor({})
    settings = replace(SETTINGS, fanout=1000, batch_pairs=5)
    with torch.no_grad():
        found = SampledLinkTask.of(*prepared, settings, "cpu").validate(model)
        whole = LinkTask(*prepared, settings, "cpu").validate(model)
    assert found == pytest.approx(whole, abs=1e-6)


def test_the_loss_is_that_of_the_whole_graph_where_everything_is_one_batch(
    prepared: tuple[np.ndarray, EdgeSplit],
) -> None:
    features, split = prepared
    settings = replace(SETTINGS, fanout=1000, batch_pairs=10)
    task = SampledLinkTask.of(features, split, settings, "cpu")
    (batch, *_) = task.batches(0)
    model = predictor({})
    z = model.forward_block(batch.x, batch.block).detach().numpy().astype(np.float64)

    def probability(pairs: torch.Tensor) -> np.ndarray:
        return np.asarray(1 / (1 + np.exp(-(z[pairs[0]] * z[pairs[1]]).sum(axis=1) - model.score_offset)))

    expected = -np.log(probability(batch.positives)).mean() - np.log(1 - probability(batch.negatives)).mean()
    assert float(task.loss(model, batch).detach()) == pytest.approx(expected, rel=1e-5)


def test_a_graph_above_the_limit_is_trained_on_samples_and_learns(
    prepared: tuple[np.ndarray, EdgeSplit], monkeypatch: pytest.MonkeyPatch
) -> None:
    features, split = prepared
    monkeypatch.setattr(LinkTask, "batches", None)  # the whole graph is not touched
    trained = train_links(features, split, SETTINGS, CPU)
    z = trained.z
    scores = [(z[pairs[0]] * z[pairs[1]]).sum(axis=1) for pairs in (split.test, split.test_negatives)]
    assert roc_auc(*scores) > 0.8
    assert z == pytest.approx(embed(trained.model, features, split.message), abs=1e-5)


def test_a_graph_at_the_limit_is_one_batch(
    prepared: tuple[np.ndarray, EdgeSplit], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(SampledLinkTask, "batches", None)
    limit = prepared[1].train.shape[1]
    assert train_links(*prepared, replace(SETTINGS, epochs=1, full_batch_edges=limit), CPU).z.shape == (60 * 2, 16)


def test_equal_seeds_train_to_equal_bits_and_a_killed_run_goes_on_to_them(
    prepared: tuple[np.ndarray, EdgeSplit], tmp_path: Path
) -> None:
    settings = replace(SETTINGS, epochs=4)
    whole = train_links(*prepared, settings, CPU)
    torch.set_num_threads(2)
    assert np.array_equal(train_links(*prepared, settings, CPU).z, whole.z)

    def killed(done: int, total: int, note: str = "") -> None:
        if done == 2:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        train_links(*prepared, settings, CPU, state_dir=tmp_path, progress=killed)
    assert np.array_equal(train_links(*prepared, settings, CPU, state_dir=tmp_path).z, whole.z)


def test_features_mapped_from_a_file_give_the_same_batches(
    prepared: tuple[np.ndarray, EdgeSplit], tmp_path: Path
) -> None:
    features, split = prepared
    np.save(tmp_path / "x.npy", features)
    mapped = np.load(tmp_path / "x.npy", mmap_mode="r")
    one, other = (next(iter(SampledLinkTask.of(x, split, SETTINGS, "cpu").batches(0))) for x in (features, mapped))
    assert torch.equal(one.x, other.x)


def test_only_a_link_predictor_is_trained(prepared: tuple[np.ndarray, EdgeSplit]) -> None:
    task = SampledLinkTask.of(*prepared, SETTINGS, "cpu")
    with pytest.raises(TypeError, match="SampledLinkTask trains a LinkPredictor, not a Linear"):
        task.loss(nn.Linear(2, 2), next(iter(task.batches(0))))


def test_messages_run_along_both_directions_of_a_pair(prepared: tuple[np.ndarray, EdgeSplit]) -> None:
    _, split = prepared
    one, other = (
        Neighbours.of(split.train, split.n_nodes),
        Neighbours.of_messages(both_directions(split.train), split.n_nodes),
    )
    assert np.array_equal(one.indices, other.indices)
    assert np.array_equal(one.indptr, other.indptr)
