"""The Dockerfile's image, built by buildah on a bare Debian 12, and docker-compose.yml run from it.  Long: it takes some minutes."""
import os
import subprocess

import pytest

import bare
import containers
from compose_run_test import *  # noqa: F403  the same has to be true of the image
from compose_run_test import own_directory, running
from medicore import TOP

pytestmark = pytest.mark.skipif(os.environ.get("MEDICORE_LONG") != "yes", reason="takes some minutes: ./dev test --long")

BASE = "localhost/debian:bookworm"


@pytest.fixture(scope="module")
def image():
    """Its files, as its containers have them."""
    bare.provide_tarball()
    with own_directory() as directory:
        def buildah(*args):
            said = subprocess.run(["buildah", "--root", directory / "storage", "--runroot", directory / "run", "--storage-driver", "vfs", *args],
                                  check=True, stdout=subprocess.PIPE, text=True).stdout.splitlines()
            return said[-1] if said else None
        base = buildah("from", "scratch")
        buildah("add", "-q", base, bare.TARBALL, "/")
        buildah("commit", "-q", "--rm", base, BASE)
        buildah("bud", "--isolation", "chroot", "--build-arg", f"DEBIAN={BASE}", "-t", "medicore", TOP)
        container = buildah("from", "--pull-never", "medicore")
        root = containers.Root(Path(buildah("mount", container)))  # noqa: F405
        root.inside("etc/hosts").touch()
        yield root
        buildah("umount", container)


@pytest.fixture(scope="module")
def system(image):
    with own_directory() as directory, running(image, directory) as c:
        yield c


def test_there_is_no_compiler_and_no_source_in_it(image):
    found = [name for name in ("gcc", "cc", "c99", "cpp", "clang", "make", "ld", "as", "autoconf") if any(
        image.inside(f"{place}/{name}").exists() for place in ("usr/bin", "usr/local/bin"))]
    assert found == [] and not list(image.path.glob("usr/lib/gcc*")) and not image.inside("src").exists() and not image.inside("build").exists()


def test_every_program_finds_its_libraries(image):
    programs = [p for p in image.inside("usr/libexec/medicore").iterdir() if p.name.startswith("medicore-")] + [image.inside("usr/bin/medicore")]
    assert len(programs) == 10
    for program in programs:
        done = subprocess.run(["chroot", image.path, f"/{program.relative_to(image.path)}", "--version"], stdout=subprocess.PIPE,
                              stderr=subprocess.STDOUT, text=True)
        assert done.returncode == 0 and done.stdout.startswith(program.name + " "), done.stdout
