"""Where progress of long work goes: log lines by default, bars when the command runs it."""

from __future__ import annotations

from collections.abc import Callable

from dagster import AssetExecutionContext

from releaf.progress import Progress

Listener = Callable[[str, int, int, str], None]


class ProgressReporter:
    """Gives each asset a `Progress`. `listener` takes (asset, done, total, note); None writes log lines instead."""

    def __init__(self, listener: Listener | None = None) -> None:
        self._listener = listener

    def of(self, context: AssetExecutionContext) -> Progress:
        """The progress of the asset that runs in `context`."""
        asset = context.asset_key.to_user_string()
        listener = self._listener
        if listener is not None:

            def forward(done: int, total: int, note: str = "") -> None:
                listener(asset, done, total, note)

            return forward

        def log(done: int, total: int, note: str = "") -> None:
            # Ten lines an asset are enough to see that it lives.
            if total and (done == total or done % max(1, total // 10) == 0):
                context.log.info(f"{done} of {total} {note}".rstrip())

        return log
