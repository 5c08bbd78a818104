"""Who is served after a look at the stores, and in what order."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from bridge.bundles import Bundle
from bridge.daemon.swaps.succession import absent_stores, succeed
from tests.backends import graphs

FIRST, SECOND = Path("first"), Path("second")
STORES = [FIRST, SECOND]


def bundle(name: str, number: int, store: Path = FIRST, folder: str = "") -> Bundle:
    manifest = replace(graphs.manifest(name), recipe={"number": number})
    return Bundle(store / (folder or name), manifest)


def labels(*bundles: Bundle) -> tuple[str, ...]:
    return tuple(each.manifest.label for each in bundles)


def test_what_is_loaded_stands_where_a_start_would_put_it() -> None:
    a, b, c = (bundle(name, 1) for name in "abc")
    order = succeed([a, c], [a, b, c], labels(b), STORES).order
    assert order == labels(a, b, c)


def test_what_is_not_loaded_is_left_out() -> None:
    a, b = bundle("a", 1), bundle("b", 1)
    assert succeed([a], [a, b], [], STORES).order == labels(a)


def test_the_version_whose_folder_was_taken_is_replaced() -> None:
    old, new = bundle("a", 1), bundle("a", 2)
    succession = succeed([old], [new], labels(new), STORES)
    assert (succession.order, succession.missing) == (labels(new), ())
    assert succession.replaced == dict([labels(old, new)])


def test_it_is_not_where_the_new_one_failed() -> None:
    old, new = bundle("a", 1), bundle("a", 2)
    succession = succeed([old], [new], [], STORES)
    assert (succession.order, succession.replaced) == (labels(old), {})


def test_it_is_not_where_it_must_stay() -> None:
    old, new = bundle("a", 1), bundle("a", 2)
    succession = succeed([old], [new], labels(new), STORES, keep=old.manifest.label)
    assert succession.order == labels(new, old)


def test_it_is_not_where_another_model_took_its_folder() -> None:
    old, other = bundle("a", 1, folder="mine"), bundle("b", 1, folder="mine")
    succession = succeed([old], [other], labels(other), STORES)
    assert succession.replaced == {}
    assert set(succession.order) == set(labels(old, other))


def test_what_is_gone_keeps_its_place_among_versions_that_were_there() -> None:
    gone, behind = bundle("a", 1), bundle("a", 2, folder="z")
    succession = succeed([gone, behind], [behind], [], STORES)
    assert (succession.order, succession.missing) == (labels(gone, behind), labels(gone))


def test_what_arrives_in_its_store_goes_before_what_is_gone() -> None:
    gone, arrival = bundle("a", 1), bundle("a", 2, folder="z")
    assert succeed([gone], [arrival], labels(arrival), STORES).order == labels(arrival, gone)


def test_what_arrives_in_a_later_store_does_not() -> None:
    gone, arrival = bundle("a", 1), bundle("a", 2, SECOND)
    assert succeed([gone], [arrival], labels(arrival), STORES).order == labels(gone, arrival)


def test_a_store_is_absent_that_served_and_shows_nothing() -> None:
    served = [bundle("a", 1), bundle("b", 1, SECOND)]
    assert absent_stores(STORES, served[:1], served) == [SECOND]
    assert absent_stores(STORES, [], []) == []
