from __future__ import annotations

import threading
from collections.abc import Iterator

import pytest
import torch
from torch import Tensor, nn

from releaf.training.device import Hardware
from releaf.training.loop import Optimization, fit
from releaf.training.prefetch import ahead, one_core_left


@pytest.fixture(autouse=True)
def _threads() -> Iterator[None]:
    before = torch.get_num_threads()
    yield
    torch.set_num_threads(before)


def makers() -> list[str]:
    return [thread.name for thread in threading.enumerate() if thread.name.startswith("ahead")]


@pytest.mark.parametrize("length", [0, 1, 2, 3, 20])
def test_items_come_in_their_order_and_none_is_lost(length: int) -> None:
    assert list(ahead(range(length))) == list(range(length))
    assert makers() == []


def test_random_numbers_are_those_of_a_loop_without_it() -> None:
    def draws() -> Iterator[Tensor]:
        generator = torch.Generator().manual_seed(5)
        for _ in range(6):
            yield torch.randn(100, generator=generator)

    assert all(torch.equal(one, other) for one, other in zip(ahead(draws()), draws(), strict=True))


def test_two_items_are_made_before_they_are_asked_for_and_no_more() -> None:
    made: list[int] = []
    third = threading.Event()

    def items() -> Iterator[int]:
        for number in range(10):
            made.append(number)
            if number == 2:
                third.set()
            yield number

    taken = ahead(items(), 2)
    assert next(taken) == 0
    assert third.wait(10)  # 0 is in use, 1 and 2 wait
    taken.close()  # type: ignore[attr-defined]
    assert made == [0, 1, 2]


def test_items_are_made_in_one_other_thread_where_torch_computes_alone() -> None:
    def items() -> Iterator[tuple[int, int]]:
        for _ in range(5):
            yield threading.get_ident(), torch.get_num_threads()

    torch.set_num_threads(2)
    found = set(ahead(items()))
    assert len(found) == 1
    thread, threads = found.pop()
    assert thread != threading.get_ident()
    assert (threads, torch.get_num_threads()) == (1, 2)


def test_what_goes_wrong_is_raised_where_the_item_would_have_been_used() -> None:
    def items() -> Iterator[int]:
        yield from (1, 2)
        raise ValueError("the third is broken")

    taken = ahead(items())
    assert [next(taken), next(taken)] == [1, 2]
    with pytest.raises(ValueError, match="the third is broken"):
        next(taken)
    assert makers() == []


def test_leaving_a_loop_early_ends_the_thread() -> None:
    for item in ahead(range(1000)):
        if item == 3:
            break
    del item
    assert makers() == []


class Broken:
    """A task whose loss cannot be computed in the third step."""

    monitor, maximize = "error", False

    def __init__(self) -> None:
        self.seen = 0

    def batches(self, epoch: int) -> Iterator[Tensor]:
        return ahead(torch.ones(4, 1) * number for number in range(100))

    def steps_per_epoch(self) -> int:
        return 100

    def loss(self, model: nn.Module, batch: Tensor) -> Tensor:
        self.seen += 1
        if self.seen == 3:
            raise RuntimeError("no loss")
        loss: Tensor = model(batch).square().mean()
        return loss

    def samples(self, batch: Tensor) -> int:
        return len(batch)

    def validate(self, model: nn.Module) -> dict[str, float]:
        return {"error": 0.0}


def test_a_training_loop_that_fails_leaves_no_thread_behind() -> None:
    with pytest.raises(RuntimeError, match="no loss"):
        fit(nn.Linear(1, 1), Broken(), Optimization(1, 0.1, 0.0), Hardware("cpu", "fp32", 1 << 30, 1))
    assert makers() == []


@pytest.mark.parametrize(("threads", "left"), [(4, 3), (2, 1), (1, 1)])
def test_one_core_is_left_while_training_and_given_back_after_it(threads: int, left: int) -> None:
    torch.set_num_threads(threads)
    with one_core_left():
        assert torch.get_num_threads() == left
        list(ahead(range(3)))
        assert torch.get_num_threads() == left
    assert torch.get_num_threads() == threads
    found: list[int] = []
    other = threading.Thread(target=lambda: found.append(torch.get_num_threads()))
    other.start()
    other.join()
    assert found == [threads]
