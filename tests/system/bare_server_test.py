"""From a bare Debian 12 and the source's tarball to an invoice, by doc/operations.md: what stands there as `sh` is what is done.

The short form, of the package, is package_test.py's.
"""
import os

import pytest

from bare import Bare, distribute
from medicore import TOP

pytestmark = pytest.mark.skipif(os.environ.get("MEDICORE_LONG") != "yes", reason="takes minutes: ./dev test --long")


def test_configure_make_install_and_the_page_end_with_an_invoice_of_a_booking():
    with Bare() as server:
        server.systemctl()
        server.fetch("xz-utils")
        tarball = distribute(server.root / "usr/src")
        server.run(f"apt-get -q install -y xz-utils && tar -C /usr/src -xf /usr/src/{tarball.name}")
        said = server.follow(TOP / "doc/operations.md", "source", directory=f"/usr/src/{tarball.name.removesuffix('.tar.xz')}").stdout
        assert "bookings 1: invoiced 1" in said
        server.run("systemctl stop medicore.target && make -C /usr/src/medicore-* -s uninstall && test ! -e /usr/bin/medicore -a ! -e /usr/libexec/medicore/medicore-relay")
