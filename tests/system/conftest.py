import uuid

import pytest

from medicore import Postgres


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    """With our databases on it, empty, unless a file has another one of this name."""
    s = Postgres(tmp_path_factory.mktemp("postgres"))
    done = s.migrate()
    assert done.returncode == 0, done.stderr
    yield s
    s.stop()


@pytest.fixture(scope="module")
def patient(server):
    made = str(uuid.uuid4())
    with server.connect("medicore_patient") as db, db.cursor() as c:
        c.execute("insert into patient (id, name, email, gender, address, date_of_birth, registered_date) values "
                  "(%s, 'A', %s, 'OTHER', 'x', '1985-12-10', '2026-01-05')", (made, f"{made}@example.org"))
    return made
