"""The catalogue held against what providers list: see docs/catalogue.md.

`comparing` says what differs (pure), `recording` keeps it as findings, `services` reads the lists
and does both, `actions` is what staff may do about a finding.
"""
