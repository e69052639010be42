"""The JSON API of tokens and money, by topic. Shapes are those of the public contract."""

from ninja import Router

from billing.api import me, packages

router = Router()
for _topic in (me, packages):
    router.add_router("", _topic.router)
