"""Which provider answers a run: the plan, when to move on, and who is not asked for a while."""
