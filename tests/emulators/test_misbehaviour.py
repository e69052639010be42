"""Everything the emulator can be told to do wrong."""

import time

import pytest
import requests

from emulators.ai.behaviour import PRESETS
from tests.emulators.wire import FLAVOURS, OPENAI_LIKE, ask, hear, listen

REQUEST = "A site for a bakery"


@pytest.mark.parametrize("flavour", FLAVOURS)
@pytest.mark.parametrize("status", [401, 402, 403, 408, 413, 429, 500, 502, 503])
def test_status_comes_with_the_flavours_body(ai, flavour, status):
    ai.rule({"status": status})
    response = ask(ai, flavour, REQUEST)
    instead = {("dashscope", 402): 400, ("openai", 402): 429}.get((flavour, status), status)
    assert response.status_code == instead
    body = response.json()
    assert body["error"]["message"]
    if flavour == "openrouter":
        assert body["error"]["code"] == status
    if flavour == "anthropic":
        assert body["type"] == "error"
    if flavour == "dashscope":
        assert body["request_id"]


def test_retry_after_is_sent_when_asked_for(ai):
    ai.rule({"status": 429, "retry_after": 2}, times=1)
    ai.rule({"status": 429}, times=1)
    assert ask(ai, "openrouter", REQUEST).headers["retry-after"] == "2"
    assert "retry-after" not in ask(ai, "openrouter", REQUEST).headers


def test_rule_counts_its_times_and_its_skips(ai):
    ai.rule({"status": 503}, times=2, skip=1, provider="openrouter")
    codes = [ask(ai, "openrouter", REQUEST).status_code for _ in range(4)]
    assert codes == [200, 503, 503, 200]
    assert ask(ai, "dashscope", REQUEST).status_code == 200


def test_rule_matches_model_words_and_key(ai):
    ai.rule({"status": 500}, model="openai/gpt-4")
    ai.rule({"status": 502}, contains="florist")
    ai.rule({"status": 401}, api_key="bad")
    assert ask(ai, "openrouter", REQUEST, model="openai/gpt-4").status_code == 500
    assert ask(ai, "openrouter", "A site for a florist").status_code == 502
    assert ask(ai, "openrouter", REQUEST, key="bad").status_code == 401
    assert ask(ai, "openrouter", REQUEST).status_code == 200


@pytest.mark.parametrize("flavour", FLAVOURS)
@pytest.mark.parametrize("how", ["reset", "eof"])
def test_cut_stops_at_the_character_without_a_finish(ai, flavour, how):
    ai.rule({"cut_after_chars": 333, "cut_how": how})
    heard = listen(ai, flavour, REQUEST)
    assert len(heard.text) == 333
    assert heard.finishes == []
    assert heard.broken is (how == "reset")
    assert ai.requests()[-1]["outcome"] == "cut"


def test_cut_after_bytes_may_fall_inside_a_frame(ai):
    ai.rule({"cut_after_bytes": 1001})
    heard = listen(ai, "openrouter", REQUEST)
    assert len(heard.raw) == 1001
    assert heard.broken


def test_hang_up_ends_the_connection_before_any_answer(ai):
    ai.rule({"hang_up": True})
    with pytest.raises(requests.exceptions.ConnectionError):
        ask(ai, "openrouter", REQUEST)


@pytest.mark.parametrize("after", [0, 250])
def test_stall_keeps_commenting_and_then_goes_on(ai, after):
    ai.rule({"stall": {"after_chars": after, "seconds": 0.3}, "keep_alive_seconds": 0.1})
    heard = listen(ai, "openrouter", REQUEST)
    before = heard.raw.split(b": OPENROUTER")[0].count(b'"content"')
    assert len(heard.comments) >= 3
    assert heard.finishes == ["stop"]
    assert (before > 1) is bool(after)


def test_stall_for_ever_ends_when_the_client_leaves(ai):
    ai.rule({"stall": {"after_chars": 100}, "keep_alive_seconds": 0.05})
    response = ask(ai, "openrouter", REQUEST)
    seen = b""
    for piece in response.iter_content(None):
        seen += piece
        if seen.count(b"PROCESSING") > 3:
            break
    response.close()
    deadline = time.monotonic() + 5
    while ai.counters()["open_streams"] and time.monotonic() < deadline:
        time.sleep(0.02)
    assert ai.counters()["outcomes.client_closed"] == 1
    assert ai.requests()[0]["chars_sent"] == 100


@pytest.mark.parametrize("flavour", FLAVOURS)
def test_error_comes_inside_the_stream(ai, flavour):
    ai.rule({"error": {"after_chars": 200, "status": 502, "message": "Upstream went away"}})
    heard = listen(ai, flavour, REQUEST)
    assert heard.response.status_code == 200
    assert len(heard.text) == 200
    errors = [data["error"] for data in heard.payloads if "error" in data]
    assert [error["message"] for error in errors] == ["Upstream went away"]
    assert heard.finishes == (["error"] if flavour == "openrouter" else [])


@pytest.mark.parametrize(
    ("shape", "expected"),
    [
        ("normal", [False]), ("missing", []), ("null", [None]), ("null_then_real", [None, False]),
        ("on_finish", [False]), ("repeated", [False, False]), ("after_done", [False]),
    ],
)  # fmt: skip
def test_usage_shapes(ai, shape, expected):
    ai.rule({"usage": shape})
    heard = listen(ai, "openrouter", REQUEST)
    assert [None if usage is None else False for usage in heard.usages] == expected
    if shape == "on_finish":
        assert heard.payloads[-1]["choices"][0]["finish_reason"] == "stop"


def test_odd_usage_numbers(ai):
    for shape, value in (("zero", 0), ("negative", -1), ("huge", 10**12)):
        ai.clear_rules()
        ai.rule({"usage": shape})
        assert listen(ai, "openai", REQUEST).usages[-1]["completion_tokens"] == value
    ai.clear_rules()
    ai.rule({"usage": "strings"})
    assert listen(ai, "openai", REQUEST).usages[-1]["completion_tokens"].isdigit()
    ai.clear_rules()
    ai.rule({"usage": "partial"})
    assert set(listen(ai, "openai", REQUEST).usages[-1]) == {"total_tokens"}
    ai.clear_rules()
    ai.rule({"usage": "null_choices"})
    assert listen(ai, "openai", REQUEST).payloads[-1]["choices"] is None


def test_anthropic_usage_shapes(ai):
    def deltas(shape: str) -> list[object]:
        ai.clear_rules()
        ai.rule({"usage": shape})
        heard = listen(ai, "anthropic", REQUEST)
        return [d.get("usage", "none") for d in heard.payloads if d["type"] == "message_delta"]

    assert deltas("missing") == ["none"]
    assert deltas("null") == [None]
    assert deltas("null_then_real")[0] is None
    assert len(deltas("repeated")) == 2


def test_length_filter_refusal_and_silence(ai):
    ai.rule({"length_after_chars": 100}, times=1)
    heard = listen(ai, "openrouter", REQUEST)
    assert (len(heard.text), heard.finishes) == (100, ["length"])
    ai.rule({"content_filter": True}, times=1)
    assert listen(ai, "openrouter", REQUEST).finishes == ["content_filter"]
    ai.rule({"refuse": True}, times=1)
    assert "can't help" in listen(ai, "openrouter", REQUEST).text
    ai.rule({"empty": True}, times=1)
    heard = listen(ai, "openrouter", REQUEST)
    assert (heard.text, heard.usages[-1]["completion_tokens"]) == ("", 0)


def test_garbage_lines_stand_between_the_chunks(ai):
    ai.rule({"garbage": {"after_chars": 50, "lines": 3}})
    heard = listen(ai, "openrouter", REQUEST)
    assert "{not json" in [data for _, data in heard.events]
    assert heard.finishes == ["stop"]


def test_html_page_instead_of_json(ai):
    ai.rule("html")
    response = ask(ai, "openrouter", REQUEST)
    assert response.status_code == 502
    assert response.headers["content-type"].startswith("text/html")


def test_scripted_text_and_useless_replies(ai):
    ai.rule({"reply": "exactly this 你好"}, times=1)
    assert listen(ai, "dashscope", REQUEST).text == "exactly this 你好"
    ai.rule("prose", times=1)
    assert "```" not in listen(ai, "dashscope", REQUEST).text
    ai.rule("bad-edit", times=1)
    assert "This line is in none of the files." in listen(ai, "dashscope", REQUEST).text


def test_chunks_are_as_many_and_as_big_as_told(ai):
    ai.rule({"chunks": 40, "chunk_chars": 7})
    heard = listen(ai, "openai", REQUEST)
    texts = [c["delta"].get("content") for d in heard.payloads for c in d["choices"]]
    assert [len(text) for text in texts if text] == [7] * 40


def test_chunks_come_at_the_told_rate(ai):
    ai.rule({"chunks": 20, "chunk_chars": 4, "chunks_per_second": 50})
    start = time.monotonic()
    listen(ai, "openai", REQUEST)
    assert time.monotonic() - start >= 0.38


@pytest.mark.parametrize("flavour", OPENAI_LIKE)
def test_prompt_can_ask_for_misbehaviour(ai, flavour):
    assert ask(ai, flavour, "A shop [emulate: 429 retry_after=7]").headers["retry-after"] == "7"
    elsewhere = "A shop [emulate: 503 provider=anthropic]"
    assert ask(ai, flavour, elsewhere).status_code == 200
    plain = listen(ai, flavour, "A shop").text
    assert listen(ai, flavour, "A shop [emulate: no-usage]").text == plain
    response = ask(ai, flavour, "A shop [emulate: nonsense]")
    assert response.status_code == 400
    assert "nonsense" in response.json()["error"]["message"]


def test_every_preset_is_accepted_as_a_rule(ai):
    for name in PRESETS:
        assert ai.rule(name, contains="nobody says this") > 0


@pytest.mark.parametrize(
    "row",
    [{"behaviour": {"colour": 1}}, {"behaviour": "nonsense"}, {}, {"behaviour": {"status": 99}}, 5],
)
def test_bad_rule_is_refused_and_nothing_is_added(ai, row):
    answer = requests.post(f"{ai.url}/_emulator/rules", json=row, timeout=5)
    assert answer.status_code == 400
    assert answer.json()["error"]
    assert requests.get(f"{ai.url}/_emulator/rules", timeout=5).json() == {"rules": []}


def test_requests_and_counters_tell_what_was_called(ai):
    listen(ai, "openrouter", REQUEST, key="sk-secret-1234")
    listen(ai, "dashscope", REQUEST)
    assert ai.calls() == 2
    assert ai.calls("openrouter") == 1
    first = ai.requests("openrouter")[0]
    assert first["body"]["messages"][0]["content"] == REQUEST
    assert first["api_key"] == "1234"
    assert first["outcome"] == "finished"
    ai.reset()
    assert (ai.calls(), ai.requests()) == (0, [])


def test_not_streamed_answers_misbehave_too(ai):
    ai.rule({"garbage": {}}, times=1)
    with pytest.raises(ValueError):
        ask(ai, "openrouter", REQUEST, stream=False).json()
    ai.rule({"error": {}}, times=1)
    assert ask(ai, "openrouter", REQUEST, stream=False).json()["error"]["code"] == 502
    ai.rule({"cut_after_chars": 5}, times=1)
    with pytest.raises(requests.exceptions.ConnectionError):
        ask(ai, "openrouter", REQUEST, stream=False)


def test_streams_run_beside_each_other(ai):
    ai.rule({"chunks": 10, "chunk_chars": 5, "chunks_per_second": 20})
    responses = [ask(ai, "openrouter", REQUEST) for _ in range(20)]
    assert {len(hear(response).text) for response in responses} == {50}
    assert ai.counters()["most_open_streams"] > 1


def test_a_stamp_tells_when_its_chunk_was_written(ai):
    ai.rule({"reply": "page ttttttttttt end", "chunk_chars": 20, "stamp": "ttttttttttt"})
    before = time.monotonic_ns() // 1000
    text = listen(ai, "openai", REQUEST).text
    assert (text[:5], text[16:]) == ("page ", " end")
    assert before <= int(text[5:16], 16) <= time.monotonic_ns() // 1000
