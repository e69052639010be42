"""Local stand-ins for the outside world: what a machine without keys runs against."""
