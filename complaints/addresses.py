"""Which network addresses belong to the internet, and which to networks of our own."""

from __future__ import annotations

import ipaddress


def is_public(address: str) -> bool:
    """Whether a network address belongs to a machine on the internet, an IPv4 address inside IPv6 included.

    Raises ValueError for what is no network address.
    """
    found = ipaddress.ip_address(address.partition("%")[0])
    if isinstance(found, ipaddress.IPv6Address):
        found = found.ipv4_mapped or found.sixtofour or found
    return found.is_global and not found.is_multicast
