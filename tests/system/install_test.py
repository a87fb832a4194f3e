"""What `make install` puts where, what is in it, and that it goes again."""
import os
import pwd
import re
import subprocess

import pytest

from medicore import BUILD, TOP, Postgres

PREFIX = BUILD.resolve() / "install"


def make(target, destdir):
    subprocess.run(["make", "-s", target, f"DESTDIR={destdir}"], cwd=BUILD, check=True, stdout=subprocess.DEVNULL)


def files(directory):
    return {str(path.relative_to(directory)) for path in directory.rglob("*") if not path.is_dir()}


@pytest.fixture(scope="module")
def installed(tmp_path_factory):
    """The prefix, below a DESTDIR of the test's own."""
    destdir = tmp_path_factory.mktemp("destdir")
    make("install", destdir)
    yield destdir / str(PREFIX).lstrip("/")


def test_everything_is_where_a_system_looks_for_it(installed):
    found = files(installed)
    assert {"bin/medicore", "libexec/medicore/medicore-auth.fcgi", "libexec/medicore/medicore-relay", "etc/medicore/medicore.conf",
            "etc/medicore/apache.conf", "etc/medicore/apache-limits.conf", "etc/medicore/lighttpd.conf", "lib/systemd/system/medicore.target",
            "lib/sysusers.d/medicore.conf", "lib/tmpfiles.d/medicore.conf", "share/bash-completion/completions/medicore",
            "share/man/man1/medicore.1", "share/man/man5/medicore.conf.5", "share/medicore/medicore.conf", "share/medicore/static/openapi.json",
            "share/medicore/static/errors/error.json", "share/medicore/postgresql/pg_hba.conf", "share/medicore/postgresql/pg_ident.conf"} <= found
    migrations = {str(path.relative_to(TOP / "db")) for path in (TOP / "db").glob("*/*.sql")}
    assert {f"share/medicore/db/{name}" for name in migrations} == {name for name in found if name.endswith(".sql")}


def test_nothing_installed_has_a_name_left_to_fill_in(installed):
    for path in [*(installed / "etc").rglob("*.conf"), *(installed / "lib").rglob("medicore*")]:
        if path.is_file():
            assert not re.search(r"@[a-z_]+@", path.read_text()), path


def test_uninstall_leaves_only_what_somebody_edited(tmp_path):
    make("install", tmp_path)
    conf = tmp_path / str(PREFIX).lstrip("/") / "etc/medicore/medicore.conf"
    assert conf.read_bytes() == (conf.parents[2] / "share/medicore/medicore.conf").read_bytes()
    conf.write_text("[log]\nlevel = warning\n")
    make("install", tmp_path)
    assert conf.read_text() == "[log]\nlevel = warning\n"
    make("uninstall", tmp_path)
    assert files(tmp_path) == {str(conf.relative_to(tmp_path))}
    conf.unlink()
    make("install", tmp_path)
    make("uninstall", tmp_path)
    assert files(tmp_path) == set()


# --- the example of medicore.conf ---

def settings_of(path, **env):
    done = subprocess.run([BUILD / "medicore", "--config", path, "--print-config"], text=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=env)
    assert done.returncode == 0, done.stderr
    return re.sub(r"(?m); from .*$", "", done.stdout)


def test_the_example_has_every_setting_and_changes_none(installed, tmp_path):
    example = installed / "etc/medicore/medicore.conf"
    nothing = tmp_path / "nothing.conf"
    nothing.touch()
    assert settings_of(example) == settings_of(nothing)
    # Those of secrets aside, all lines count as they stand once they are no comments.
    taken = tmp_path / "taken.conf"
    taken.write_text(re.sub(r"(?m)^#([a-z_]+ =)", r"\1", re.sub(r"(?m)^#[a-z_]+_file = .*\n", "", example.read_text())))
    assert settings_of(taken) == settings_of(nothing)
    names = re.findall(r"(?m)^#?\s*([a-z_]+)(?: =.*| is not set)$", settings_of(nothing))
    assert re.findall(r"(?m)^#([a-z_]+?)(?:_file)? =", example.read_text()) == names and len(names) > 50


# --- completion ---

def completed(*words):
    script = f'PATH={BUILD}:$PATH; . "$0"; COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); _medicore; printf "%s\\n" "${{COMPREPLY[@]}}"'
    return subprocess.run(["bash", "-c", script, TOP / "cli/completion/medicore", *words], text=True, check=True, stdout=subprocess.PIPE).stdout.split()


def verbs():
    listed = subprocess.run([BUILD / "medicore", "--help"], text=True, stdout=subprocess.PIPE).stdout
    return re.findall(r"(?m)^  ([a-z-]+) {2,}", listed)


def test_every_verb_is_completed_and_so_is_what_it_takes():
    assert {"migrate", "dead-letters", "check"} <= set(verbs()) and set(verbs()) < set(completed("medicore", ""))
    for verb in verbs():
        assert completed("medicore", verb[:-1]).count(verb) == 1
        usage = subprocess.run([BUILD / "medicore", verb, "--help"], text=True, stdout=subprocess.PIPE).stdout.splitlines()[0]
        assert set(re.findall(r"--[a-z-]+", usage)) <= set(completed("medicore", verb, "")), usage


def test_completion_knows_words_from_places_for_words():
    assert completed("medicore", "dead-letters", "") == ["list", "--json", "replay", "--all", "--wait", "drop"]
    assert completed("medicore", "--config", "x.conf", "imp") == ["import"]
    assert completed("medicore", "import", "pat") == ["patients"]
    assert completed("medicore", "--config", "") == []


# --- who may be which role of the database ---

@pytest.fixture(scope="module")
def mapped(tmp_path_factory):
    """A server with our files, in which whoever runs the test is the operator."""
    server = Postgres(tmp_path_factory.mktemp("postgres"))
    data = server.env["PGDATA"]
    with server.connect() as db, db.cursor() as c:
        c.execute("create role medicore_operator login; create role medicore_patient_rest login")
    me = pwd.getpwuid(os.geteuid()).pw_name
    hba, ident = ((TOP / "db/postgresql" / name).read_text() for name in ("pg_hba.conf", "pg_ident.conf"))
    with open(f"{data}/pg_hba.conf", "r+") as file:
        rest = file.read()
        file.seek(0)
        file.write(hba.replace("medicore_auth\tall", "medicore_auth,template1\tall") + rest)
    with open(f"{data}/pg_ident.conf", "a") as file:
        file.write(re.sub(r"\troot\t", f"\t{me}\t", ident))
    server.does("restart")
    yield server
    server.stop()


def test_postgresql_takes_our_lines(mapped):
    with mapped.connect() as db, db.cursor() as c:
        c.execute("select count(*) filter (where error is not null), count(*) filter (where options = '{map=medicore}') from pg_hba_file_rules")
        assert c.fetchone() == (0, 2)
        c.execute("select count(*) filter (where error is not null), count(*) from pg_ident_file_mappings where map_name = 'medicore'")
        assert c.fetchone() == (0, 18)


def test_the_operator_is_the_operators_role_and_no_programs(mapped):
    mapped.connect("template1", "medicore_operator").close()
    with pytest.raises(Exception, match="(?i)peer authentication failed"):
        mapped.connect("template1", "medicore_patient_rest")


def test_each_program_s_role_belongs_to_one_user_of_its_domain():
    made = {role for path in (TOP / "db").glob("*/roles.sql") for role in re.findall(r"'(medicore_\w+)'", path.read_text())}
    users = {}
    for line in (TOP / "db/postgresql/pg_ident.conf").read_text().splitlines():
        if line.startswith("medicore"):
            _, user, role = line.split()
            users.setdefault(role, set()).add(user)
    assert set(users) == made | {"postgres"}
    for role in made - {"medicore_operator"}:
        (user,) = users[role] - {"root"}
        assert user == "medicore-relay" if role.endswith("_relay") else user.removeprefix("medicore-") in role
    sysusers = (TOP / "systemd/sysusers.conf.in").read_text()
    assert set().union(*users.values()) - {"root", "postgres"} == set(re.findall(r"(?m)^u (\S+)", sysusers))
