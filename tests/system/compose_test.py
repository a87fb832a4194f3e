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
PROGRAMS = [program for words in re.findall(r"^pkglibexec_PROGRAMS \+= (.*)$", (TOP / "Makefile.am").read_text(), re.M)
            for program in words.split()]


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


def test_only_auth_has_the_keys_that_sign_tokens():
    assert who_has("keys") == {"auth"} == {name for name, service in SERVICES.items() if service.get("user", "").startswith("medicore-auth:")}


def test_only_relays_have_the_audit_trails_key_and_seal():
    relays = {f"relay-{domain}" for domain in DOMAINS}
    assert who_has("audit") == relays == {name for name, service in SERVICES.items() if service.get("user", "").startswith("medicore-relay:")}


def test_no_secret_is_in_the_file():
    assert not re.search(r"(PASSWORD|SECRET|__KEY): ", (TOP / "docker-compose.yml").read_text())


def test_only_the_front_door_publishes_ports_and_on_loopback_only():
    assert [name for name, service in SERVICES.items() if service.get("ports")] == ["httpd"]
    assert all(re.fullmatch(r"127\.0\.0\.1:\d+:\d+", port) for port in SERVICES["httpd"]["ports"])


def test_nothing_but_the_front_door_has_a_network():
    assert SERVICES["loopback"]["network_mode"] == SERVICES["postgres"]["network_mode"] == "none"
    others = SERVICES.keys() - {"loopback", "postgres", "httpd"}
    assert {SERVICES[name]["network_mode"] for name in others} == {"service:loopback"}
    assert "listen_addresses=" in SERVICES["postgres"]["command"]


@pytest.mark.parametrize("name", SERVICES)
def test_each_service_stays_up_and_says_how_it_is(name):
    service = SERVICES[name]
    if name == "migrate":  # ends when it is done
        assert service["restart"] == "no" and "healthcheck" not in service
    else:
        assert service["restart"] == "unless-stopped" and service["healthcheck"]["test"][0] in ("CMD", "CMD-SHELL")


@pytest.mark.parametrize("name", OURS)
def test_our_containers_have_no_rights_to_lose(name):
    service = SERVICES[name]
    assert service["user"].split(":")[0] in ("medicore", "medicore-relay", "medicore-auth", "www-data")
    assert service["read_only"] is True and service["cap_drop"] == ["ALL"]
    assert service["security_opt"] == ["no-new-privileges:true"]


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
