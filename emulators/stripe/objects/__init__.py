"""Objects as the pinned API version shows them: every field that a real answer has."""
