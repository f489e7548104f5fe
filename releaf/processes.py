"""Work in processes of its own: what holds the interpreter lock, or needs torch's one random generator for itself.

Work that libraries do outside the lock is `parallel`'s. What the work is, and whether it is worth the seconds that a
process takes to import what it needs, is the caller's.
"""

from __future__ import annotations

import multiprocessing
import signal
import warnings
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from multiprocessing.connection import Connection, wait
from multiprocessing.context import SpawnProcess
from typing import Any, Generic, TypeVar

from releaf.errors import ReleafError, TrainingError

S = TypeVar("S")
T = TypeVar("T")


def may_start_processes() -> bool:
    """Whether this process may have children; one that was started as a daemon may not."""
    return not multiprocessing.current_process().daemon


@contextmanager
def in_processes(work: Callable[[S], T], items: Sequence[S], count: int) -> Iterator[Iterator[tuple[int, T]]]:
    """Within it up to `count` new processes do `work`, a function of a module; gives (place, result) as they finish.

    They begin at once, so that the caller may do other things before it asks for the first result, and end with the
    block, however it is left. They are fresh processes and no copies of this one, which would inherit locks that
    torch's threads hold. A `ReleafError` of the work is raised here; a process that ends by itself, killed or by any
    other error, raises `TrainingError`.
    """
    waiting = deque(enumerate(items))
    workers: list[_Worker[S, T]] = []
    try:
        workers += (_Worker.start() for _ in range(min(count, len(items))))
        for worker in workers:
            worker.give(work, *waiting.popleft())
        yield _results(workers, work, waiting)
    finally:
        for worker in workers:
            worker.end()


def _results(
    workers: Sequence[_Worker[S, T]], work: Callable[[S], T], waiting: deque[tuple[int, S]]
) -> Iterator[tuple[int, T]]:
    busy: dict[Any, _Worker[S, T]] = {worker.connection: worker for worker in workers}
    while busy:
        for connection in wait(list(busy)):
            worker = busy[connection]
            finished = worker.take()
            if waiting:
                worker.give(work, *waiting.popleft())
            else:
                del busy[connection]
            yield finished


@dataclass
class _Worker(Generic[S, T]):
    """A process, this end of the pipe to it, and the place of the item that it works on."""

    process: SpawnProcess
    connection: Connection
    place: int = -1

    @classmethod
    def start(cls) -> _Worker[S, T]:
        context = multiprocessing.get_context("spawn")
        ours, theirs = context.Pipe()
        process = context.Process(target=_serve, args=(theirs,))
        process.start()
        theirs.close()  # else its end would not be seen here
        return cls(process, ours)

    def give(self, work: Callable[[S], T], place: int, item: S) -> None:
        self.place = place
        try:
            self.connection.send((work, item))
        except BrokenPipeError:
            raise self._ended() from None

    def take(self) -> tuple[int, T]:
        try:
            kind, result = self.connection.recv()
        except (EOFError, ConnectionResetError):
            raise self._ended() from None
        if kind is not None:
            raise kind.__new__(kind, result)  # some of these errors make their message themselves
        return self.place, result

    def _ended(self) -> TrainingError:
        self.process.join()
        code = self.process.exitcode or 0
        how = f"was killed by {signal.Signals(-code).name}" if code < 0 else f"ended with exit status {code}"
        return TrainingError(
            f"a process that worked beside this one {how}; if memory is short, close other programs or let it work in "
            "one process with `taskset -c 0` before the command, then run it again"
        )

    def end(self) -> None:
        self.connection.close()
        self.process.terminate()
        self.process.join()
        self.process.close()


def _serve(connection: Connection) -> None:
    """Do what the pipe brings until its other end is closed."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C reaches the whole group; who started this one ends it
    # Libraries' notes on what their next version drops are for no user, and are hidden where the command runs too.
    warnings.filterwarnings("ignore", category=FutureWarning)
    while True:
        try:
            # The bytes are read whole before anything is imported for them: the sender does not wait for imports.
            work, item = connection.recv()
        except EOFError:
            return
        answer: tuple[type[ReleafError] | None, Any]
        try:
            answer = None, work(item)
        except ReleafError as error:
            answer = type(error), str(error)
        connection.send(answer)
