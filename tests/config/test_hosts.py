from __future__ import annotations

import pytest

from config.hosts import bare_host, hosts_sharing_a_site, is_loopback, registrable_domain


@pytest.mark.parametrize(
    ("host", "bare"),
    [
        (".Example.com:8000", "example.com"),
        ("[::1]:8000", "::1"),
        (" localhost ", "localhost"),
        ("example.com.", "example.com"),
    ],
)
def test_a_host_is_told_without_port_dots_and_case(host: str, bare: str) -> None:
    assert bare_host(host) == bare


@pytest.mark.parametrize(
    "host", ["localhost", ".localhost", "a.localhost:8000", "127.0.0.1", "127.9.9.9", "[::1]"]
)
def test_loopback_names_lead_nowhere_else(host: str) -> None:
    assert is_loopback(host)


@pytest.mark.parametrize("host", ["*", "localhost.example.com", "10.0.0.1", "notlocalhost", ""])
def test_other_names_are_not_loopback(host: str) -> None:
    assert not is_loopback(host)


@pytest.mark.parametrize(
    ("host", "site"),
    [
        ("app.example.com", "example.com"),
        ("a.b.example.co.uk", "example.co.uk"),
        ("example.com.cn", "example.com.cn"),
        ("ann.github.io", "ann.github.io"),
        ("github.io", "github.io"),
        ("10.0.0.1", "10.0.0.1"),
        ("intranet", "intranet"),
    ],
)
def test_a_site_is_one_label_below_the_public_suffix(host: str, site: str) -> None:
    assert registrable_domain(host) == site


def test_hosts_on_the_sites_own_site_are_found() -> None:
    hosts = ["app.example.com", ".example.org", "www.example.net:443"]
    assert hosts_sharing_a_site(hosts, "sites.example.org") == [".example.org"]
    assert hosts_sharing_a_site(hosts, "example.net:8000") == ["www.example.net:443"]
    assert hosts_sharing_a_site(hosts, "example-sites.com") == []


def test_two_names_under_one_hosting_suffix_are_two_sites() -> None:
    assert hosts_sharing_a_site(["ann.github.io"], "bob.github.io") == []
    assert hosts_sharing_a_site(["a.co.uk"], "b.co.uk") == []
