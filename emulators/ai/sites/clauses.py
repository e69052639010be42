"""Cutting a request into the things it asks for, in English and Chinese."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache

from emulators.ai.sites.colours import is_colour_sentence


@dataclass(frozen=True)
class Clause:
    """One thing asked for, in the request's own words; `parts` is a list it names."""

    words: str
    parts: tuple[str, ...] = ()


_SENTENCE = re.compile(r"(?<=[.!?;])\s+|[。！？；\n]+")
_COLOUR_TAIL = re.compile(
    r"(?:,|;|\band\b|，)?\s*(?:with|in|using|use|set|用|使用)?\s*(?:an?|the)?\s*"
    r"[^,.;，。]*\b(?:background|colou?rs?|palette|theme)\b[^,.;，。]*",
    re.IGNORECASE,
)

# What stands before the things themselves.
_LEAD_INS = re.compile(
    r"^(?:(?:please|also|additionally|in addition|finally|and|the app|clients?)[, ]+)*"
    r"(?:(?:the|this|it|these|our|my|each)\s+)?(?:[\w'’-]+\s+){0,4}?"
    r"(?:should|can|must|will|could|shall|may)\s+(?:also\s+)?"
    r"(?:be able to\s+|allow (?:users|customers|visitors|people|\w+ \w+|them)\s+to\s+|"
    r"have (?:the )?|include (?:the )?|support (?:the )?|provide (?:the )?|offer (?:the )?|"
    r"contain (?:the )?|feature (?:the )?|be (?=\w+able))?",
    re.IGNORECASE,
)
_HEADS = re.compile(
    r"^(?:the\s+)?(?:following\s+)?(?:(?:user-?friendly|basic|main|core|several|multiple|also|"
    r"key|advanced|a)\s+)*(?:functionalit(?:y|ies)|functions?|features?|capabilit(?:y|ies)|"
    r"pages|sections)\s*(?:for|such as|to|of|like|including|:|that allow users to)?\s*",
    re.IGNORECASE,
)
_USERS = re.compile(
    r",?\s*(?:where|so that|allowing|enabling|letting|to let|to allow|to enable|which lets)\s+"
    r"(?:[\w-]+\s+){1,3}?(?:to|can|could|may|will)\s+",
    re.IGNORECASE,
)
_LISTED = re.compile(
    r",?\s+(?:including|such as|like|namely|e\.g\.,?|for example)\s+|:\s*", re.IGNORECASE
)
_OPENING = re.compile(
    r"^(?:please\s+|i\s+(?:want|need|would like)\s+(?:you to\s+)?(?:to\s+)?|can you\s+|help me\s+)*"
    r"(?:implement|develop|create|design|build|make|write|generate|produce)?\s*"
    r"(?:me\s+|us\s+)?(?:(?:an?|the|some)\b)?\s*",
    re.IGNORECASE,
)
_PURPOSE = re.compile(
    r"\b(?:(?:that|which)\s+\w+s|to (?=\w)|for (?=\w+ing\b)|with (?=features|functionalit))"
    r"|\b(?:where|featuring|with|including|containing)\b|:\s",
    re.IGNORECASE,
)
_ZH_LEAD = re.compile(
    r"^(?:请|麻烦|帮我|帮忙|我想要?|我需要|给我|为我|为|要|需要|能够|能|可以|应该|应|并且?|还要?|同时|"
    r"(?:用户|访客|客户|顾客)(?=可以|能|应|要)|网站|页面|系统|平台|做|设计(?!师|作)|制作|创建|开发|实现|生成|写|一个|一款|一家|具有|具备|"
    r"有|包含|包括|提供|支持|展示|显示|以及|和|带有?|加上|里面)+"
)
_ZH_SPLIT = re.compile(r"[，、,]|以及|和(?=[^谐])|与|及")


@lru_cache(maxsize=64)
def sentences(text: str) -> tuple[str, ...]:
    """The request's sentences, without those that only speak of colours."""
    parts = [part.strip() for part in _SENTENCE.split(text) if part.strip()]
    return tuple(part for part in parts if not is_colour_sentence(part) or len(part) > 160)


def english_clauses(text: str) -> list[Clause]:
    """Everything an English request asks for, in its order."""
    text = re.sub(r"\([^)]*\)", lambda match: match.group().replace(",", " /"), text)
    found: list[Clause] = []
    for number, sentence in enumerate(sentences(text)):
        body = sentence.rstrip(".!?; ")
        if number == 0:
            body = _OPENING.sub("", body, count=1)
            purpose = _PURPOSE.search(body)
            if purpose is None:
                continue
            start = purpose.end() if purpose.group().lower() in _DROPPED else purpose.start()
            body = body[start:].strip()
        found += _sentence_clauses(body)
    return _unique(found)


_DROPPED = {"to ", "for ", "where", "with", "with ", "featuring", "including", "containing", ": "}


def _sentence_clauses(body: str) -> list[Clause]:
    clauses: list[Clause] = []
    for part in _USERS.split(body):
        words = re.sub(r"^(?:that|which|be able to|it has|has)\s+", "", part.strip())
        words = _HEADS.sub("", _LEAD_INS.sub("", words), count=1).strip(" ,")
        words = re.sub(r"^(?:an?|the|also)\s+(?=\w)", "", words)
        if words:
            clauses += _split_list(words)
    return clauses


def _split_list(words: str) -> list[Clause]:
    """A, B, and C: one clause each; "X, including a, b": one clause with parts."""
    match = _LISTED.search(words)
    if match and match.start() > 3:
        head, parts = words[: match.start()].strip(), _items(words[match.end() :])
        if len(parts) > 1 and len(head.split()) <= 14:
            heads = _items(head)
            last = Clause(heads[-1], tuple(parts))
            return [*(Clause(item) for item in heads[:-1]), last]
    return [Clause(item) for item in _items(words)]


def _items(text: str) -> list[str]:
    parts = re.split(r"\s*,\s*(?:and\s+|or\s+|as well as\s+)?|\s+as well as\s+", text)
    items: list[str] = []
    for part in parts:
        part = re.sub(r"^(?:and|an?|including|also)\s+", "", part.strip(" .,")).strip()
        # "the game over" after "if …" and other remains of one word are kept with their list
        if not part or part.lower() in ("more", "etc", "so on", "and more", "then", "easily"):
            continue
        if re.search(r" and an? ", part):
            items += [half.strip() for half in re.split(r" and an? ", part)]
        elif len(part.split()) <= 6 and " and " in part and len(parts) == 1:
            items += [half.strip() for half in part.split(" and ")] if _two_things(part) else [part]
        else:
            items.append(part)
    return items


def _two_things(part: str) -> bool:
    """Whether "A and B" names two features rather than one pair of verbs."""
    left, right = part.split(" and ", 1)
    return len(left.split()) >= 2 and len(right.split()) >= 2


def chinese_clauses(text: str) -> list[Clause]:
    """Everything a Chinese request asks for, in its order."""
    found: list[Clause] = []
    for sentence in re.split(r"[。！？；\n]+", text):
        for part in _ZH_SPLIT.split(sentence):
            if is_colour_sentence(part + "，") or ("色" in part and "背景" in part):
                continue
            words = _ZH_LEAD.sub("", part.strip())
            words = re.sub(r"(?:等)?(?:的)?(?:功能|页面|板块|模块|部分|区域?)?(?:等)?$", "", words)
            if 2 <= len(words) <= 18 and not re.search(r"(?:网站|网页|主页|官网|落地页)$", words):
                found.append(Clause(words))
    return _unique(found)


def _unique(clauses: list[Clause]) -> list[Clause]:
    seen: set[str] = set()
    kept = []
    for clause in clauses:
        key = re.sub(r"\W+", " ", clause.words.lower()).strip()
        if len(key) > 1 and key not in seen:
            seen.add(key)
            kept.append(clause)
    return kept


def english_subject(text: str) -> str:
    """What the site is: the words after "create a …", up to its purpose or a full stop."""
    first = re.split(r"(?<=[.!?;])\s+|\n", text.strip())[0].rstrip(".!? ")
    body = _OPENING.sub("", first, count=1)
    cut = re.search(
        r"\b(?:that|which|where|with|to (?=\w)|for (?=\w+ing\b|users|students)|including)\b|[,;:]",
        body,
    )
    subject = body[: cut.start()] if cut and cut.start() > 3 else body
    return " ".join(subject.split())
