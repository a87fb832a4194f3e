"""Every program, verb, option and setting is in a manual page, and the pages are well-formed."""
import os
import re
import subprocess

import pytest

from medicore import BUILD, TOP

PAGES = sorted((TOP / "doc/man").glob("*.[1578]")) + [BUILD / "doc/man/medicore.conf.5"]
PROGRAMS = sorted(p for p in BUILD.glob("medicore*") if p.is_file() and os.access(p, os.X_OK))


def says(*command):
    return subprocess.run(command, check=True, text=True, stdout=subprocess.PIPE, env=dict(os.environ, MEDICORE_CONFIG="")).stdout


def text(name):
    """A page as it is read, without what makes it bold or underlined."""
    [page] = [p for p in PAGES if p.name == name]
    return re.sub(".\b", "", says("mandoc", "-Tutf8", page))


def options(help_text):
    return set(re.findall(r"(?<![\w-])--[a-z][a-z-]*", help_text))


@pytest.mark.parametrize("page", PAGES, ids=lambda p: p.name)
def test_page_is_well_formed(page):
    done = subprocess.run(["mandoc", "-Tlint", "-Wwarning", page], text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    assert (done.returncode, done.stdout) == (0, "")


@pytest.mark.parametrize("page", PAGES, ids=lambda p: p.name)
def test_pages_it_refers_to_exist(page):
    theirs = {f"{name}.{section}" for name, section in re.findall(r"^\.Xr (medicore\S*) (\d)", page.read_text(), re.M)}
    assert theirs and theirs <= {p.name for p in PAGES}


def test_programs_of_the_build_were_found():
    assert len(PROGRAMS) >= 10


@pytest.mark.parametrize("program", PROGRAMS, ids=lambda p: p.name)
def test_program_has_a_page_with_its_options(program):
    if program.name == "medicore":
        page = text("medicore.1")
    else:
        page = text(f"{program.name}.8") + text("medicore-programs.7")
    assert options(says(program, "--help")) <= options(page)


def test_each_verb_is_in_the_operators_page_with_its_options():
    medicore, page = BUILD / "medicore", text("medicore.1")
    verbs = re.findall(r"^  ([a-z][a-z-]+)  ", says(medicore, "--help"), re.M)
    assert "migrate" in verbs
    for verb in verbs:
        assert re.search(rf"^     {verb} ", page, re.M) or re.search(rf"^     {verb}$", page, re.M), verb
        assert options(says(medicore, verb, "--help")) <= options(page), verb


def test_each_setting_is_in_the_settings_page_with_its_default():
    page, section = text("medicore.conf.5"), None
    for line in says(BUILD / "medicore", "--print-config").splitlines():
        if line.startswith("["):
            section = line
            assert section in page
        elif key := re.match(r"#? ?([a-z_]+) (=|is not set)", line):
            assert re.search(rf"^ +{key[1]}\b", page, re.M), (section, key[1])
