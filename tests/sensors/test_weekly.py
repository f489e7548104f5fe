from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

import dagster as dg
import pytest

from sensors.staleness import AssetState
from sensors.weekly import weekly_schedule

if TYPE_CHECKING:
    from tests.sensors.conftest import Small


@pytest.fixture(scope="module")
def on_disk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dg.DagsterInstance]:
    """An instance on disk: a schedule is only ever given a reference to its own."""
    with dg.DagsterInstance.local_temp(str(tmp_path_factory.mktemp("dagster"))) as instance:
        yield instance


Tick = Callable[["Small"], "dg.RunRequest | str"]


@pytest.fixture
def tick(on_disk: dg.DagsterInstance) -> Tick:
    """What the schedule asks for: a run, or the reason for none."""

    def evaluate(small: Small) -> dg.RunRequest | str:
        schedule = weekly_schedule("everything", lambda _: small.inspect())
        everything = dg.Definitions.merge(small.definitions(), dg.Definitions(schedules=[schedule]))
        with dg.build_schedule_context(instance=on_disk, repository_def=everything.get_repository_def()) as context:
            data = schedule.evaluate_tick(context)
        if data.skip_message is not None:
            return data.skip_message
        (request,) = data.run_requests or []
        return request

    return evaluate


def test_it_looks_at_the_event_log_of_its_own_instance(small: Small, on_disk: dg.DagsterInstance) -> None:
    looked: list[dg.DagsterInstance] = []

    def look(instance: dg.DagsterInstance) -> dict[str, AssetState]:
        looked.append(instance)
        return {}

    schedule = weekly_schedule("everything", look)
    with dg.build_schedule_context(
        instance=on_disk, repository_def=small.definitions().get_repository_def()
    ) as context:
        schedule.evaluate_tick(context)
    assert [instance.root_directory for instance in looked] == [on_disk.root_directory]


def selected(request: dg.RunRequest | str) -> set[str]:
    assert isinstance(request, dg.RunRequest)
    return {key.to_user_string() for key in request.asset_selection or []}


def test_a_week_in_which_nothing_changed_asks_for_nothing_and_says_why(made: Small, tick: Tick) -> None:
    assert tick(made) == "everything is up to date"


def test_what_is_stale_is_asked_for_with_all_below_it_and_the_cause(made: Small, tick: Tick) -> None:
    made.code["b"] = "2"
    request = tick(made)
    assert selected(request) == {"b", "c"}
    assert isinstance(request, dg.RunRequest)
    assert request.tags["releaf/cause"] == "b: its code or settings changed"


def test_the_first_week_asks_for_everything(small: Small, tick: Tick) -> None:
    request = tick(small)
    assert selected(request) == {"a", "b", "c"}
    assert isinstance(request, dg.RunRequest)
    assert request.tags["releaf/cause"].startswith("a: it was never made; b: ")


def test_a_study_is_never_asked_for(made: Small, tick: Tick) -> None:
    made.studies = {"c"}
    made.data["b"], made.code["b"] = "b2", "2"
    assert selected(tick(made)) == {"b"}


def test_a_stale_study_alone_asks_for_nothing(made: Small, tick: Tick) -> None:
    made.studies, made.code["c"] = {"c"}, "2"
    assert tick(made) == "everything is up to date"


def test_a_cause_that_is_gone_asks_for_nothing_any_more(made: Small, tick: Tick) -> None:
    made.code["b"] = "2"
    assert selected(tick(made)) == {"b", "c"}
    made.run("b")
    assert tick(made) == "everything is up to date"


def test_it_is_mondays_at_three_and_off_until_someone_turns_it_on() -> None:
    schedule = weekly_schedule("everything", lambda _: {})
    assert (schedule.name, schedule.job_name) == ("weekly", "everything")
    assert (schedule.cron_schedule, schedule.execution_timezone) == ("0 3 * * 1", "UTC")
    assert schedule.default_status is dg.DefaultScheduleStatus.STOPPED
