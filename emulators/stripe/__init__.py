"""A stand-in for Stripe: its API, hosted checkout, portal and webhooks, with a clock to move."""
