"""The JSON API of tokens and money, by topic. Shapes are those of the public contract."""

from ninja import Router

from billing.api import me, orders, packages, subscription, tokens

router = Router()
for _topic in (me, packages, tokens, subscription, orders):
    router.add_router("", _topic.router)
