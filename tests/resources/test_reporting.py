import dagster as dg

from resources.reporting import Listener, ProgressReporter


def work(steps: int, listener: Listener | None) -> list[str]:
    """Run an asset that reports `steps` steps; returns what it logged at level info."""

    @dg.asset
    def busy(context: dg.AssetExecutionContext, reporter: dg.ResourceParam[ProgressReporter]) -> None:
        progress = reporter.of(context)
        for done in range(1, steps + 1):
            progress(done, steps, "pages")
        progress(3, 0)

    with dg.DagsterInstance.ephemeral() as instance:
        result = dg.materialize(
            [busy],
            instance=instance,
            resources={"reporter": ProgressReporter(listener)},
            run_config={"loggers": {"console": {"config": {"log_level": "CRITICAL"}}}},
        )
        entries = instance.all_logs(result.run_id)
    return [entry.user_message for entry in entries if entry.dagster_event is None]


def test_a_listener_hears_the_assets_name_with_every_step() -> None:
    heard: list[tuple[str, int, int, str]] = []
    logged = work(2, lambda *step: heard.append(step))
    assert heard == [("busy", 1, 2, "pages"), ("busy", 2, 2, "pages"), ("busy", 3, 0, "")]
    assert logged == []


def test_without_a_listener_ten_lines_are_logged_however_many_steps_there_are() -> None:
    assert work(100, None) == [f"{done} of 100 pages" for done in range(10, 101, 10)]


def test_without_a_listener_the_last_step_is_always_logged() -> None:
    assert work(3, None) == ["1 of 3 pages", "2 of 3 pages", "3 of 3 pages"]
    assert work(19, None)[-1] == "19 of 19 pages"
