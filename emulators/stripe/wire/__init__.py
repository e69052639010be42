"""The wire: form bodies, checked parameters, answers, idempotency keys."""
