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
