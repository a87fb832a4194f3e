#include "lib/base/config.h"

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tests/unit/base/capture.h"
#include "tests/unit/base/suites.h"

#define COUNT(table) (sizeof(table) / sizeof(*(table)))

static char out[CAPTURE_SIZE];
static char path[64];
static bool loaded;

static void
load(void *arg)
{
	loaded = config_load(arg);
}

static void
write_file(char name[64], const char *content, size_t length)
{
	FILE *f;

	memcpy(name, "/tmp/medicore-config-test.XXXXXX", 33);
	f = fdopen(mkstemp(name), "w");
	ck_assert_ptr_nonnull(f);
	ck_assert_uint_eq(fwrite(content, 1, length, f), length);
	ck_assert_int_eq(fclose(f), 0);
}

/* Loads content as the file; what it complained of, without the file's name, is in out. */
static bool
load_text(const char *content, size_t length)
{
	size_t n;

	write_file(path, content, length);
	capture_stderr(load, path, out);
	unlink(path);
	n = strlen(path);
	if (strncmp(out, path, n) == 0)
		memmove(out, out + n, strlen(out + n) + 1);
	return loaded;
}

START_TEST(without_a_file_the_defaults_hold)
{
	setenv("MEDICORE_CONFIG", "/dev/null", 1);
	capture_stderr(load, NULL, out);
	ck_assert(loaded);
	ck_assert_str_eq(out, "");
	ck_assert_str_eq(config->database.host, "/var/run/postgresql");
	ck_assert_int_eq(config->database.port, 5432);
	ck_assert_ptr_null(config->database.password);
	ck_assert_int_eq(config->database.connect_timeout_ms, 2000);
	ck_assert_int_eq(config->web.body_max, 65536);
	ck_assert_str_eq(config->web.public_url, "");
	ck_assert_str_eq(config->patientd.listen, "127.0.0.1:9000");
	ck_assert_int_eq(config->billingd.stop_grace_ms, 10000);
	ck_assert_int_eq(config->patient_service.timeout_ms, 500);
	ck_assert_str_eq(config->events.transport, "direct");
	ck_assert_int_eq(config->events.keep_s, 7 * 86400);
	ck_assert_str_eq(config->billing.currency, "USD");
}
END_TEST

START_TEST(a_file_is_read)
{
	static const char text[] = "\xef\xbb\xbf# a comment\r\n"
				   "; another\n"
				   "   ; an indented one ; with two\n"
				   "\n"
				   "[database]\n"
				   "host = db.example.org\n"
				   "password = s;cr=t #5\n"
				   "connect_timeout=300ms\n"
				   "[web]\n"
				   "body_max = 1 MiB\n"
				   "public_url =\n"
				   "[database]\n"
				   "port: 5433\n"
				   "[events]\n"
				   "keep = 36h";

	ck_assert_msg(load_text(text, sizeof(text) - 1), "%s", out);
	ck_assert_str_eq(config->database.host, "db.example.org");
	ck_assert_str_eq(config->database.password, "s;cr=t #5");
	ck_assert_int_eq(config->database.port, 5433);
	ck_assert_int_eq(config->database.connect_timeout_ms, 300);
	ck_assert_int_eq(config->web.body_max, 1 << 20);
	ck_assert_int_eq(config->events.keep_s, 36 * 3600);
	ck_assert_int_eq(config->database.statement_timeout_ms, 5000);
	ck_assert_str_eq(config_text("events", "keep"), "36h");
	ck_assert_str_eq(config_text("database", "statement_timeout"), "5s");
	ck_assert_ptr_null(config_text("audit", "key"));
}
END_TEST

#define LONG_VALUE \
	"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa" \
	"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
#define BYTES(s) s, sizeof(s) - 1

static const struct {
	const char *text;
	size_t length;
	const char *complaint; /* begins with this, behind the file's name */
} files[] = {
	{ BYTES("[web]\nthread = 8\n"), ":2: [web] thread: no such setting\n" },
	{ BYTES("[wed]\nthreads = 8\n"), ":2: [wed] threads: no such section\n" },
	{ BYTES("threads = 8\n"), ":1: [] threads: no such section\n" },
	{ BYTES("[web]\n\nthreads = many\n"), ":3: [web] threads: a whole number is needed\n" },
	{ BYTES("[web]\nthreads = 0\n"), ":2: [web] threads: must be between 1 and 1024\n" },
	{ BYTES("[web]\nthreads = 8.5\n"), ":2: [web] threads: a whole number" },
	{ BYTES("[web]\nthreads = -8\n"), ":2: [web] threads: a whole number" },
	{ BYTES("[web]\nthreads =\n"), ":2: [web] threads: a whole number" },
	{ BYTES("[web]\nthreads = 99999999999999999999\n"), ":2: [web] threads: a whole number" },
	{ BYTES("[web]\nthreads = 4\nthreads = 8\n"), ":3: [web] threads: is already set at " },
	{ BYTES("[web]\nbody_max = 64KB\n"), ":2: [web] body_max: a size is needed" },
	{ BYTES("[web]\nbody_max = 9223372036854775807GiB\n"), ":2: [web] body_max: a size is needed" },
	{ BYTES("[web]\nbody_max = 1\n"), ":2: [web] body_max: must be between 1024 and 1073741824 bytes\n" },
	{ BYTES("[web]\nrequest_timeout = 10\n"), ":2: [web] request_timeout: a duration with its unit is needed" },
	{ BYTES("[web]\nrequest_timeout = 0s\n"), ":2: [web] request_timeout: must be between 1 and 3600000 ms\n" },
	{ BYTES("[events]\nkeep = 1500ms\n"), ":2: [events] keep: whole seconds are needed\n" },
	{ BYTES("[events]\ntransport = pigeon\n"), ":2: [events] transport: must be one of direct, kafka\n" },
	{ BYTES("[events]\ntransport = direct, kafka\n"), ":2: [events] transport: must be one of direct, kafka\n" },
	{ BYTES("[events]\ntransport = dir\n"), ":2: [events] transport: must be one of direct, kafka\n" },
	{ BYTES("[events]\ntransport =\n"), ":2: [events] transport: must not be empty\n" },
	{ BYTES("[auth]\nurl = http://clinic.example\n"), "[auth] url: https:// is needed, or http:// to loopback" },
	{ BYTES("[events]\ntransport = kafka\nbrokers =\n"), "[events] brokers: must not be empty with transport" },
	{ BYTES("[events]\ntls = maybe\n"), ":2: [events] tls: must be one of no, yes\n" },
	{ BYTES("[events]\ninstance = a b\n"), ":2: [events] instance: letters, digits" },
	{ BYTES("[patientd]\nlisten = 9000\n"), ":2: [patientd] listen: host:port is needed" },
	{ BYTES("[patientd]\nlisten = localhost:99999\n"), ":2: [patientd] listen: host:port is needed" },
	{ BYTES("[patientd]\nlisten = :9000\n"), ":2: [patientd] listen: host:port is needed" },
	{ BYTES("[scheduling]\nzone = Mars/Olympus\n"), ":2: [scheduling] zone: an IANA time zone that this machine knows is needed" },
	{ BYTES("[billing]\ncurrency = usd\n"), ":2: [billing] currency: a currency of ISO 4217 is needed" },
	{ BYTES("[database]\nhost =\n"), ":2: [database] host: must not be empty\n" },
	{ BYTES("[database]\nhost = a\tb\n"), ":2: [database] host: control characters" },
	{ BYTES("[database]\nhost_file = /etc/hostname\n"), ":2: [database] host_file: no such setting\n" },
	{ BYTES("[database]\npassword_file = /nonexistent/x\n"),
	  ":2: [database] password_file: /nonexistent/x: No such file or directory\n" },
	/* What libinih would do silently. */
	{ BYTES("[database]\npassword = a ;b\n"), ":2: \" ;\" would cut the line" },
	{ BYTES("[database]\npassword = a\t;b\n"), ":2: \" ;\" would cut the line" },
	{ BYTES("[database] ; where\nport = 1\n"), ":1: \" ;\" would cut the line" },
	{ BYTES("[database]\nhost = a\n  b\n"), ":3: a line must not begin with a blank" },
	{ BYTES("[database]\n\thost = a\n"), ":2: a line must not begin with a blank" },
	{ BYTES("[database]\nhost = " LONG_VALUE "\n"), ":2: the line is too long" },
	{ BYTES("# " LONG_VALUE "\n"), ":1: the line is too long" },
	{ BYTES("[database]\nhost = a\0b\n"), ":2: not UTF-8 text\n" },
	{ BYTES("[database]\nhost = \xc0\xaf\n"), ":2: not UTF-8 text\n" },
	{ BYTES("[database\nport = 1\n"), ":1: neither [section] nor key = value\n" },
	{ BYTES("[database] port = 1\n"), ":1: neither [section] nor key = value\n" },
	{ BYTES("[database]\nport 5432\n"), ":2: neither [section] nor key = value\n" },
};

START_TEST(a_bad_file_stops_with_line_and_reason)
{
	ck_assert(!load_text(files[_i].text, files[_i].length));
	ck_assert_msg(strncmp(out, files[_i].complaint, strlen(files[_i].complaint)) == 0, "%s", out);
	ck_assert_ptr_eq(strchr(out, '\n'), out + strlen(out) - 1); /* one line, not a cascade */
}
END_TEST

START_TEST(a_directory_or_a_missing_file_is_no_configuration)
{
	char directory[] = "/tmp", missing[] = "/nonexistent/medicore.conf";

	capture_stderr(load, directory, out);
	ck_assert(!loaded);
	ck_assert_str_eq(out, "/tmp: Is a directory\n");
	capture_stderr(load, missing, out);
	ck_assert(!loaded);
	ck_assert_str_eq(out, "/nonexistent/medicore.conf: No such file or directory\n");
	setenv("MEDICORE_CONFIG", missing, 1);
	capture_stderr(load, NULL, out);
	ck_assert(!loaded);
}
END_TEST

START_TEST(the_environment_wins)
{
	setenv("MEDICORE__WEB__THREADS", "3", 1);
	setenv("MEDICORE__PATIENT_SERVICE__TIMEOUT", "1s", 1);
	setenv("MEDICORE_ELSE", "none of ours", 1);
	ck_assert_msg(load_text(BYTES("[web]\nthreads = 8\n")), "%s", out);
	ck_assert_int_eq(config->web.threads, 3);
	ck_assert_int_eq(config->patient_service.timeout_ms, 1000);
}
END_TEST

static const struct {
	const char *name, *value, *complaint;
} variables[] = {
	{ "MEDICORE__WEB__THREAD", "8", "MEDICORE__WEB__THREAD: no such setting\n" },
	{ "MEDICORE__WEB_THREADS", "8", "MEDICORE__WEB_THREADS: no such setting\n" },
	{ "MEDICORE__web__threads", "8", "MEDICORE__web__threads: no such setting\n" },
	{ "MEDICORE__", "8", "MEDICORE__: no such setting\n" },
	{ "MEDICORE__DATABASE__HOST_FILE", "/etc/hostname", "MEDICORE__DATABASE__HOST_FILE: no such setting\n" },
	{ "MEDICORE__WEB__THREADS", "many", "MEDICORE__WEB__THREADS: [web] threads: a whole number is needed\n" },
	{ "MEDICORE__DATABASE__HOST", "a\nb", "MEDICORE__DATABASE__HOST: [database] host: control characters" },
	{ "MEDICORE__EVENTS__BROKERS", "a ;b", "MEDICORE__EVENTS__BROKERS: [events] brokers: \" ;\" has no place" },
};

static const char *const complaints[] = {
	":2: [web] rate: a whole number is needed\n",
	":3: a line must not begin with a blank",
	":4: [web] body_max: must be between",
	":5: neither [section] nor key = value\n",
	":9: [web] rate: is already set at ",
	":14: [no-such] key: no such section\n",
	"MEDICORE__WEB__THREADS: [web] threads: a whole number is needed\n",
	"[events] brokers: must not be empty",
};

START_TEST(a_bad_variable_stops_with_its_name_and_reason)
{
	setenv(variables[_i].name, variables[_i].value, 1);
	ck_assert(!load_text(BYTES("")));
	ck_assert_msg(strncmp(out, variables[_i].complaint, strlen(variables[_i].complaint)) == 0, "%s", out);
}
END_TEST

START_TEST(a_secret_comes_from_a_file_and_is_never_shown)
{
	char secret[64], content[128], *shown;
	size_t size;
	FILE *to;

	write_file(secret, BYTES("hunter2 ;x\r\nsecond line\n"));
	if (_i == 0) {
		setenv("MEDICORE__DATABASE__PASSWORD_FILE", secret, 1);
		content[0] = '\0';
	} else {
		snprintf(content, sizeof(content), "[database]\npassword_file = %s\n", secret);
	}
	ck_assert_msg(load_text(content, strlen(content)), "%s", out);
	unlink(secret);
	ck_assert_str_eq(config->database.password, "hunter2 ;x");
	to = open_memstream(&shown, &size);
	config_print(to);
	fclose(to);
	ck_assert_ptr_null(strstr(shown, "hunter2"));
	ck_assert_ptr_nonnull(strstr(shown, "# password is set, and not shown\n"));
	free(shown);
}
END_TEST

START_TEST(a_secret_set_twice_by_the_environment_is_refused)
{
	setenv("MEDICORE__DATABASE__PASSWORD", "a", 1);
	setenv("MEDICORE__DATABASE__PASSWORD_FILE", "/dev/null", 1);
	ck_assert(!load_text(BYTES("")));
	ck_assert_ptr_nonnull(strstr(out, "the environment sets it twice"));
}
END_TEST

START_TEST(what_is_printed_can_be_loaded_again)
{
	char *first, *second;
	size_t size;
	FILE *to;

	setenv("MEDICORE__EVENTS__KEEP", "14d", 1);
	ck_assert(load_text(BYTES("[web]\npublic_url = https://clinic.example.org\n")));
	to = open_memstream(&first, &size);
	config_print(to);
	fclose(to);
	ck_assert_ptr_nonnull(strstr(first, "from MEDICORE__EVENTS__KEEP\nkeep = 14d\n"));
	unsetenv("MEDICORE__EVENTS__KEEP");
	ck_assert_msg(load_text(first, size), "%s", out);
	ck_assert_int_eq(config->events.keep_s, 14 * 86400);
	ck_assert_str_eq(config->web.public_url, "https://clinic.example.org");
	to = open_memstream(&second, &size);
	config_print(to);
	fclose(to);
	ck_assert_ptr_nonnull(strstr(second, ":2")); /* it names lines of the file now */
	free(first);
	free(second);
}
END_TEST

START_TEST(all_that_is_wrong_is_said)
{
	setenv("MEDICORE__WEB__THREADS", "none", 1);
	ck_assert(!load_text(BYTES("[web]\nrate = many\n indented\nbody_max = 1\n[broken\nrate = 1\n[web]\nthreads = 7\nrate = 3\n[events]\n"
				   "transport = kafka\nbrokers =\n[no-such]\nkey = 1\n")));
	for (size_t i = 0; i < COUNT(complaints); i++)
		ck_assert_msg(strstr(out, complaints[i]) != NULL, "no %s in %s", complaints[i], out);
	ck_assert_ptr_null(strstr(out, ":6:")); /* of a section that nobody knows */
}
END_TEST

/* --- reloading --- */

static struct arena *arena;
static struct config_change change;

static bool
reload_text(const char *content)
{
	FILE *f = fopen(path, "w");
	bool ok;

	ck_assert(fputs(content, f) >= 0 && fclose(f) == 0);
	ok = config_reload(arena, &change);
	ck_assert(ok == (change.wrong == NULL));
	return ok;
}

static void
load_to_reload(const char *content)
{
	arena = arena_new();
	write_file(path, content, strlen(content));
	capture_stderr(load, path, out);
	ck_assert_msg(loaded, "%s", out);
}

START_TEST(a_reload_takes_what_may_change_and_names_the_rest)
{
	const struct config *before;

	load_to_reload("[web]\nrate = 5\nthreads = 3\n[clinic]\nname = Old\n");
	before = config;
	ck_assert(reload_text("[web]\nrate = 6\nthreads = 4\n[clinic]\nname = New\n[patient_service]\ntimeout = 1s\n"));
	ck_assert_str_eq(change.taken, "web.rate, patient_service.timeout, clinic.name");
	ck_assert_str_eq(change.waiting, "web.threads");
	ck_assert_int_eq(config->web.rate, 6);
	ck_assert_int_eq(config->web.threads, 3);
	ck_assert_str_eq(config->clinic.name, "New");
	ck_assert_int_eq(config->patient_service.timeout_ms, 1000);
	ck_assert_str_eq(before->clinic.name, "Old"); /* for whoever still looks there */
	ck_assert(reload_text("[web]\nthreads = 4\n"));
	ck_assert_str_eq(change.taken, "web.rate, patient_service.timeout, clinic.name"); /* to their defaults */
	ck_assert_str_eq(change.waiting, "web.threads"); /* still */
	ck_assert(reload_text("[web]\nthreads = 3\n"));
	ck_assert_ptr_null(change.taken);
	ck_assert_ptr_null(change.waiting);
	unlink(path);
	arena_free(arena);
}
END_TEST

START_TEST(a_reload_of_a_bad_file_changes_nothing_and_says_why)
{
	load_to_reload("[web]\nrate = 5\n");
	ck_assert(!reload_text("[web]\nrate = 6\nthreads = x\nbody_max = y\n"));
	ck_assert_ptr_nonnull(strstr(change.wrong, ":3: [web] threads: a whole number is needed\n"));
	ck_assert_ptr_nonnull(strstr(change.wrong, ":4: [web] body_max:"));
	ck_assert_int_eq(config->web.rate, 5);
	unlink(path);
	ck_assert(!config_reload(arena, &change));
	ck_assert_int_eq(config->web.rate, 5);
	arena_free(arena);
}
END_TEST

#define NOBODY 65534

START_TEST(a_reload_that_may_not_read_a_secrets_file_changes_nothing)
{
	bool by_root = geteuid() == 0; /* who may read everything */
	char secret[64], content[128];

	write_file(secret, BYTES("hunter2\n"));
	snprintf(content, sizeof(content), "[database]\npassword_file = %s\n[web]\nrate = 5\n", secret);
	load_to_reload(content);
	ck_assert_int_eq(chmod(secret, 0), 0);
	ck_assert(!by_root || (chown(path, NOBODY, NOBODY) == 0 && seteuid(NOBODY) == 0));
	snprintf(content, sizeof(content), "[database]\npassword_file = %s\n[web]\nrate = 6\n", secret);
	ck_assert(!reload_text(content));
	ck_assert_ptr_nonnull(strstr(change.wrong, ":2: [database] password_file: /tmp/"));
	ck_assert_str_eq(config->database.password, "hunter2");
	ck_assert_int_eq(config->web.rate, 5);
	ck_assert(reload_text("[web]\nrate = 6\n")); /* but it may go */
	ck_assert_ptr_null(config->database.password);
	ck_assert(!by_root || seteuid(0) == 0);
	unlink(path);
	unlink(secret);
	arena_free(arena);
}
END_TEST

Suite *
config_suite(void)
{
	Suite *suite = suite_create("config");
	TCase *t = tcase_create("config");

	tcase_add_test(t, without_a_file_the_defaults_hold);
	tcase_add_test(t, a_file_is_read);
	tcase_add_loop_test(t, a_bad_file_stops_with_line_and_reason, 0, COUNT(files));
	tcase_add_test(t, a_directory_or_a_missing_file_is_no_configuration);
	tcase_add_test(t, the_environment_wins);
	tcase_add_loop_test(t, a_bad_variable_stops_with_its_name_and_reason, 0, COUNT(variables));
	tcase_add_loop_test(t, a_secret_comes_from_a_file_and_is_never_shown, 0, 2);
	tcase_add_test(t, a_secret_set_twice_by_the_environment_is_refused);
	tcase_add_test(t, what_is_printed_can_be_loaded_again);
	tcase_add_test(t, all_that_is_wrong_is_said);
	tcase_add_test(t, a_reload_takes_what_may_change_and_names_the_rest);
	tcase_add_test(t, a_reload_of_a_bad_file_changes_nothing_and_says_why);
	tcase_add_test(t, a_reload_that_may_not_read_a_secrets_file_changes_nothing);
	suite_add_tcase(suite, t);
	return suite;
}
