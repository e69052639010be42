"""The estimate of tokens against the real tokenizers, whose vocabularies splintr carries.

They are used here only. Their own counts are pinned first, so that it is them that are compared.
"""

from __future__ import annotations

import json
import time
from pathlib import Path

import pytest
from splintr import AnyTokenizer
from splintr import Tokenizer as RealTokenizer

from builder.token_count import (
    CL100K,
    DEEPSEEK,
    GEMMA,
    LLAMA_3,
    MISTRAL,
    QWEN,
    Tokenizer,
    estimate_tokens,
    tokenizer_of,
)
from models_catalog.seed_data import MODELS

ROOT = Path(__file__).resolve().parents[3]
DATA = ROOT.parent / "shared" / "data"
FAMILIES: dict[str, Tokenizer] = {
    "cl100k_base": CL100K,
    "llama3": LLAMA_3,
    "deepseek_v3": DEEPSEEK,
    "qwen2": QWEN,
    "mistral_v1": MISTRAL,
    "gemma2": GEMMA,
}
MOST_ERROR = 0.15
# None of these was used to find the rates.
CHINESE = [
    "请帮我做一个宠物医院的网站，要有医生介绍、服务项目、价格表和在线预约。颜色用浅绿和白色，字体清晰，"
    "老年人也能看清楚。首页最上面放急诊电话，底部放地址和营业时间。希望在手机上也好用。",
    "我们是一家做二手书的小店，想把书单放到网上。每本书显示书名、作者、出版社、品相和价格，可以按类别筛选，"
    "也可以搜索。顾客看中以后填写姓名和电话就能预订，到店付款。请不要用太花的设计。",
    "为我们的乡村民宿设计一个单页网站：开头是一句欢迎语和远山的背景，然后依次介绍三种房型、周边的徒步路线、"
    "早餐、交通方式，最后是常见问题与联系表单。语气亲切，不要用夸张的广告词。",
    "制作一个学习成语的小游戏网页。每次给出一个成语的解释，让玩家从四个选项里选出正确的成语，答对加十分，"
    "答错扣五分，十题以后显示总分和错题，还可以再玩一次。",
]
ENGLISH = [
    "A landing page for a community garden: what we grow, when to come, how to get a plot, a "
    "calendar of workshops and a form to join the waiting list. Earthy colours, large type, and "
    "photos replaced by simple drawings. It must work well on an old phone.",
    "I need a page that converts units for cooking: cups, spoons, grams and ounces, for flour, "
    "sugar, butter and milk. Typing in any field should change the others at once. Add a printable "
    "table below it and remember the last ingredient that was chosen.",
    "Build a portfolio for a freelance translator with three languages, a list of clients, rates "
    "per word, testimonials, and a contact form that checks the e-mail address before it is sent.",
]


@pytest.fixture(scope="module")
def real() -> dict[str, RealTokenizer | AnyTokenizer]:
    return {name: RealTokenizer.from_pretrained(name) for name in FAMILIES}


def test_the_real_tokenizers_are_the_real_ones(
    real: dict[str, RealTokenizer | AnyTokenizer],
) -> None:
    # Known ids: https://platform.openai.com/tokenizer, and the model cards' own tokenizers.
    assert list(real["cl100k_base"].encode("hello world")) == [15339, 1917]
    assert list(real["llama3"].encode("hello world")) == [15339, 1917]
    assert list(real["qwen2"].encode("hello world")) == [14990, 1879]


def error(texts: list[str], name: str, real: dict[str, RealTokenizer | AnyTokenizer]) -> float:
    """How far the estimate of all texts is off, as a share of the real count."""
    counted = sum(len(real[name].encode(text)) for text in texts)
    return sum(estimate_tokens(text, FAMILIES[name]) for text in texts) / counted - 1


def prompts() -> list[str]:
    if not DATA.exists():
        pytest.skip("the real requests (../shared/data) are not on this machine")
    lines = (DATA / "webgen-prompts.jsonl").read_text().splitlines()
    return [json.loads(line)["instruction"] for line in lines]


@pytest.mark.parametrize("name", FAMILIES)
def test_real_english_requests_are_counted_within_15_percent(
    name: str, real: dict[str, RealTokenizer | AnyTokenizer], capsys: pytest.CaptureFixture[str]
) -> None:
    texts = prompts()
    errors = [error([text], name, real) for text in texts]
    with capsys.disabled():
        print(
            f"\n{name}: English requests {error(texts, name, real):+.1%}, "
            f"each {min(errors):+.1%} to {max(errors):+.1%}; Chinese "
            f"{error(CHINESE, name, real):+.1%}"
        )
    assert max(map(abs, errors)) <= MOST_ERROR


@pytest.mark.parametrize("name", FAMILIES)
@pytest.mark.parametrize("text", [*CHINESE, *ENGLISH], ids=lambda text: text[:12])
def test_each_text_that_was_not_learned_from_is_within_15_percent(
    name: str, text: str, real: dict[str, RealTokenizer | AnyTokenizer]
) -> None:
    assert abs(error([text], name, real)) <= MOST_ERROR


@pytest.mark.parametrize("name", FAMILIES)
@pytest.mark.parametrize("kind", ["templates/**/*.html", "static/**/*.css", "builder/**/*.py"])
def test_code_is_counted_within_15_percent(
    name: str, kind: str, real: dict[str, RealTokenizer | AnyTokenizer]
) -> None:
    files = [path for path in sorted(ROOT.glob(kind)) if ".min." not in path.name]
    texts = [path.read_text() for path in files[:40] if path.stat().st_size < 60_000]
    assert len(texts) > 5
    assert abs(error(texts, name, real)) <= MOST_ERROR


def test_the_owners_models_have_a_tokenizer_by_their_maker() -> None:
    unknown = {
        model.maker for model in MODELS if tokenizer_of(model.maker) not in FAMILIES.values()
    }
    assert unknown == {"Anthropic"}


def test_what_no_tokenizer_knows_is_not_counted_as_words(
    real: dict[str, RealTokenizer | AnyTokenizer],
) -> None:
    key = "zqxjkvbwpfmhgyrcdzxqvjkwbpf" * 40
    counted = len(real["cl100k_base"].encode(key))
    assert 0.5 * counted <= estimate_tokens(key, CL100K) <= 1.5 * counted


def test_nothing_is_nothing_and_anything_is_at_least_one_token() -> None:
    assert estimate_tokens("") == 0
    assert estimate_tokens(" ") == 1
    assert estimate_tokens("a") == 1


def test_counting_takes_linear_time() -> None:
    """Against itself: four times the length takes about 4 times as long, not 16 times."""

    def seconds(times: int) -> float:
        text = "word 你好 {x: 1}\n" * times
        best = 1e9
        for _ in range(3):
            began = time.process_time()
            estimate_tokens(text)
            best = min(best, time.process_time() - began)
        return best

    assert seconds(16_000) < 10 * seconds(4_000)
