"""The log writer against a real Redis."""

import threading

import redis

from builder.streaming.frames import delta_of
from builder.streaming.log import LogWriter, log_key, publish_end


def nothing(_text: str) -> list[tuple[str, dict[str, object]]]:
    return []


def text_of(rows: list[tuple[str, str]]) -> str:
    return "".join(delta_of(frame.encode())[1] for _id, frame in rows if "event: delta" in frame)


def test_the_first_text_is_sent_at_once(writer, run_id, log_of):
    writer.open(run_id, on_text=nothing)
    writer.text(run_id, "你好")
    assert log_of(run_id) == [("2-0", 'id: 2\nevent: delta\ndata: {"offset":0,"text":"你好"}\n\n')]


def test_later_text_is_coalesced_and_nothing_is_lost(writer, run_id, log_of):
    writer.open(run_id, on_text=nothing)
    for number in range(500):
        writer.text(run_id, f"{number},")
    writer.close(run_id, [("done", {"state": "succeeded"})])
    rows = log_of(run_id)
    assert text_of(rows) == "".join(f"{number}," for number in range(500))
    assert len(rows) < 250
    assert rows[-1][1] == 'event: done\ndata: {"state":"succeeded"}\n\n'


def test_the_listener_gets_every_text_once_and_its_events_follow_the_text(writer, run_id, log_of):
    heard = []

    def listener(text):
        heard.append(text)
        return [("file", {"path": "index.html", "complete": False})]

    writer.open(run_id, on_text=listener)
    writer.text(run_id, "abc")
    writer.text(run_id, "def")
    writer.close(run_id, [])
    assert "".join(heard) == "abcdef"
    assert [entry_id for entry_id, _frame in log_of(run_id)] == ["3-0", "3-1", "6-0", "6-1"]


def test_a_write_whose_answer_was_lost_is_not_doubled(writer, run_id, log_of, monkeypatch):
    writer.open(run_id, on_text=nothing)
    writer.text(run_id, "abc")
    execute = redis.client.Pipeline.execute
    lost = threading.Event()

    def lose_the_answer(self, raise_on_error=True):
        answer = execute(self, raise_on_error)
        if not lost.is_set():
            lost.set()
            raise redis.ConnectionError
        return answer

    monkeypatch.setattr(redis.client.Pipeline, "execute", lose_the_answer)
    writer.text(run_id, "def")
    writer.flush(run_id)
    writer.close(run_id, [])
    assert text_of(log_of(run_id)) == "abcdef"


def test_text_written_while_redis_is_away_is_sent_when_it_is_back(settings, run_id, log_of):
    writer = LogWriter("redis://127.0.0.1:1/0")
    away, writer._redis = writer._redis, redis.Redis.from_url(settings.REDIS_URL)
    there, writer._redis = writer._redis, away
    writer.open(run_id, on_text=nothing)
    writer.text(run_id, "abc")
    writer.text(run_id, "def")
    assert log_of(run_id) == []
    writer._redis = there
    writer.close(run_id, [("done", {})])
    assert text_of(log_of(run_id)) == "abcdef"


def test_every_log_expires(writer, run_id, store):
    writer.open(run_id, on_text=nothing)
    writer.text(run_id, "abc")
    assert 600 < store.ttl(log_key(run_id)) <= 3600
    writer.close(run_id, [("done", {})])
    assert 0 < store.ttl(log_key(run_id)) <= 600


def test_a_listener_that_fails_does_not_end_the_log(writer, run_id, log_of):
    def broken(_text):
        raise RuntimeError("a bug")

    writer.open(run_id, on_text=broken)
    writer.text(run_id, "abc")
    writer.close(run_id, [])
    assert text_of(log_of(run_id)) == "abc"


def test_the_end_of_a_run_without_a_worker_comes_after_all_its_text(writer, run_id, log_of):
    writer.open(run_id, on_text=nothing)
    writer.text(run_id, "abc")
    publish_end(run_id, [("done", {"state": "failed"})])
    assert log_of(run_id)[-1][1] == 'event: done\ndata: {"state":"failed"}\n\n'


def test_publishing_an_end_while_redis_is_away_is_no_error(settings, run_id, caplog):
    settings.REDIS_URL = "redis://127.0.0.1:1/0"
    publish_end(run_id, [("done", {})])
    assert "was not published" in caplog.text


def test_what_waits_for_redis_is_bounded(settings, run_id, log_of, monkeypatch):
    monkeypatch.setattr("builder.streaming.log.UNSENT_MAX_BYTES", 20_000)
    writer = LogWriter("redis://127.0.0.1:1/0")
    writer.open(run_id, on_text=nothing)
    for _ in range(100):
        writer.text(run_id, "x" * 1_000)
        writer.flush(run_id)
    assert writer._logs[run_id].unsent_bytes < 25_000
    assert sum(len(frame) for _id, frame in writer._logs[run_id].unsent) < 25_000
    writer._redis = redis.Redis.from_url(settings.REDIS_URL)
    writer.close(run_id, [("done", {})])
    # The log begins late, with its own offset: a reader sees the gap and asks the database.
    first = delta_of(log_of(run_id)[0][1].encode())
    assert first[0] > 0
    assert first[0] % 1_000 == 0


def test_a_log_that_began_while_redis_was_away_expires_too(settings, run_id, store):
    writer = LogWriter("redis://127.0.0.1:1/0")
    writer.open(run_id, on_text=nothing)
    writer.text(run_id, "abc")
    writer._redis = redis.Redis.from_url(settings.REDIS_URL)
    writer.text(run_id, "def")
    writer.flush(run_id)
    assert 600 < store.ttl(log_key(run_id)) <= 3600


def test_a_status_that_comes_after_the_end_is_no_error(writer, run_id, log_of):
    writer.open(run_id, on_text=nothing)
    writer.text(run_id, "abc")
    writer.close(run_id, [])
    writer.event(run_id, "status", {"state": "running"})
    assert len(log_of(run_id)) == 1


def test_the_writers_thread_outlives_a_bug(writer, run_id, log_of, monkeypatch):
    writer.open(run_id, on_text=nothing)
    writer.text(run_id, "abc")
    failed = threading.Event()
    write = LogWriter._write

    def fail_once(self, run_ids):
        if not failed.is_set():
            failed.set()
            raise RuntimeError("a bug")
        return write(self, run_ids)

    monkeypatch.setattr(LogWriter, "_write", fail_once)
    writer.text(run_id, "def")
    assert failed.wait(10)
    for _ in range(100):
        if text_of(log_of(run_id)) == "abcdef":
            return
        threading.Event().wait(0.1)
    raise AssertionError("the text was not written after the bug")
