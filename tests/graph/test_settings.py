from __future__ import annotations

from typing import Any

import pytest

from releaf.errors import InputError
from releaf.graph.citation import CITATION_SETTINGS
from releaf.graph.settings import GraphSettings


def test_the_defaults_are_those_of_the_specification() -> None:
    settings = GraphSettings()
    assert (settings.model, settings.aggregator, settings.layers) == ("sage", "mean", 3)
    assert (settings.hidden, settings.output, settings.dropout, settings.heads) == (256, 128, 0.3, 4)
    assert (settings.learning_rate, settings.weight_decay) == (1e-3, 5e-4)


def test_the_citation_graph_is_measured_with_the_same_architecture() -> None:
    settings = CITATION_SETTINGS
    assert (settings.model, settings.aggregator, settings.layers, settings.hidden) == ("sage", "mean", 3, 256)


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"model": "mlp"}, "graph model 'mlp' is unknown; choose one of sage, gat, gcn"),
        ({"candidates": ("gat", "gin")}, "gin"),
        ({"aggregator": "sum"}, "aggregator 'sum' is unknown; choose one of mean, max, lstm"),
        ({"model": "gcn", "aggregator": "max"}, "aggregator 'max' is for sage only; gcn has its own"),
        ({"layers": 1}, r"layers \(1\) must be at least 2"),
        ({"model": "gat", "hidden": 30}, r"hidden \(30\) must be a multiple of heads \(4\)"),
        ({"dropout": 1.0}, r"dropout \(1\.0\)"),
        ({"full_batch_edges": -1}, r"full_batch_edges \(-1\) must be at least 0"),
        ({"batch_pairs": 0}, r"batch_pairs \(0\) and fanout \(5\) at least 1"),
        ({"fanout": 0}, r"fanout \(0\) at least 1"),
        ({"supervised_share": 1.0}, r"supervised_share \(1\.0\)"),
    ],
)
def test_settings_that_contradict_themselves_are_refused(wrong: dict[str, Any], message: str) -> None:
    with pytest.raises(InputError, match=message):
        GraphSettings(**wrong)
