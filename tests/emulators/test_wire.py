"""The wire of each provider, as its documentation and its clients know it."""

import pytest
import requests

from emulators.ai.catalog import MODELS as CATALOG
from emulators.ai.tokens import count_tokens
from tests.emulators.wire import FLAVOURS, MODELS, OPENAI_LIKE, ask, listen

REQUEST = "<request>\nA site for a bakery called Hearth & Crumb with a menu\n</request>"


@pytest.mark.parametrize("flavour", OPENAI_LIKE)
def test_stream_ends_with_finish_then_usage_then_done(ai, flavour):
    heard = listen(ai, flavour, REQUEST)
    assert heard.response.headers["content-type"].startswith("text/event-stream")
    assert heard.events[-1] == ("", "[DONE]")
    usage_chunk, finish_chunk = heard.payloads[-1], heard.payloads[-2]
    assert usage_chunk["choices"] == []
    assert finish_chunk["choices"][0]["finish_reason"] == "stop"
    assert heard.payloads[0]["choices"][0]["delta"]["role"] == "assistant"
    usage = usage_chunk["usage"]
    assert usage["completion_tokens"] == count_tokens(heard.text)
    assert usage["total_tokens"] == usage["prompt_tokens"] + usage["completion_tokens"]


@pytest.mark.parametrize("flavour", ["dashscope", "openai"])
def test_usage_comes_only_when_asked_for(ai, flavour):
    heard = listen(ai, flavour, REQUEST, stream_options=None)
    assert [usage for usage in heard.usages if usage] == []
    assert all(data["choices"] for data in heard.payloads)


def test_openrouter_tells_cost_generation_and_native_reason(ai):
    heard = listen(ai, "openrouter", REQUEST, stream_options=None)
    generation = heard.response.headers["x-generation-id"]
    assert generation.startswith("gen-")
    assert {data["id"] for data in heard.payloads} == {generation}
    assert heard.payloads[-2]["choices"][0]["native_finish_reason"] == "end_turn"
    usage = heard.payloads[-1]["usage"]
    expected = (usage["prompt_tokens"] * 0.25 + usage["completion_tokens"] * 1.25) / 1_000_000
    assert usage["cost"] == pytest.approx(expected, abs=1e-8)
    found = requests.get(ai.base_url("openrouter") + "/generation", {"id": generation}, timeout=5)
    facts = found.json()["data"]
    assert facts["native_tokens_completion"] == usage["completion_tokens"]
    assert facts["native_tokens_prompt"] == usage["prompt_tokens"]
    assert facts["total_cost"] == pytest.approx(usage["cost"])
    missing = requests.get(ai.base_url("openrouter") + "/generation?id=gen-no", timeout=5)
    assert missing.status_code == 404


def test_openrouter_says_it_is_processing_while_it_waits(ai):
    ai.rule({"first_token_seconds": 0.3, "keep_alive_seconds": 0.1})
    heard = listen(ai, "openrouter", REQUEST)
    assert heard.comments[:3] == [": OPENROUTER PROCESSING"] * 3
    assert heard.finishes == ["stop"]


def test_anthropic_events_stand_in_their_order(ai):
    heard = listen(ai, "anthropic", REQUEST)
    names = [name for name, _ in heard.events]
    assert names[:3] == ["message_start", "content_block_start", "ping"]
    assert set(names[3:-3]) == {"content_block_delta"}
    assert names[-3:] == ["content_block_stop", "message_delta", "message_stop"]
    assert all(name == data["type"] for name, data in heard.events)
    start = heard.payloads[0]["message"]
    assert start["usage"]["input_tokens"] == ai.requests()[0]["input_tokens"]
    assert heard.payloads[-2]["delta"]["stop_reason"] == "end_turn"
    assert heard.payloads[-2]["usage"]["output_tokens"] == count_tokens(heard.text)


@pytest.mark.parametrize("flavour", FLAVOURS)
def test_whole_answer_is_the_streamed_one(ai, flavour):
    streamed = listen(ai, flavour, REQUEST).text
    body = ask(ai, flavour, REQUEST, stream=False).json()
    if flavour == "anthropic":
        assert body["content"] == [{"type": "text", "text": streamed}]
        assert body["stop_reason"] == "end_turn"
        assert body["usage"]["output_tokens"] == count_tokens(streamed)
    else:
        assert body["choices"][0]["message"]["content"] == streamed
        assert body["choices"][0]["finish_reason"] == "stop"
        assert body["usage"]["completion_tokens"] == count_tokens(streamed)


@pytest.mark.parametrize("flavour", FLAVOURS)
def test_max_tokens_cuts_the_answer_and_says_so(ai, flavour):
    heard = listen(ai, flavour, REQUEST, max_tokens=57)
    assert count_tokens(heard.text) == 57
    assert heard.finishes == ["max_tokens" if flavour == "anthropic" else "length"]


@pytest.mark.parametrize("flavour", FLAVOURS)
def test_models_are_listed_with_context_price_and_modality(ai, flavour):
    path = "/v1/models" if flavour == "anthropic" else "/models"
    rows = requests.get(ai.base_url(flavour) + path, timeout=5).json()["data"]
    assert [row["id"] for row in rows] == [model.id for model in CATALOG[flavour]]
    for row, model in zip(rows, CATALOG[flavour], strict=True):
        assert row["context_length"] == model.context_tokens
        assert float(row["pricing"]["completion"]) == pytest.approx(
            float(model.output_price) / 1_000_000
        )
        assert ("image" in row["architecture"]["input_modalities"]) is model.vision


@pytest.mark.parametrize("flavour", FLAVOURS)
def test_request_without_a_key_is_refused(ai, flavour):
    response = ask(ai, flavour, REQUEST, key="")
    assert response.status_code == 401
    assert response.json()["error"]["message"]


@pytest.mark.parametrize("flavour", FLAVOURS)
@pytest.mark.parametrize(
    "broken",
    [
        {"messages": []},
        {"messages": "hello"},
        {"messages": [{"role": "user", "content": 5}]},
        {"messages": [{"role": "assistant", "content": "x"}]},
        {"max_tokens": -1},
        {"max_tokens": "many"},
    ],
)
def test_malformed_request_is_a_400_in_the_flavours_words(ai, flavour, broken):
    response = ask(ai, flavour, REQUEST, **broken)
    assert response.status_code == 400
    assert "error" in response.json()


@pytest.mark.parametrize("flavour", FLAVOURS)
def test_unknown_model_is_refused(ai, flavour):
    response = ask(ai, flavour, REQUEST, model="nobody/nothing")
    assert response.status_code == (400 if flavour == "openrouter" else 404)


def test_input_beyond_the_context_is_refused(ai):
    response = ask(ai, "openrouter", "word " * 9000, model="openai/gpt-4")
    assert response.status_code == 400
    assert "maximum context length is 8191 tokens" in response.json()["error"]["message"]


def test_images_are_taken_by_models_that_see(ai):
    parts = [
        {"type": "text", "text": REQUEST},
        {"type": "image_url", "image_url": {"url": "data:image/png;base64,AA=="}},
    ]
    messages = [{"role": "user", "content": parts}]
    assert ask(ai, "dashscope", "", messages=messages, model="qwen-vl-max").status_code == 200
    assert ask(ai, "dashscope", "", messages=messages, model="qwen-turbo").status_code == 404


def test_the_last_request_counts_and_models_differ(ai):
    answers = {
        model.id: listen(ai, "openrouter", REQUEST, model=model.id).text
        for model in CATALOG["openrouter"][:4]
    }
    assert len(set(answers.values())) == 4
    assert all("Hearth &amp; Crumb" in answer for answer in answers.values())
    again = listen(ai, "openrouter", REQUEST, model=MODELS["openrouter"]).text
    assert again == answers[MODELS["openrouter"]]
