"""medicore import patients: every line by the rules, many at a time, as if each came alone."""
import csv

import pytest

from medicore import Postgres

HEAD = ["Id", "FIRST", "LAST", "GENDER", "BIRTHDATE", "ADDRESS"]


def person(n, **other):
    row = {"Id": f"aaaaaaaa-0000-4000-8000-{n:012}", "FIRST": f"First{n}", "LAST": "O'Làst", "GENDER": "F", "BIRTHDATE": "1970-02-28",
           "ADDRESS": '1 "Calle" \\ Mayor, {x}'}
    return {**row, **other}


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    p = Postgres(tmp_path_factory.mktemp("postgres"))
    try:
        done = p.migrate()
        assert done.returncode == 0, done.stderr
        yield p
    finally:
        p.stop()


@pytest.fixture
def pg(server):
    server.rows("truncate patient", "medicore_patient")
    return server


def imported(pg, tmp_path, rows, *options):
    """What it prints, and what it complains of without the file's name."""
    path = tmp_path / "patients.csv"
    with open(path, "w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, HEAD)
        writer.writeheader()
        writer.writerows(rows)
    done = pg.medicore("import", "patients", path, *options)
    return done.returncode, done.stdout.strip(), [line.removeprefix(f"{path}:") for line in done.stderr.splitlines()]


def stored(pg):
    return dict(pg.rows("select id::text, name from patient", "medicore_patient"))


def test_lines_of_many_batches_all_come_in_and_come_in_once(pg, tmp_path):
    rows = [person(n) for n in range(1, 5003)]
    assert imported(pg, tmp_path, rows) == (0, "imported 5002, already there 0, refused 0 of 5002 lines", [])
    assert stored(pg) == {p["Id"]: f"{p['FIRST']} {p['LAST']}" for p in rows}
    assert pg.rows("select distinct address, gender, date_of_birth::text, registered_date::text from patient", "medicore_patient") == [
        (rows[0]["ADDRESS"], "FEMALE", "1970-02-28", "2025-11-01")]
    assert imported(pg, tmp_path, rows) == (0, "imported 0, already there 5002, refused 0 of 5002 lines", [])


def test_bad_lines_are_told_and_the_rest_goes_in(pg, tmp_path):
    pg.rows("insert into patient (id, name, email, gender, address, date_of_birth, registered_date) values"
            " (gen_random_uuid(), 'x', 'First7.OLast.7@EXAMPLE.org', 'OTHER', 'x', '1970-01-01', '1970-01-01')", "medicore_patient")
    rows = [person(n) for n in range(1, 12)]
    rows[1]["BIRTHDATE"] = "1970-02-30"
    rows[2]["BIRTHDATE"] = "2999-01-01"
    rows[3]["Id"] = "nobody"
    rows[4].update(FIRST="n" * 90, ADDRESS=" ")
    status, out, err = imported(pg, tmp_path, rows)
    assert (status, out) == (1, "imported 6, already there 0, refused 5 of 11 lines")
    assert err == [
        "3: BIRTHDATE: dateOfBirth must be a date that exists, as YYYY-MM-DD",
        "4: BIRTHDATE: Date Of Birth must not be in the future",
        "5: Id: id must be a UUID",
        "6: name: Name should be less then 80 characters; address: Address is required",
        "8: email: A patient with this email: first7.olast.7@example.org already exists",
    ]
    assert len(stored(pg)) == 7


def test_an_id_that_is_in_the_file_twice_counts_where_it_comes_first(pg, tmp_path):
    rows = [person(1), person(2), person(1, FIRST="Second"), person(3), person(2), person(2)]
    assert imported(pg, tmp_path, rows) == (0, "imported 3, already there 3, refused 0 of 6 lines", [])
    assert stored(pg)[rows[0]["Id"]] == "First1 O'Làst"


def test_who_was_deleted_does_not_come_back(pg, tmp_path):
    imported(pg, tmp_path, [person(1)])
    pg.rows("update patient set deleted_at = now()", "medicore_patient")
    assert imported(pg, tmp_path, [person(1)])[1] == "imported 0, already there 1, refused 0 of 1 lines"
    assert pg.rows("select count(*) from patient where deleted_at is null", "medicore_patient") == [(0,)]


def test_a_dry_run_tells_the_same_and_keeps_nothing(pg, tmp_path):
    rows = [person(1), person(1), person(2, BIRTHDATE="soon")]
    status, out, err = imported(pg, tmp_path, rows, "--dry-run")
    assert (status, out) == (1, "imported 1, already there 1, refused 1 of 3 lines (dry run: nothing was kept)")
    assert err == ["4: BIRTHDATE: dateOfBirth must be a date that exists, as YYYY-MM-DD"]
    assert stored(pg) == {}
