"""Measurements of speed; each script says how it is used."""

import base64

# A kept database must be readable at the next run; what it holds is invented.
FIELD_KEY = base64.urlsafe_b64encode(b"for invented cases only, no secr").decode()
