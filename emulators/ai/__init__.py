"""A real HTTP server that stands in for OpenRouter, DashScope, OpenAI and Anthropic.

It speaks each provider's wire, writes real websites and can be told to misbehave.
See docs/emulators.md.
"""
