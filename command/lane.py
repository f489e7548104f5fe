"""A lane of a run: a process that makes the assets it is told to, one after the other, and reports what happens.

Speaks with the process that started it (`lanes`) in lines of JSON: settings, gates and names of assets come in on
stdin; events, progress and verdicts go out on stdout. It ends when its stdin does, however the other process ended.
"""

from __future__ import annotations

import json
import os
import queue
import sys
import threading
import warnings
from contextlib import suppress
from typing import IO, Any


def main() -> None:
    """Read the first line, then make assets until stdin ends."""
    # What libraries print must not come between the lines of JSON.
    lines = os.fdopen(os.dup(sys.stdout.fileno()), "w", encoding="utf-8")
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())
    warnings.filterwarnings("ignore", message=".*torch.jit.script.*", category=FutureWarning)
    first = json.loads(sys.stdin.readline())
    assets: queue.SimpleQueue[str] = queue.SimpleQueue()
    threading.Thread(target=_listen, args=(assets,), daemon=True).start()
    with suppress(KeyboardInterrupt):  # the process that started this one says what is to be said
        _work(first, assets, lines)


def _listen(assets: queue.SimpleQueue[str]) -> None:
    """Take in names of assets; when the process that gives them is gone, so is this one, in the middle of any work."""
    for line in sys.stdin:
        assets.put(json.loads(line))
    os._exit(0)


def _work(first: dict[str, Any], assets: queue.SimpleQueue[str], lines: IO[str]) -> None:
    from command.lineage import Lineage
    from command.session import open_instance
    from releaf_assets.definitions import build_definitions
    from releaf_assets.gates import Gate
    from resources.settings import load_settings
    from sensors.staleness import Wave

    def say(kind: str, *values: object) -> None:
        lines.write(json.dumps([kind, *values]) + "\n")
        lines.flush()

    def event(entry: Any) -> None:
        say("event", entry.to_json())

    settings = load_settings(**first["settings"])
    gates = [Gate(**gate) for gate in first["gates"]]
    with open_instance(settings.home) as instance:
        definitions = build_definitions(settings, gates=gates, listener=lambda *note: say("progress", *note))
        lineage = Lineage(definitions, instance, settings.home, gates)
        while True:
            name = assets.get()
            passed = lineage.execute(Wave({name}), event)
            say("done", passed)


if __name__ == "__main__":
    main()
