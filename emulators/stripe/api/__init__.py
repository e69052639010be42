"""Every call of the API that the emulator has, in one table."""

from emulators.stripe.api import billing, catalogue, checkout, hooks, money, people
from emulators.stripe.wire.call import Route

ROUTES: list[Route] = [
    *people.ROUTES,
    *catalogue.ROUTES,
    *checkout.ROUTES,
    *money.ROUTES,
    *billing.ROUTES,
    *hooks.ROUTES,
]
