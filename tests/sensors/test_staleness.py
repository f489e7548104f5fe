from __future__ import annotations

from typing import TYPE_CHECKING, Any

import dagster as dg
import pytest

from sensors.staleness import AssetState, Verdict, latest_evaluations, next_wave

if TYPE_CHECKING:
    from tests.sensors.conftest import Small

GATE = dg.AssetCheckKey(dg.AssetKey("a"), "good")


def reasons(small: Small) -> dict[str, tuple[str, ...]]:
    return {key: state.reasons for key, state in small.inspect().items() if state.reasons}


# What is stale, and why


def test_what_was_never_made_is_missing_and_all_of_it_can_run(small: Small) -> None:
    assert small.states() == {"a": "missing", "b": "missing", "c": "missing"}
    assert set(reasons(small).values()) == {("it was never made",)}
    assert small.wave().assets == {"a", "b", "c"}


def test_after_a_run_everything_is_fresh_and_nothing_is_left_to_run(made: Small) -> None:
    assert made.states() == {"a": "fresh", "b": "fresh", "c": "fresh"}
    assert not made.wave()


def test_states_come_in_lineage_order_without_the_files(made: Small) -> None:
    assert list(made.inspect()) == ["a", "b", "c"]


def test_a_state_shows_version_time_and_verdict(made: Small) -> None:
    state = made.inspect()["a"]
    assert state.data_version == "a1"
    assert state.materialized_at is not None
    assert state.verdicts == (Verdict("good", True, 0.9, 0.5, ">=", "share"),)


def test_changed_code_makes_its_asset_stale_and_says_so(made: Small) -> None:
    made.code["b"] = "2"
    assert reasons(made) == {"b": ("its code or settings changed",)}
    assert made.wave().assets == {"b"}


def test_a_changed_file_makes_only_its_direct_child_stale(made: Small) -> None:
    made.observe("s2")
    assert reasons(made) == {"a": ("source changed",)}
    assert made.wave().assets == {"a"}


def test_what_was_made_before_its_file_was_ever_looked_at_is_stale(small: Small) -> None:
    with dg.DagsterInstance.ephemeral() as unseen:
        small.instance = unseen
        small.run("a")
        assert reasons(small)["a"] == ("source changed",)


def test_a_file_put_back_as_it_was_makes_its_child_fresh_again(made: Small) -> None:
    made.observe("s2")
    made.observe("s1")
    assert reasons(made) == {}


def test_a_changed_version_makes_the_direct_child_stale_and_its_child_waits(made: Small) -> None:
    made.data["a"] = "a2"
    made.run("a")
    assert reasons(made) == {"b": ("a changed",)}
    assert made.wave().assets == {"b"}


def test_made_again_with_the_same_version_leaves_the_child_fresh(made: Small) -> None:
    made.observe("s2")
    made.run("a")
    assert made.states() == {"a": "fresh", "b": "fresh", "c": "fresh"}
    assert not made.wave()


def test_all_reasons_are_given_at_once(made: Small) -> None:
    made.code["b"], made.data["a"] = "2", "a2"
    made.run("a")
    assert reasons(made) == {"b": ("its code or settings changed", "a changed")}


def test_damaged_files_make_their_asset_stale_with_what_is_wrong(made: Small) -> None:
    states = made.inspect(damage=lambda asset: "b.txt was changed" if asset == "b" else None)
    assert states["b"].reasons == ("b.txt was changed",)
    assert states["b"].state == "stale"
    assert states["a"].state == states["c"].state == "fresh"


def test_files_that_were_never_made_are_not_looked_at(small: Small) -> None:
    looked: list[str] = []
    small.inspect(damage=lambda asset: looked.append(asset))
    assert looked == []


# Verdicts


def test_a_failed_gate_fails_its_asset_and_nothing_below_it_runs(small: Small) -> None:
    small.figure = 0.1
    assert not small.run()
    assert small.ran == ["a", "good"]
    assert small.states() == {"a": "failed", "b": "missing", "c": "missing"}
    assert not small.wave()


def test_what_was_made_below_a_gate_that_fails_now_is_left_alone(made: Small) -> None:
    made.data["a"], made.figure = "a2", 0.1
    made.run("a")
    assert made.states() == {"a": "failed", "b": "stale", "c": "fresh"}
    assert not made.wave()


def test_a_gate_that_turns_green_lets_what_waited_run(made: Small) -> None:
    made.data["a"], made.figure = "a2", 0.1
    made.run("a")
    made.figure = 0.9
    made.run("a")
    assert made.wave().assets == {"b"}


def test_a_missing_verdict_is_asked_for_without_making_the_asset_again(small: Small) -> None:
    small.run(check=False)
    assert small.states()["a"] == "unchecked"
    wave = small.wave()
    assert (wave.assets, wave.checks) == (set(), {GATE})
    assert small.run_wave(wave)
    assert small.ran == ["good"]
    assert small.states()["a"] == "fresh"


def test_what_is_below_a_missing_verdict_runs_only_if_it_comes_out_green(small: Small) -> None:
    small.run("a", check=False)
    wave = small.wave()
    assert (wave.assets, wave.checks) == ({"b", "c"}, {GATE})
    small.figure = 0.1
    assert not small.run_wave(wave)
    assert small.ran == ["good"]
    assert small.states() == {"a": "failed", "b": "missing", "c": "missing"}


def test_a_verdict_on_an_older_materialization_does_not_count(made: Small) -> None:
    made.run("a", check=False)
    assert made.inspect()["a"].verdicts == (Verdict("good", None, threshold=0.5, comparison=">=", metric="share"),)
    assert made.wave().checks == {GATE}


def test_a_verdict_by_another_comparison_does_not_count(made: Small) -> None:
    made.comparison = ">"
    assert made.inspect()["a"].state == "unchecked"


def test_a_verdict_against_another_threshold_does_not_count(made: Small) -> None:
    made.threshold = 0.95
    assert made.inspect()["a"].verdicts == (Verdict("good", None, threshold=0.95, comparison=">=", metric="share"),)

    wave = made.wave()
    assert (wave.assets, wave.checks) == (set(), {GATE})
    assert not made.run_wave(wave)
    assert made.states()["a"] == "failed"


def test_a_check_that_broke_gave_no_verdict_and_is_not_tried_again(small: Small) -> None:
    small.crashing = True
    small.run("a")
    assert small.states()["a"] == "unchecked"
    assert small.wave().checks == {GATE}
    assert not small.wave(attempted={"a", "b", "c"})


def test_a_stale_asset_is_not_checked_before_it_is_made_again(made: Small) -> None:
    made.run("a", check=False)
    made.code["a"] = "2"
    wave = made.wave()
    assert (wave.assets, wave.checks) == ({"a"}, set())


def test_the_latest_verdicts_are_those_that_were_given(made: Small) -> None:
    never = dg.AssetCheckKey(dg.AssetKey("a"), "never")
    found = latest_evaluations(made.instance, [GATE, never])
    assert set(found) == {GATE}
    assert found[GATE].passed
    assert latest_evaluations(made.instance, [never]) == {}


def test_a_verdict_that_was_planned_and_never_given_is_none(small: Small) -> None:
    small.crashing = True
    small.run("a")
    assert latest_evaluations(small.instance, [GATE]) == {}


# Waves


def test_what_failed_is_not_tried_again_and_what_is_below_it_waits(small: Small) -> None:
    assert not small.wave(attempted={"a"})


def test_beside_what_failed_the_rest_goes_on() -> None:
    @dg.asset
    def left() -> None: ...

    @dg.asset
    def right() -> None: ...

    @dg.asset(deps=[left, right])
    def both() -> None: ...

    @dg.asset(deps=[right])
    def below() -> None: ...

    graph = dg.Definitions(assets=[left, right, both, below]).resolve_asset_graph()
    states = {key: AssetState(key, ("it was never made",)) for key in ("left", "right", "both", "below")}
    assert next_wave(graph, states, attempted={"left"}).assets == {"right", "below"}


def state(key: str, word: str) -> AssetState:
    """A state of each kind."""
    if word == "missing":
        return AssetState(key, ("it was never made",))
    why = ("it changed",) if word == "stale" else ()
    passed = {"failed": False, "unchecked": None}.get(word, True)
    return AssetState(key, why, "1", 1.0, (Verdict("good", passed),))


@pytest.mark.parametrize("word", ["missing", "stale", "unchecked", "failed", "fresh"])
def test_the_word_for_a_state(word: str) -> None:
    assert state("a", word).state == word


def test_a_stale_asset_is_stale_whatever_its_gate_said() -> None:
    assert AssetState("a", ("it changed",), "1", 1.0, (Verdict("good", False),)).state == "stale"


@pytest.mark.parametrize(
    ("words", "assets"),
    [
        # a, b and c one below the other
        (("stale", "fresh", "fresh"), {"a"}),
        (("stale", "stale", "fresh"), {"a", "b"}),
        (("stale", "fresh", "stale"), {"a"}),
        (("fresh", "stale", "stale"), {"b", "c"}),
        (("failed", "stale", "stale"), set()),
        (("stale", "failed", "stale"), {"a"}),
        (("fresh", "failed", "stale"), set()),
        (("missing", "missing", "missing"), {"a", "b", "c"}),
    ],
)
def test_a_wave_is_the_largest_set_that_can_run_without_guessing(
    small: Small, words: tuple[str, ...], assets: set[str]
) -> None:
    graph: Any = small.definitions().resolve_asset_graph()
    states = {key: state(key, word) for key, word in zip("abc", words, strict=True)}
    assert next_wave(graph, states).assets == assets


def test_waves_end_with_everything_fresh_and_each_asset_made_once(made: Small) -> None:
    made.observe("s2")
    made.data |= {"a": "a2", "b": "b2"}
    made.code["a"] = "2"
    ran, attempted = [], set[str]()
    while wave := made.wave(attempted):
        assert made.run_wave(wave)
        ran += made.ran
        attempted |= wave.assets
    assert ran == ["a", "good", "b", "c"]
    assert set(made.states().values()) == {"fresh"}
