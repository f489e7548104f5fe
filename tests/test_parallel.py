from __future__ import annotations

import pytest
from threadpoolctl import threadpool_info

from releaf.parallel import each
from releaf.progress import silent


def test_results_come_in_the_order_of_the_items() -> None:
    assert each(lambda n: n * n, list(range(50)), silent, "squares") == [n * n for n in range(50)]
    assert each(lambda n: n, [], silent, "nothing") == []


def test_progress_is_told_every_hundred_items_and_at_the_end() -> None:
    told: list[tuple[int, int, str]] = []
    each(lambda n: n, range(230), lambda done, total, note="": told.append((done, total, note)), "numbers")
    assert told == [(100, 230, "numbers"), (200, 230, "numbers"), (230, 230, "numbers")]


def test_the_first_exception_ends_it() -> None:
    def fail(n: int) -> int:
        if n == 3:
            raise ValueError(f"item {n}")
        return n

    with pytest.raises(ValueError, match="item 3"):
        each(fail, range(10), silent, "numbers")


def test_matrix_products_take_one_thread_each_while_it_runs_and_no_longer() -> None:
    def threads(_: object = None) -> set[int]:
        return {library["num_threads"] for library in threadpool_info() if library["user_api"] == "blas"}

    before = threads()
    assert set.union(*each(threads, [0, 1], silent, "")) <= {1}
    assert threads() == before
