"""Work in processes of its own: what holds the interpreter lock, or needs torch's one random generator for itself.

Work that libraries do outside the lock is `parallel`'s. What the work is, and whether it is worth the seconds that a
process takes to import what it needs, is the caller's.
"""

from __future__ import annotations

import multiprocessing
import signal
import warnings
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, as_completed
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import chain
from multiprocessing.connection import Connection
from multiprocessing.context import SpawnProcess
from queue import SimpleQueue
from threading import Lock
from typing import Any, Generic, TypeVar

from releaf.errors import ReleafError, TrainingError

S = TypeVar("S")
T = TypeVar("T")


def may_start_processes() -> bool:
    """Whether this process may have children; one that was started as a daemon may not."""
    return not multiprocessing.current_process().daemon


@contextmanager
def in_processes(work: Callable[[S], T], items: Sequence[S], count: int) -> Iterator[Iterator[tuple[int, T]]]:
    """Within it `count` processes, this one among them, do `work`, a function of a module; gives (place, result).

    Results come as they are finished. The other processes begin at once; this one works while it is asked for results,
    and the caller may do other things before. They end with the block, however it is left. They are fresh processes
    and no copies of this one, which would inherit locks that torch's threads hold. A `ReleafError` of the work is
    raised here; a process that ends by itself, killed or by any other error, raises `TrainingError`.
    """
    waiting = _Waiting(items)
    finished: SimpleQueue[tuple[int, T]] = SimpleQueue()
    workers: list[_Worker] = []
    try:
        with ThreadPoolExecutor(max_workers=max(1, count - 1)) as threads:
            try:
                workers += (_Worker.start() for _ in range(min(count, len(items)) - 1))
                firsts = [next(waiting) for _ in workers]
                busy = [
                    threads.submit(worker.serve, work, chain([first], waiting), finished)
                    for worker, first in zip(workers, firsts, strict=True)
                ]
                yield _results(work, waiting, finished, busy)
            finally:
                for worker in workers:
                    worker.process.terminate()  # a thread that still waits for it sees the pipe end
    finally:
        for worker in workers:
            worker.close()


def _results(
    work: Callable[[S], T],
    waiting: _Waiting[S],
    finished: SimpleQueue[tuple[int, T]],
    busy: Sequence[Future[None]],
) -> Iterator[tuple[int, T]]:
    for place, item in waiting:
        yield place, work(item)
        for other in busy:
            if other.done():
                other.result()  # raises what ended it
        while not finished.empty():
            yield finished.get()
    for other in as_completed(busy):
        other.result()
    while not finished.empty():
        yield finished.get()


class _Waiting(Generic[S]):
    """Items with their places, each given once, whichever thread asks."""

    def __init__(self, items: Sequence[S]) -> None:
        self._items = enumerate(items)
        self._lock = Lock()

    def __iter__(self) -> Iterator[tuple[int, S]]:
        return self

    def __next__(self) -> tuple[int, S]:
        with self._lock:
            return next(self._items)


@dataclass(frozen=True)
class _Worker:
    """A process, and this end of the pipe to it."""

    process: SpawnProcess
    connection: Connection

    @classmethod
    def start(cls) -> _Worker:
        context = multiprocessing.get_context("spawn")
        ours, theirs = context.Pipe()
        process = context.Process(target=_serve, args=(theirs,))
        process.start()
        theirs.close()  # else its end would not be seen here
        return cls(process, ours)

    def serve(
        self, work: Callable[[S], T], waiting: Iterable[tuple[int, S]], finished: SimpleQueue[tuple[int, T]]
    ) -> None:
        """Let the process work until nothing waits; for a thread, which only waits."""
        for place, item in waiting:
            try:
                self.connection.send((work, item))
                kind, result = self.connection.recv()
            except (EOFError, BrokenPipeError, ConnectionResetError):
                raise self._ended() from None
            if kind is not None:
                raise kind.__new__(kind, result)  # some of these errors make their message themselves
            finished.put((place, result))

    def _ended(self) -> TrainingError:
        self.process.join()
        code = self.process.exitcode or 0
        if code >= 0:
            return TrainingError(
                f"a process that worked beside this one ended with status {code}; its message is above"
            )
        return TrainingError(
            f"a process that worked beside this one was killed by {signal.Signals(-code).name}; if memory is short, "
            "close other programs or put `taskset -c 0` before the command, which then works in one process, and run "
            "it again"
        )

    def close(self) -> None:
        self.connection.close()
        self.process.join()
        self.process.close()


def _serve(connection: Connection) -> None:
    """Do what the pipe brings until its other end is closed."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C reaches the whole group; who started this one ends it
    # Libraries' notes on what their next version drops are for no user, and are hidden where the command runs too.
    warnings.filterwarnings("ignore", category=FutureWarning)
    while True:
        try:
            work, item = connection.recv()
        except EOFError:
            return
        answer: tuple[type[ReleafError] | None, Any]
        try:
            answer = None, work(item)
        except ReleafError as error:
            answer = type(error), str(error)
        connection.send(answer)
