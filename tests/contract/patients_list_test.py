"""GET /patients: the stream of all, pages, and the three filters."""
import uuid

import pytest

import rest
from rest import assert_error, follow, get, next_link, query, registered


@pytest.fixture(scope="module")
def family():
    """Seven of one unheard-of family name, so that other data doesn't matter."""
    name = "Q" + uuid.uuid4().hex[:12]
    firsts = ["José", "Jose", "Zoë", "Anne-Marie", "O'Brien", "Łukasz", "joséphine"]
    return name, [registered(name=f"{first} {name}", dateOfBirth=f"198{i % 2}-03-04") for i, first in enumerate(firsts)]


def test_all_patients_stream_out_in_id_order_as_a_bare_array(family):
    answer = get("/patients")
    assert answer.status == 200 and answer.headers.get("Link") is None
    assert answer.headers["Cache-Control"] == "no-store"
    ids = [p["id"] for p in answer.json]
    assert ids == sorted(set(ids))
    by_id = {p["id"]: p for p in answer.json}
    for member in family[1]:
        assert by_id[member["id"]] == member


def test_pages_followed_to_the_end_are_the_whole_stream(family):
    whole = get("/patients").json
    things, pages = follow("/patients?limit=500")
    # Other tests may add patients meanwhile; their ids, of version 7, come last.
    assert things[:len(whole)] == whole
    assert pages >= len(whole) // 500


def test_filter_and_pages_together(family):
    name, members = family
    expected = sorted(members, key=lambda p: p["id"])
    for limit in (1, 2, 3, 7, 8, 500):
        things, pages = follow(query("/patients", name=name, limit=limit))
        assert things == expected
        assert pages == -(-len(expected) // limit)
    assert get(query("/patients", name=name)).json == expected


def test_page_without_a_successor_has_no_link(family):
    answer = get(query("/patients", name=family[0], limit=7))
    assert len(answer.json) == 7 and next_link(answer) is None
    answer = get(query("/patients", name=family[0], limit=6))
    assert len(answer.json) == 6 and "name=" in next_link(answer)


def test_limit_defaults_to_50_where_only_the_cursor_is_given():
    while len(get("/patients").json) < 52:
        registered()
    first = get("/patients?limit=1")
    cursor = next_link(first).replace("limit=1&", "").replace("&limit=1", "")
    answer = get(cursor)
    assert answer.status == 200 and len(answer.json) == 50
    assert all(p["id"] > first.json[0]["id"] for p in answer.json)


@pytest.mark.parametrize("asked", ["JOSÉ", "jose", " josé ", "jOsE"])
def test_name_filter_ignores_case_and_accents(family, asked):
    name, members = family
    found = get(query("/patients", name=f"{asked.strip()} {name}" if asked == " josé " else f"{asked} {name.upper()}")).json
    assert {p["name"] for p in found} == {f"José {name}", f"Jose {name}"}


@pytest.mark.parametrize("prefix, names", [
    ("q", 7), ("jos", 3), ("lukasz", 1), ("zoe", 1), ("o'b", 1), ("rien", 0), ("ose", 0), ("%", 0), ("_ose", 0), ("\\", 0),
    ("anne-m", 1),
])
def test_name_filter_is_the_prefix_of_any_word(family, prefix, names):
    name, _ = family
    asked = name[:10] if prefix == "q" else prefix
    found, _ = follow(query("/patients", name=asked, limit=500))
    assert sum(1 for p in found if p["name"].endswith(name)) == names


def test_words_are_found_only_as_they_follow_each_other():
    tag = "Q" + uuid.uuid4().hex[:12]
    made = registered(name=f"{tag}  l'\\Été Tag!")

    def found(name):
        return [p["id"] for p in get(query("/patients", name=name)).json] == [made["id"]]

    for asked in (tag, f"{tag}  l", f"{tag.lower()}  L'\\ETE ta", f"{tag}  l'\\été tag!"):
        assert found(asked), asked
    for asked in (f"{tag} l", f"l'\\Été {tag}", f"{tag}  l' tag", f"{tag[:5]}  l'", f"{tag}  l'\\Été Tag! x", f"{tag}  'l"):
        assert not found(asked), asked


@pytest.mark.parametrize("sign", ["%", "_", "\\"])
def test_signs_of_like_stand_for_themselves(sign):
    tag = uuid.uuid4().hex
    made = registered(name=f"{sign}{tag}")
    other = registered(name=f"x{tag}")
    found = get(query("/patients", name=f"{sign}{tag}")).json
    assert [p["id"] for p in found] == [made["id"]]
    assert [p["id"] for p in get(query("/patients", name=f"x{tag}")).json] == [other["id"]]


def test_email_filter_ignores_case():
    made = registered()
    for asked in (made["email"], made["email"].upper()):
        assert get(query("/patients", email=asked)).json == [made]
        assert get(query("/patients", email=asked, limit=10)).json == [made]
    assert get(query("/patients", email=rest.email())).json == []


def test_filters_narrow_each_other(family):
    name, members = family
    born = [p for p in members if p["dateOfBirth"] == "1981-03-04"]
    found = get(query("/patients", name=name, dateOfBirth="1981-03-04")).json
    assert found == sorted(born, key=lambda p: p["id"])
    one = born[0]
    assert get(query("/patients", name=name, dateOfBirth="1981-03-04", email=one["email"])).json == [one]
    assert get(query("/patients", name=name, dateOfBirth="1980-03-04", email=one["email"])).json == []
    assert get(query("/patients", name="nobody" + name, email=one["email"])).json == []


def test_date_of_birth_filter(family):
    _, members = family
    found, _ = follow("/patients?dateOfBirth=1980-03-04&limit=500")
    assert {p["dateOfBirth"] for p in found} == {"1980-03-04"}
    assert {p["id"] for p in members if p["dateOfBirth"] == "1980-03-04"} <= {p["id"] for p in found}


@pytest.mark.parametrize("asked, field", [
    ("limit=0", "limit"), ("limit=501", "limit"), ("limit=-1", "limit"), ("limit=abc", "limit"), ("limit=", "limit"),
    ("limit=1.5", "limit"), ("limit=12abc", "limit"), ("limit=99999999999999999999", "limit"),
    ("cursor=nonsense", "cursor"), ("cursor=", "cursor"), ("cursor=AAAA", "cursor"), ("cursor=%00", "cursor"),
    ("limit=1&limit=2", "limit"), ("name=a&name=b", "name"),
    ("email=nobody", "email"), ("email=", "email"), ("name=", "name"), ("name=%20", "name"), ("name=%C0%AF", "name"),
    ("name=a%00b", "name"), ("dateOfBirth=2025-02-30", "dateOfBirth"), ("dateOfBirth=", "dateOfBirth"),
    ("gender=MALE", "gender"), ("nmae=a", "nmae"), ("sort=name", "sort"),
])
def test_bad_query_parameter_is_400_naming_it(asked, field):
    assert_error(get(f"/patients?{asked}"), 400, [field])
