"""The shape all API bodies share: camelCase outside, snake_case inside, nothing unknown."""

from typing import Annotated

from ninja import Schema
from pydantic import AfterValidator, ConfigDict
from pydantic.alias_generators import to_camel


class ApiSchema(Schema):
    """Base of request and response bodies. Unknown fields and wrong types are refused (422)."""

    model_config = ConfigDict(
        alias_generator=to_camel, populate_by_name=True, extra="forbid", from_attributes=True
    )


def _storable(text: str) -> str:
    # PostgreSQL can not store NUL, and UTF-8 has no lone surrogates: both arrive through JSON.
    if "\x00" in text:
        raise ValueError("must not contain the NUL character")
    try:
        text.encode()
    except UnicodeEncodeError:
        raise ValueError("must be valid Unicode text") from None
    return text


PlainText = Annotated[str, AfterValidator(_storable)]
"""Text that a database can store: no NUL, no lone surrogates."""
