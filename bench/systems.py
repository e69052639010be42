"""What `script/bench stream` drives: the upstream itself, us, and a proxy in front of it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from uuid import uuid4

from bench.answers import prompt_of
from bench.load import Stream, follow_chat, follow_run, post_json
from bench.peers import Peer
from bench.product import Product
from emulators.ai.testing import EmulatorClient

PASSWORD = "correct horse 42"


async def _nothing(_streams: int) -> None:
    return None


@dataclass(frozen=True, slots=True)
class System:
    """Something that relays the upstream.

    `follow` tells a stream of an answer of so many chunks; `prepare` does beforehand, outside
    the clock, what so many streams need. `pids`: the processes it is made of.
    """

    name: str
    follow: Callable[[Stream, int], Awaitable[None]]
    pids: list[int]
    prepare: Callable[[int], Awaitable[None]] = _nothing


def direct(upstream: EmulatorClient) -> System:
    """The upstream without anything between."""
    url = upstream.base_url("openai") + "/chat/completions"
    headers = {"Authorization": "Bearer emulated"}
    return System("direct", lambda s, n: follow_chat(s, url, headers, _chat("gpt-4", n)), [])


def through_proxy(peer: Peer) -> System:
    """A proxy that speaks the OpenAI chat API."""
    url = peer.url + "/chat/completions"
    headers = {"Authorization": f"Bearer {peer.key}"}
    return System(
        "litellm", lambda s, n: follow_chat(s, url, headers, _chat("bench", n)), [peer.pid]
    )


def _chat(model: str, chunks: int) -> dict[str, object]:
    return {
        "model": model,
        "stream": True,
        "stream_options": {"include_usage": True},
        "max_tokens": 4000,
        "messages": [
            {"role": "user", "content": f"<request>\n{prompt_of(chunks)}\n</request>"},
        ],
    }


class Customers:
    """People with plenty of tokens, each asking for one site after the other, all new ones.

    A site that is asked for again grows: it would be another request every time. A new person
    for every preparation, as one can not have more than 500 sites, and a token lasts five minutes.
    """

    def __init__(self, ours: Product) -> None:
        self._ours = ours
        self._sites: list[str] = []
        self._headers: dict[str, str] = {}

    async def prepare(self, streams: int) -> None:
        email = f"bench-{uuid4().hex}@example.com"
        status, answer = await post_json(
            f"{self._ours.url}/_allauth/app/v1/auth/signup",
            {},
            {"email": email, "password": PASSWORD},
        )
        if status != 200:
            raise RuntimeError(f"sign-up: {status} {answer}")
        self._headers = {"Authorization": f"Bearer {answer['meta']['access_token']}"}
        code = _PREPARE % (email, email, streams)
        self._sites = self._ours.manage("shell", "--no-imports", code=code).split()[-streams:]

    async def follow(self, stream: Stream, chunks: int) -> None:
        await follow_run(
            stream,
            self._ours.url,
            f"/api/sites/{self._sites.pop()}/runs",
            self._headers,
            {"prompt": prompt_of(chunks), "model": "gpt-4"},
        )


def through_us(ours: Product) -> System:
    """Our web process and worker, as people's programs would use them."""
    customers = Customers(ours)
    return System(
        "sitewright", customers.follow, [ours.web_pid, ours.worker_pid], customers.prepare
    )


_PREPARE = """
from django.utils import timezone
from accounts.models import User
from billing.services.grants import grant_create
from builder.services.sites import site_create
user = User.objects.get(email="%s")
grant_create(user_id=user.pk, kind="purchased", amount=10**9, source="bench:%s",
    effective_at=timezone.now())
print(*[site_create(owner=user, name=f"Bench {n}").pk for n in range(%d)])
"""
