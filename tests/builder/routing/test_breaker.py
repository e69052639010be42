"""Closed, open, half open: by the clock that is given, in Redis and in a process alone."""

import threading
import time

import pytest
import redis

from builder.routing.breaker import AWAY_SECONDS, Breaker, State
from builder.routing.stores import PREFIX, Change, LocalStore, RedisStore
from tests.builder.routing.conftest import failure

A, B = "openrouter", "openrouter openai/gpt-4"


def open_up(breaker, name=A):
    return [breaker.failed(failure(name)) for _ in range(5)]


def test_five_failures_within_a_minute_open_it_and_four_do_not(breaker, clock):
    changes = []
    for _ in range(5):
        assert breaker.state(A) is State.CLOSED
        changes.append(breaker.failed(failure(A)))
        clock.pass_seconds(14)
    assert changes == [Change.COUNTED] * 4 + [Change.OPENED]
    assert breaker.state(A) is State.OPEN
    assert breaker.state(B) is State.CLOSED


def test_failures_older_than_a_minute_do_not_count(breaker, clock):
    for _ in range(12):
        assert breaker.failed(failure(A)) is Change.COUNTED
        clock.pass_seconds(15.1)
    assert breaker.state(A) is State.CLOSED


def test_open_for_thirty_seconds_then_one_probe(breaker, clock):
    open_up(breaker)
    clock.pass_seconds(29.9)
    assert breaker.state(A) is State.OPEN
    assert breaker.claim([A]) is None
    clock.pass_seconds(0.2)
    assert breaker.state(A) is State.HALF_OPEN
    assert breaker.claim([A]) is not None
    assert breaker.claim([A]) is None


def test_a_probe_that_answers_closes_it_and_its_past_is_forgotten(breaker, clock):
    open_up(breaker)
    clock.pass_seconds(31)
    assert breaker.claim([A])
    assert breaker.close([A]) == [A]
    assert breaker.state(A) is State.CLOSED
    assert breaker.close([A]) == breaker.close([]) == []
    assert [breaker.failed(failure(A)) for _ in range(4)] == [Change.COUNTED] * 4


def test_a_probe_that_fails_opens_it_again_for_as_long(breaker, clock):
    open_up(breaker)
    began = clock.now
    clock.pass_seconds(31)
    token = breaker.claim([A])
    assert breaker.failed(failure(A, code="timeout", token=token)) is Change.REOPENED
    assert breaker.state(A) is State.OPEN
    opened = breaker.opened()[A]
    assert (opened.since, opened.until, opened.code) == (began, clock.now + 30, "timeout")
    clock.pass_seconds(30)
    assert breaker.claim([A]) is not None


def test_failures_of_calls_that_are_no_probe_do_not_prolong_it(breaker, clock):
    open_up(breaker)
    clock.pass_seconds(20)
    assert breaker.failed(failure(A)) is Change.STAYS
    clock.pass_seconds(11)
    assert breaker.state(A) is State.HALF_OPEN
    assert breaker.failed(failure(A, token="somebody else's")) is Change.STAYS
    assert breaker.claim([A]) is not None


def test_a_probe_given_back_is_free_for_another_and_only_its_owner_can(breaker, clock):
    open_up(breaker)
    clock.pass_seconds(31)
    token = breaker.claim([A])
    breaker.release([A], "not the owner")
    assert breaker.claim([A]) is None
    breaker.release([A], token)
    assert breaker.claim([A]) is not None


def test_a_probe_of_two_takes_both_or_none(breaker, clock):
    open_up(breaker, A)
    clock.pass_seconds(20)
    open_up(breaker, B)
    clock.pass_seconds(11)
    # A is due, B is not: nothing is taken.
    assert breaker.claim([A, B]) is None
    token = breaker.claim([A])
    assert token is not None
    breaker.release([A], token)
    clock.pass_seconds(20)
    assert breaker.claim([A, B]) is not None
    assert breaker.claim([A]) is None
    assert breaker.claim([B]) is None


def test_failures_of_one_group_do_not_open_what_asks_for_two(breaker):
    changes = [breaker.failed(failure(A, group="gpt-4", least=2)) for _ in range(9)]
    assert changes == [Change.COUNTED] * 9
    assert breaker.failed(failure(A, group="gpt-4|turbo", least=2)) is Change.OPENED


def test_a_rest_is_as_long_as_told_and_then_probed(breaker, clock):
    breaker.rest(A, "rate_limited", 7)
    assert breaker.state(A) is State.OPEN
    clock.pass_seconds(7.1)
    assert breaker.state(A) is State.HALF_OPEN


def test_a_prober_that_died_in_this_process_is_forgotten(clock):
    breaker = Breaker(LocalStore(), clock=clock, ticks=clock)
    open_up(breaker)
    clock.pass_seconds(31)
    assert breaker.claim([A])
    clock.pass_seconds(149)
    assert breaker.claim([A]) is None
    clock.pass_seconds(2)
    assert breaker.claim([A])


def test_a_probes_key_in_redis_goes_away_by_itself(redis_client, clock):
    breaker = Breaker(RedisStore(redis_client), clock=clock, ticks=clock)
    open_up(breaker)
    clock.pass_seconds(31)
    assert breaker.claim([A])
    assert 140_000 < redis_client.pttl(f"{PREFIX}probe:{A}") <= 150_000


def test_fifty_threads_at_once_and_one_probe(redis_client, redis_url, clock):
    open_up(Breaker(RedisStore(redis_client), clock=clock, ticks=clock))
    clock.pass_seconds(31)
    start, claimed = threading.Barrier(50), []

    def claim():
        # Each with a client and a breaker of its own, as fifty workers have.
        with redis.Redis.from_url(redis_url) as client:
            breaker = Breaker(RedisStore(client), clock=clock, ticks=clock)
            assert breaker.state(A) is State.HALF_OPEN
            start.wait()
            claimed.append(breaker.claim([A]))

    threads = [threading.Thread(target=claim) for _ in range(50)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(claimed) == 50
    assert sum(token is not None for token in claimed) == 1


def test_fifty_failures_at_once_open_it_once(redis_client, redis_url, clock):
    start, changes = threading.Barrier(50), []

    def fail():
        with redis.Redis.from_url(redis_url) as client:
            breaker = Breaker(RedisStore(client), clock=clock, ticks=clock)
            start.wait()
            changes.append(breaker.failed(failure(A)))

    threads = [threading.Thread(target=fail) for _ in range(50)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(changes) == ["counted"] * 4 + ["opened"] + ["stays"] * 45


def test_what_one_worker_opens_another_sees_within_a_second(redis_client, clock):
    here = Breaker(RedisStore(redis_client), clock=clock, ticks=clock)
    there = Breaker(RedisStore(redis_client), clock=clock, ticks=clock)
    assert there.state(A) is State.CLOSED
    open_up(here)
    assert here.state(A) is State.OPEN
    assert there.state(A) is State.CLOSED
    clock.pass_seconds(1.0)
    assert there.state(A) is State.OPEN


def test_a_closed_breaker_costs_one_look_a_second_whatever_is_asked(redis_client, clock):
    asked = []

    class Counting(RedisStore):
        def load(self):
            asked.append(clock.now)
            return super().load()

    breaker = Breaker(Counting(redis_client), clock=clock, ticks=clock)
    for _ in range(1000):
        breaker.state(A)
        clock.pass_seconds(0.01)
    assert len(asked) == 10


class AwayStore(LocalStore):
    """A Redis that does not answer."""

    calls = 0

    def load(self):
        return self._away()

    def fail(self, failure, now):
        return self._away()

    def claim(self, names, now, token):
        return self._away()

    def _away(self):
        AwayStore.calls += 1
        raise redis.ConnectionError("away")


def test_while_redis_is_away_each_process_goes_on_alone(clock):
    AwayStore.calls = 0
    breaker = Breaker(AwayStore(), clock=clock, ticks=clock)
    assert open_up(breaker) == [Change.COUNTED] * 4 + [Change.OPENED]
    assert breaker.state(A) is State.OPEN
    # Redis was tried once: runs do not each wait for it.
    assert AwayStore.calls == 1
    clock.pass_seconds(31)
    assert breaker.state(A) is State.HALF_OPEN
    assert breaker.claim([A]) is not None
    assert breaker.claim([A]) is None
    assert breaker.close([A]) == [A]


def test_what_was_open_in_redis_stays_open_without_it(redis_client, clock):
    store = RedisStore(redis_client)
    breaker = Breaker(store, clock=clock, ticks=clock)
    open_up(breaker)
    assert breaker.state(A) is State.OPEN
    breaker._store = AwayStore()
    clock.pass_seconds(2)
    assert breaker.state(A) is State.OPEN
    breaker._store = store
    clock.pass_seconds(AWAY_SECONDS)
    assert breaker.opened().keys() == {A}


@pytest.mark.parametrize("url", ["redis://127.0.0.1:1/0"])
def test_a_redis_that_refuses_is_no_error(url, clock):
    client = redis.Redis.from_url(url, socket_connect_timeout=0.2, retry=None)
    breaker = Breaker(RedisStore(client), clock=clock, ticks=time.monotonic)
    assert breaker.state(A) is State.CLOSED
    assert breaker.failed(failure(A)) is Change.COUNTED
