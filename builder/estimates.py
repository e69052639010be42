"""What a run will probably cost, and the most it can: shown before sending, and kept."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from django.utils import timezone
from django.utils.translation import gettext as _

from accounts.models import User
from billing.selectors import Standing, standing_of
from builder.models import Site, Version
from builder.output_ranges import expected_of
from builder.prompts import SentPicture, messages_for
from builder.selectors.sites import version_latest, version_sources
from builder.token_count import estimate_tokens, tokenizer_of
from config.errors import InvalidInput
from models_catalog.models import AIModel
from models_catalog.pricing import Price, affordable_output_tokens, charge, price_of
from models_catalog.selectors import models_listed

# Providers count with their own tokenizers: the ceiling allows for this much more input, and the
# usual range for as much more or less as our count has been seen to be off.
INPUT_MARGIN = Decimal("1.25")
INPUT_MARGIN_TOKENS = 40
INPUT_ERROR = Decimal("0.1")


@dataclass(frozen=True, slots=True)
class Quote:
    """A run's price before it starts, in whole tokens of ours unless said otherwise.

    low, high: the usual range. ceiling: the most it can be charged if all of it can be held.
    required: the least that must be there to start. input_tokens: of this request, by our own
    count; input_tokens_upper: the model's own tokens allowed for it. output_tokens_most: the
    model's own tokens an answer may have.
    """

    price: Price
    low: int
    high: int
    ceiling: int
    required: int
    input_tokens: int
    input_tokens_upper: int
    output_tokens_most: int
    changes_site: bool

    def output_tokens_within(self, budget: int) -> int:
        """The `max_tokens` that keeps a run's charge within `budget` tokens of ours."""
        affordable = affordable_output_tokens(
            self.price, budget_tokens=budget, input_tokens=self.input_tokens_upper
        )
        return min(self.output_tokens_most, affordable)


def text_files(files: Mapping[str, bytes]) -> dict[str, str]:
    """The files a model can be shown: those that are UTF-8 text."""
    shown = {}
    for path, content in files.items():
        try:
            shown[path] = content.decode()
        except UnicodeDecodeError:
            continue
    return shown


def sources_of(version: Version | None) -> tuple[dict[str, str], list[str]]:
    """(text files, paths of pictures) of a version, both empty for none (a new site)."""
    return version_sources(version) if version is not None else ({}, [])


def text_files_of(version: Version | None) -> dict[str, str]:
    """The text files of a version, empty for none (a new site)."""
    return sources_of(version)[0]


def quote_run(
    *,
    model: AIModel,
    prompt: str,
    files: Mapping[str, str],
    attached: Sequence[SentPicture] = (),
    picture_paths: Iterable[str] = (),
) -> Quote:
    """Price a request against a model. Pure reading.

    attached: the pictures sent with it; picture_paths: those the site has from before.

    Raises InvalidInput when the site and the request leave the model no room for an answer.
    """
    expected = expected_of(model.slug, changes_site=bool(files))
    usual, ratio = expected.output, expected.input_ratio
    messages = messages_for(
        prompt=prompt,
        files=files,
        max_output_tokens=usual.most,
        attached=attached,
        picture_paths=picture_paths,
    )
    tokenizer = tokenizer_of(model.maker)
    input_tokens = sum(estimate_tokens(message.text, tokenizer) + 4 for message in messages)
    input_tokens += sum(picture.tokens for picture in attached)
    input_upper = int(input_tokens * max(ratio, Decimal(1)) * INPUT_MARGIN) + INPUT_MARGIN_TOKENS
    room = model.context_window - input_upper
    most = min(usual.most, model.max_output_tokens, room)
    if most < usual.least:
        raise InvalidInput(
            _(
                "The site and your request are too long for %(model)s. Nothing was charged."
                " Choose a model with a larger context window."
            )
            % {"model": model.name},
            code="context_too_long",
        )
    price = price_of(model)

    def cost(tokens_in: int, tokens_out: int) -> int:
        return charge(price, input_tokens=tokens_in, output_tokens=min(tokens_out, most))

    return Quote(
        price=price,
        low=cost(int(input_tokens * ratio * (1 - INPUT_ERROR)), usual.low),
        high=cost(min(int(input_tokens * ratio * (1 + INPUT_ERROR)), input_upper), usual.high),
        ceiling=cost(input_upper, most),
        required=cost(input_upper, usual.least),
        input_tokens=input_tokens,
        input_tokens_upper=input_upper,
        output_tokens_most=most,
        changes_site=bool(files),
    )


def estimate_for(
    *,
    user: User,
    model: AIModel,
    prompt: str,
    site: Site | None,
    attached: Sequence[SentPicture] = (),
) -> dict[str, Any]:
    """The answer of `POST /api/estimates`: low, high and ceiling are capped by what there is."""
    files, paths = sources_of(version_latest(site) if site else None)
    quote = quote_run(
        model=model, prompt=prompt, files=files, attached=attached, picture_paths=paths
    )
    standing = standing_of(user, timezone.now())
    affordable = standing.available >= quote.required
    cap = standing.available if affordable else quote.ceiling
    return {
        "low": min(quote.low, cap),
        "high": min(quote.high, cap),
        "ceiling": min(quote.ceiling, cap),
        "affordable": affordable,
        "required": quote.required,
        "pockets": _pockets_used(standing, min(quote.high, cap)),
    }


def _pockets_used(standing: Standing, amount: int) -> list[dict[str, Any]]:
    """How `amount` would be split over the pockets, in spending order."""
    used = []
    for pocket in standing.pockets:
        share = min(pocket.available, amount)
        if share:
            used.append({"kind": pocket.kind, "amount": share})
        amount -= share
    return used


def affordable_models(
    *,
    available: int,
    prompt: str,
    files: Mapping[str, str],
    attached: Sequence[SentPicture] = (),
) -> list[str]:
    """Slugs of the available models that `available` tokens can start this request on: with
    pictures attached, of those that see."""
    slugs = []
    for row in models_listed():
        if not row.availability.available or (attached and not row.model.vision):
            continue
        try:
            quote = quote_run(model=row.model, prompt=prompt, files=files, attached=attached)
        except InvalidInput:
            continue
        if quote.required <= available:
            slugs.append(row.model.slug)
    return slugs
