"""A queue that is fair between clients, bounded in all and by client."""

from __future__ import annotations

from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.daemon.fair_queue import FairQueue, Full


def fill(queue: FairQueue[str], client: str, count: int) -> None:
    for number in range(count):
        queue.put(client, f"{client}{number}")


def test_one_clients_items_come_in_their_order() -> None:
    queue: FairQueue[str] = FairQueue(100)
    fill(queue, "a", 5)
    assert list(queue.pop_all()) == ["a0", "a1", "a2", "a3", "a4"]


def test_clients_take_turns() -> None:
    queue: FairQueue[str] = FairQueue(100)
    for client in "abc":
        fill(queue, client, 3)
    assert list(queue.pop_all()) == ["a0", "b0", "c0", "a1", "b1", "c1", "a2", "b2", "c2"]


def test_a_client_that_asks_seldom_goes_ahead_of_one_that_floods() -> None:
    queue: FairQueue[str] = FairQueue(1000)
    fill(queue, "flood", 400)
    for _ in range(100):
        queue.pop()
    queue.put("polite", "please")
    assert queue.pop() == "please"


def test_a_client_that_asks_seldom_goes_ahead_of_many_that_ask_all_the_time() -> None:
    queue: FairQueue[str] = FairQueue(1000)
    floods = [f"flood{number}" for number in range(64)]
    for flood in floods:
        queue.put(flood, flood)
    for turn in range(1000):  # each asks again as soon as it was answered
        if turn >= 64 and turn % 70 == 0:
            queue.put("polite", "polite")
            assert queue.pop() == "polite"
        flood = queue.pop()
        queue.put(flood, flood)


def test_those_that_ask_all_the_time_are_served_alike() -> None:
    queue: FairQueue[str] = FairQueue(1000)
    for flood in "abcdefgh":
        queue.put(flood, flood)
    served = Counter[str]()
    for _ in range(800):
        flood = queue.pop()
        served[flood] += 1
        queue.put(flood, flood)
    assert set(served.values()) == {100}


def test_a_client_gains_nothing_by_asking_more_at_once() -> None:
    queue: FairQueue[str] = FairQueue(10_000)
    fill(queue, "many", 1000)
    served = Counter[str]()
    queue.put("one", "one")
    for _ in range(200):
        item = queue.pop()
        served[item[:3]] += 1
        if item == "one":
            queue.put("one", "one")
    assert served["one"] == pytest.approx(100, abs=2)


def test_newcomers_without_end_do_not_keep_the_others_from_their_turn() -> None:
    queue: FairQueue[str] = FairQueue(1000)
    fill(queue, "old", 20)
    served = 0
    for number in range(1000):
        queue.put(f"new{number}", "new")
        served += queue.pop().startswith("old")
    assert served == 20


def test_what_costs_more_comes_less_often() -> None:
    queue: FairQueue[str] = FairQueue(10_000)
    for number in range(100):
        queue.put("large", f"large{number}", cost=10)
        queue.put("small", f"small{number}", cost=1)
    first = [queue.pop()[:5] for _ in range(55)]
    assert Counter(first)["small"] == pytest.approx(50, abs=2)


def test_one_client_alone_may_fill_half_of_the_room() -> None:
    queue: FairQueue[str] = FairQueue(100)
    fill(queue, "a", 50)
    with pytest.raises(Full) as full:
        queue.put("a", "one more")
    assert (full.value.waiting, full.value.of_client, len(queue)) == (50, 50, 50)


def test_who_has_nothing_waiting_finds_a_place_however_many_flood() -> None:
    queue: FairQueue[str] = FairQueue(100)
    for number in range(20):
        with pytest.raises(Full):
            fill(queue, f"flood{number}", 100)
    queue.put("polite", "please")


def test_who_has_a_few_waiting_finds_a_place_for_one_more() -> None:
    queue: FairQueue[str] = FairQueue(4096)
    for flooder in range(12):
        with pytest.raises(Full):
            fill(queue, f"flood{flooder}", 4096)

    fill(queue, "modest", 16)
    with pytest.raises(Full):
        queue.put("modest", "one too many")


def test_what_waits_is_bounded_however_many_clients_there_are() -> None:
    queue: FairQueue[int] = FairQueue(100)
    for number in range(125):
        queue.put(f"client {number}", number)
    with pytest.raises(Full) as full:
        queue.put("one more", 125)
    assert (full.value.waiting, full.value.of_client) == (125, 0)


def test_room_is_there_again_when_items_have_left() -> None:
    queue: FairQueue[str] = FairQueue(2)
    queue.put("a", "first")
    with pytest.raises(Full):
        queue.put("a", "second")
    queue.pop()
    queue.put("a", "second")
    assert queue.pop() == "second"


def test_room_is_counted_by_cost() -> None:
    queue: FairQueue[str] = FairQueue(10)
    queue.put("a", "large", cost=5)
    with pytest.raises(Full):
        queue.put("b", "large", cost=8)
    queue.put("b", "smaller", cost=7)
    assert queue.waiting == 12


def test_what_is_expired_leaves_and_the_rest_keep_their_turns() -> None:
    queue: FairQueue[str] = FairQueue(100)
    queue.put("a", "a0", deadline_ns=50)
    queue.put("a", "a1")
    queue.put("b", "b0", deadline_ns=10)
    queue.put("b", "b1", deadline_ns=90)
    assert queue.drop_expired(9) == []
    assert queue.drop_expired(50) == ["a0", "b0"]
    assert queue.waiting == len(queue) == 2
    assert list(queue.pop_all()) == ["a1", "b1"]


def test_clients_that_come_and_go_without_end_are_forgotten() -> None:
    queue: FairQueue[int] = FairQueue(100)
    for number in range(20_000):
        queue.put(f"client {number}", number)
        queue.pop()
    assert len(queue._clients) < 1000


def test_they_are_forgotten_too_while_others_wait() -> None:
    queue: FairQueue[int] = FairQueue(1000)
    for number in range(100):
        queue.put("waits", number)
    for number in range(20_000):
        queue.put("waits", number)
        queue.put(f"client {number}", number)
        queue.pop()
        queue.pop()
    assert len(queue._clients) < 1000


puts = st.lists(
    st.tuples(st.sampled_from("abcde"), st.integers(1, 9), st.none() | st.integers(0, 9)),
    max_size=60,
)


@given(puts, st.lists(st.booleans(), max_size=60), st.integers(0, 9))
def test_every_item_that_was_taken_comes_out_once(
    items: list[tuple[str, int, int | None]], pops: list[bool], now: int
) -> None:
    queue: FairQueue[int] = FairQueue(60)
    taken: list[int] = []
    out: list[int] = []
    refused: list[bool] = []
    pop = iter(pops)
    for number, (client, cost, deadline_ns) in enumerate(items):
        try:
            queue.put(client, number, cost, deadline_ns)
            taken.append(number)
        except Full as full:
            refused.append(full.of_client + cost > 60 - full.waiting)
        if next(pop, False) and len(queue):
            out.append(queue.pop())
        assert queue.waiting <= 60 + 15
    out += queue.drop_expired(now)
    out += queue.pop_all()
    assert sorted(out) == taken
    assert all(refused)
    assert (queue.waiting, len(queue)) == (0, 0)
