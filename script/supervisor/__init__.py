"""Starts, watches and ends everything the app needs on one machine (`script/server`)."""
