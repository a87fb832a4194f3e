"""docker-compose.yml is a Compose file, has a service for each program, and lets nobody in but by the front door."""
import json
import re

import jsonschema
import pytest
import yaml

from medicore import TOP

# From github.com/compose-spec/compose-go, under its own licence beside it.
SCHEMA = json.loads((TOP / "tests/lib/compose/compose-spec.json").read_text())
COMPOSE = yaml.safe_load((TOP / "docker-compose.yml").read_text())
SERVICES = COMPOSE["services"]
DOMAINS = ["patient", "scheduling", "billing", "auth"]
DOCKERFILE = (TOP / "Dockerfile").read_text()
OURS = [name for name, service in SERVICES.items() if service["image"] == "medicore"]
USERS = set(re.findall(r"\b9\d\d:([a-z-]+)", (TOP / "container/make-users").read_text()))
PROGRAMS = [program for words in re.findall(r"^pkglibexec_PROGRAMS \+= (.*)$", (TOP / "Makefile.am").read_text(), re.M)
            for program in words.split()]


def rows(file):
    return [line for line in (TOP / "container/postgres" / file).read_text().splitlines() if line and not line.startswith("#")]


HBA, IDENT = rows("pg_hba.conf"), rows("pg_ident.conf")
MAY_ALL = {"secrets", "operator"}  # who makes what is secret, and the operator


def packages_of(stage):
    """What the n-th stage of the image installs."""
    words = DOCKERFILE.split("\nFROM ")[stage].split("--no-install-recommends", 1)[1].replace("\\\n", " ").splitlines()[0]
    return set(words.split("&&")[0].split())


def test_compose_file_is_valid():
    jsonschema.validate(COMPOSE, SCHEMA, cls=jsonschema.Draft201909Validator)


def test_schema_refuses_what_compose_does_not_know():
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate({"services": {"patientd": {"portts": []}}}, SCHEMA, cls=jsonschema.Draft201909Validator)


def test_programs_of_the_build_were_found():
    assert "medicore-patient.fcgi" in PROGRAMS and "medicore-relay" in PROGRAMS


@pytest.mark.parametrize("program", PROGRAMS)
def test_each_program_has_a_service(program):
    running = [name for name, service in SERVICES.items() if f"/usr/libexec/medicore/{program}" in service.get("command", [])]
    assert len(running) == (1 if program != "medicore-relay" else len(DOMAINS))


def test_each_database_has_a_relay():
    assert {SERVICES[f"relay-{domain}"]["command"][-1] for domain in DOMAINS} == set(DOMAINS)


def who_has(volume):
    return {name for name, service in SERVICES.items() for mount in service.get("volumes", []) if mount.split(":")[0] == volume}


# --- who has what is secret ---

def test_only_auth_has_the_keys_that_sign_tokens():
    assert who_has("keys") == {"auth", *MAY_ALL}
    assert {name for name, service in SERVICES.items() if service.get("user", "").startswith("medicore-auth:")} == {"auth"}


def test_only_relays_have_the_audit_trails_key_and_seal():
    relays = {f"relay-{domain}" for domain in DOMAINS}
    assert who_has("audit") == relays | MAY_ALL
    assert {name for name, service in SERVICES.items() if service.get("user", "").startswith("medicore-relay:")} == relays


def test_only_who_makes_certificates_has_the_authoritys_key():
    assert who_has("authority") == {"secrets"}
    assert SERVICES["secrets"]["network_mode"] == "none"


@pytest.mark.parametrize("volume", sorted(v for v in COMPOSE["volumes"] if v.startswith("tls-")))
def test_each_key_is_one_services_alone(volume):
    name = volume.removeprefix("tls-")
    assert who_has(volume) == {name, "secrets"}
    assert f"{volume}:/etc/medicore/tls:ro" in SERVICES[name]["volumes"]
    assert f"{volume}:/secrets/{name}" in SERVICES["secrets"]["volumes"]


def test_who_needs_a_key_has_one():
    without = {"secrets", "httpd"}  # has no network; has sockets and a certificate for the world
    assert {v.removeprefix("tls-") for v in COMPOSE["volumes"] if v.startswith("tls-")} == SERVICES.keys() - without


def test_only_apache_and_auths_own_front_reach_the_programs_sockets():
    for program in ("patient", "scheduling", "billing", "documents", "auth"):
        assert who_has(f"socket-{program}") == {program, "httpd"} | ({"auth-http"} if program == "auth" else set())


def test_no_secret_is_in_the_file():
    text = (TOP / "docker-compose.yml").read_text()
    assert not re.search(r"(PASSWORD|SECRET|__KEY): (?!/etc/medicore/tls/program\.key$)", text.replace("&key ", ""), re.M)
    for service in SERVICES.values():
        for name, value in service.get("environment", {}).items():
            assert not re.search(r"PASSWORD|SECRET|KEY", name) or re.fullmatch(r"/[a-z/.]+|PEM|required", str(value)), name


# --- who reaches whom ---

def networks(name):
    return set(SERVICES[name].get("networks", []))


def who_is_in(network):
    return {name for name in SERVICES if network in networks(name)}


def test_only_the_front_door_publishes_ports_and_on_loopback_only():
    assert [name for name, service in SERVICES.items() if service.get("ports")] == ["httpd"]
    assert all(re.fullmatch(r"127\.0\.0\.1:\d+:\d+", port) for port in SERVICES["httpd"]["ports"])


def test_every_network_but_the_front_doors_leads_nowhere():
    assert {name for name, n in COMPOSE["networks"].items() if not (n or {}).get("internal")} == {"outside"}
    assert who_is_in("outside") == {"httpd"} and networks("httpd") == {"outside"}
    assert set().union(*map(networks, SERVICES)) == set(COMPOSE["networks"])
    assert {name for name in SERVICES if not networks(name)} == {"secrets"}


@pytest.mark.parametrize("domain", DOMAINS)
def test_programs_of_a_domain_meet_nobody_of_another_where_their_database_is(domain):
    programs = {line.split()[1] for line in IDENT if line.split()[2].startswith(f"medicore_{domain}_")} - {"operator"}
    assert who_is_in(domain) == programs | {"postgres"}
    for name in programs:
        assert networks(name) & set(DOMAINS) == {domain}


def test_networks_have_only_those_who_talk_there():
    assert who_is_in("operator") == {"postgres", "migrate", "operator"}
    assert who_is_in("tokens") == {"auth-http", "patient", "scheduling", "billing", "documents"}
    assert who_is_in("grpc") == {"patientd", "billingd", "scheduling", "billing", "documents", "billing-worker", "operator"}
    assert who_is_in("events") == {"kafka", "migrate", "operator", "billing-worker", "relay-scheduling", "relay-billing"}


def test_everything_between_services_is_by_tls():
    for name in OURS:
        environ = SERVICES[name].get("environment", {})
        if "MEDICORE__DATABASE__HOST" in environ:
            assert environ["PGSSLMODE"] == "verify-full" and environ["MEDICORE__EVENTS__TLS"] == "yes"
            assert environ.get("MEDICORE__AUTH__URL", "https://").startswith("https://")
            assert not re.search("127|localhost", environ["MEDICORE__PATIENT_SERVICE__TARGET"])  # in clear
    kafka = SERVICES["kafka"]["environment"]
    assert kafka["KAFKA_SSL_CLIENT_AUTH"] == "required"
    assert set(kafka["KAFKA_LISTENERS"].split(",")) == {"PROGRAMS://0.0.0.0:9092", "CONTROLLER://127.0.0.1:9093"}
    assert kafka["KAFKA_LISTENER_SECURITY_PROTOCOL_MAP"].split(",")[0] == "PROGRAMS:SSL"


# --- who enters which database ---

def roles_of(domain):
    return set(re.findall(r"'(medicore_\w+)'", (TOP / f"db/{domain}/roles.sql").read_text().split("loop")[0]))


def test_every_role_is_some_services():
    assert {line.split()[2] for line in IDENT} == set().union(*map(roles_of, DOMAINS)) | {"postgres"}
    assert {line.split()[1] for line in IDENT} <= SERVICES.keys()
    assert all(line.split()[0] == "medicore" for line in IDENT)


def test_certificates_may_be_the_roles_that_the_users_of_a_server_may_be():
    """As db/postgresql/pg_ident.conf has it there; but here each program has a certificate of its own."""
    lines = [line.split() for line in (TOP / "db/postgresql/pg_ident.conf").read_text().splitlines() if line.startswith("medicore")]
    server = {(user, role) for _, user, role in lines if user != "postgres"}
    user_of = {name: service.get("user", "").split(":")[0] for name, service in SERVICES.items()}
    here = [line.split()[1:] for line in IDENT if line.split()[1] != "migrate"]
    assert {(user_of[name], role) for name, role in here} == server
    assert len({role for name, role in here if name != "operator"}) == len([name for name, _ in here if name != "operator"])


def test_roles_enter_their_own_database_by_certificate_alone():
    assert HBA[0].split() == ["local", "all", "postgres", "peer"]
    entered = {}
    for line in HBA[1:]:
        kind, database, users, address, method, mapped = line.split()
        assert (kind, address, method, mapped) == ("hostssl", "all", "cert", "map=medicore")
        entered.setdefault(database, set()).update(users.split(","))
    assert entered.pop("all") == {"postgres", "medicore_operator"}
    assert entered == {f"medicore_{domain}": roles_of(domain) - {"medicore_operator"} for domain in DOMAINS}


@pytest.mark.parametrize("name", SERVICES)
def test_each_service_stays_up_and_says_how_it_is(name):
    service = SERVICES[name]
    if name in ("secrets", "migrate", "operator"):  # end when they are done
        assert service["restart"] == "no" and "healthcheck" not in service
    else:
        assert service["restart"] == "unless-stopped" and service["healthcheck"]["test"][0] in ("CMD", "CMD-SHELL")


@pytest.mark.parametrize("name", SERVICES)
def test_containers_have_no_rights_to_lose(name):
    service = SERVICES[name]
    assert service["cap_drop"] == ["ALL"] and service["security_opt"] == ["no-new-privileges:true"]
    assert ("cap_add" in service) == (name in MAY_ALL)
    if name in OURS:
        assert service["read_only"] is True
        assert service["user"].split(":")[0] in USERS | {"www-data"} or name in MAY_ALL and service["user"] == "root"


def test_each_domain_has_a_user_of_its_own():
    of = {name: service["user"].split(":")[0] for name, service in SERVICES.items() if name in OURS}
    assert {name for name in OURS if of[name] == "medicore-patient"} == {"patient", "patientd"}
    assert {name for name in OURS if of[name] == "medicore-billing"} == {"billing", "billingd", "billing-worker"}
    assert (of["scheduling"], of["documents"]) == ("medicore-scheduling", "medicore-documents")


def test_every_volume_is_used_and_known():
    used = {mount.split(":")[0] for service in SERVICES.values() for mount in service.get("volumes", [])}
    assert used == set(COMPOSE["volumes"])


def test_image_is_built_with_the_packages_that_dev_installs():
    listed = re.search(r"packages_build=\((.*?)\)", (TOP / "tests/lib/dev/packages.sh").read_text(), re.S)[1].split()
    assert packages_of(1) == set(listed) - {"check"}  # of the unit tests, which the image doesn't run


def test_image_holds_no_compiler():
    assert not [p for p in packages_of(2) if p.endswith("-dev") or p in packages_of(1)]


def test_image_runs_without_root_unless_told():
    assert re.findall(r"^USER (.*)$", DOCKERFILE, re.M) == ["medicore"]
