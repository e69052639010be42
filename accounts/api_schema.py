"""The shape all API bodies share: camelCase outside, snake_case inside, nothing unknown."""

from ninja import Schema
from pydantic import ConfigDict
from pydantic.alias_generators import to_camel


class ApiSchema(Schema):
    """Base of request and response bodies. Unknown fields and wrong types are refused (422)."""

    model_config = ConfigDict(
        alias_generator=to_camel, populate_by_name=True, extra="forbid", from_attributes=True
    )
