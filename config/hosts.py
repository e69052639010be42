"""Rules about host names that keep people's cookies away from generated sites."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable

LOOPBACK_SUFFIX = ".localhost"


def bare_host(host: str) -> str:
    """`.Example.com:8000` → `example.com`; brackets of IPv6 are taken off."""
    host = host.strip().lower()
    if host.startswith("["):
        return host[1:].partition("]")[0]
    return host.partition(":")[0].strip(".")


def is_loopback(host: str) -> bool:
    """True for names that lead nowhere but to this machine (RFC 6761 for *.localhost)."""
    name = bare_host(host)
    if name == "localhost" or name.endswith(LOOPBACK_SUFFIX):
        return True
    try:
        return ipaddress.ip_address(name).is_loopback
    except ValueError:
        return False


def registrable_domain(host: str) -> str:
    """What browsers call the site: one label below the public suffix (publicsuffix.org).

    A name that is itself a public suffix, an address, or a lone label stands for itself.
    """
    from publicsuffixlist import PublicSuffixList  # its list takes a while to read: production only

    name = bare_host(host)
    try:
        ipaddress.ip_address(name)
    except ValueError:
        return PublicSuffixList().privatesuffix(name) or name
    return name


def hosts_sharing_a_site(app_hosts: Iterable[str], sites_domain: str) -> list[str]:
    """The app's hosts whose cookies a page on `sites_domain` could touch."""
    site = registrable_domain(sites_domain)
    return [host for host in app_hosts if registrable_domain(host) == site]
