"""What Stripe says and how it is asked. What follows from that is in `billing.services`."""
