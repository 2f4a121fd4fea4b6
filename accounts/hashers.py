"""How access codes are hashed.

A code is 80 random bits, so guessing is hopeless anyway; Argon2id at the lower of the usual costs
keeps filing fast under load (PI-02, DS-01). Passwords of staff use Django's full cost.
"""

from __future__ import annotations

from django.contrib.auth.hashers import Argon2PasswordHasher


class AccessCodeHasher(Argon2PasswordHasher):
    algorithm = "argon2code"
    time_cost = 2
    memory_cost = 19456  # KiB
    parallelism = 1
