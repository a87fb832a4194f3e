#include <config.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/cli.h"
#include "lib/base/config.h"

/* clang-format off */
static const struct verb verbs[] = {
	{ "migrate", "[--dry-run | --status] [--migrations DIR]", "make or update databases, roles, tables and topics",
	  "  --dry-run         say what would be done, and do nothing\n"
	  "  --status          list what the databases have; exit status 1 where something is missing\n"
	  "  --migrations DIR  take the SQL files from DIR instead of " PKGDATADIR "/db\n",
	  verb_migrate },
	{ "import", "patients|services|appointments FILE.csv [--dry-run] ... | seed --patients URI --billing URI --auth URI [--dry-run]",
	  "take in people, prices or visits from a CSV file, or all that the system replaced has",
	  "  --dry-run           check every line as if it went in, and keep nothing\n"
	  "  --visits FILE.csv   patients: each is registered on the day of the first of these visits\n"
	  "  --registered DAY    patients: on this day where there is none; 2025-11-01 unless given\n"
	  "  --without PROVIDER  appointments: leave that column out, so that no two collide\n"
	  "\n"
	  "Ids are kept, so that the same file again imports nothing twice. A bad line is reported as FILE:LINE: reason,\n"
	  "and the rest goes in. Exit status: 0 all lines are in, 1 some were refused, 2 it could not go on.\n"
	  "doc/import.md says which columns become what.\n"
	  "\n"
	  "seed reads the databases of the Spring services, each by a URI or what else libpq takes; any may be left out:\n"
	  "  --patients URI  table patient\n"
	  "  --billing URI   table invoice, in [billing] currency\n"
	  "  --auth URI      table users, with their passwords\n"
	  "  --booked DAY    the day that invoices count for in the books, instead of now\n"
	  "\n"
	  "What is refused is reported as TABLE ID: reason. doc/moving-over.md has the rest.\n",
	  verb_import },
	{ "dead-letters", "list [--json] | replay ID|--all [--wait SECONDS] | drop ID", "events that billing could not turn into invoices",
	  "  list    what each is and why it is there; --json gives all that is known of it\n"
	  "  replay  let the worker try again, say after mending a price, and wait until it has; --wait 0 doesn't wait\n"
	  "  drop    forget one for good\n"
	  "\n"
	  "Exit status of replay: 0 all have their effect, 1 some are still there.\n",
	  verb_dead_letters },
	{ "check", "[--json | --mend [--dry-run]] [--grace SECONDS]", "compare bookings with invoices, and the books with the ledger",
	  "Counts bookings invoiced, pending, parked, missing and doubled.\n"
	  "  --grace SECONDS  an event published less long ago may still be on its way; 60 unless given\n"
	  "  --mend           after a restore: sends again what billing lacks, voids unpaid invoices of bookings that are unknown, and says\n"
	  "                   what takes a person; twice, the second time does nothing\n"
	  "  --dry-run        with --mend: say what would be done, and do nothing\n"
	  "\n"
	  "Exit status: 1 where any is missing or doubled, or the books are wrong; with --mend, where a person is needed.\n",
	  verb_check },
	{ "sweep-overdue", "", "mark invoices that are past due, now rather than within a minute",
	  "Does what medicore-relay does each minute, as its database role medicore_billing_relay, and says how many it marked.\n"
	  "It may run beside the relay, or twice at once: no invoice is marked, nor told of, twice.\n",
	  verb_sweep_overdue },
	{ "audit", "verify [DOMAIN ...] | seal DOMAIN", "prove that nobody touched the trails of who read or changed what",
	  "  verify  go along the chain of each trail (patient, scheduling, billing, auth), and name its first bad row\n"
	  "  seal    take its end as it is now for the true one, where the seal was lost; doc/audit.md says when\n"
	  "\n"
	  "Needs the relay's [audit] key. Exit status: 1 where a trail is not whole.\n",
	  verb_audit },
	{ "backup", "DIR [--keep N] [--without-secrets]", "all databases, keys and secrets, each database as of one moment",
	  "Makes DIR/YYYYMMDDThhmmssZ by pg_dump; until it is whole and on the disk its name ends in .partial.\n"
	  "  --keep N           afterwards removes the oldest, so that N are there\n"
	  "  --without-secrets  leaves out the keys that sign tokens, and secrets: without the audit key no trail can be verified\n"
	  "\n"
	  "Programs go on meanwhile. doc/operations.md says what is in it and how it is restored.\n",
	  verb_backup },
	{ "restore", "DIR/YYYYMMDDThhmmssZ [--replace] [--only DOMAIN] [--dry-run] [--migrations DIR]", "bring back what a backup has",
	  "Verifies it first. Programs must be stopped. The databases are made beside those that are there, and put in their places at once.\n"
	  "  --replace         even where they are not empty: those are kept under other names\n"
	  "  --only DOMAIN     patient, scheduling, billing or auth: the others stay as they are\n"
	  "  --dry-run         verify it, say what would be done, and do nothing\n"
	  "  --migrations DIR  take roles.sql from DIR instead of " PKGDATADIR "/db\n"
	  "\n"
	  "Afterwards `medicore check --mend` settles what the domains disagree on.\n",
	  verb_restore },
	{ "certs", "DIR [NAME[=dns:HOST,ip:ADDRESS,...]] ...", "make or renew certificates for gRPC off loopback",
	  "Makes in DIR an authority (ca.crt, ca.key), where there is none yet, and a certificate and key for each NAME: NAME.crt,\n"
	  "NAME.key. A certificate shows who calls, by its NAME, and serves for NAME, localhost, 127.0.0.1, ::1 and what is added\n"
	  "by dns:HOST and ip:ADDRESS. Without any NAME: one for each of our programs.\n"
	  "\n"
	  "Run again, a certificate is renewed: it keeps its key and, where none are named, its hosts. The authority is never made anew.\n",
	  verb_certs },
	{ "user", "add EMAIL --name NAME --role ROLE | list | disable EMAIL | enable EMAIL | passwd EMAIL", "make, list and change accounts",
	  "  add                   ROLE is ADMIN, STAFF, DOCTOR, BILLING or AUDITOR\n"
	  "  list                  all accounts, a line each\n"
	  "  disable, enable       who is disabled can't log in, and the logins that go on end\n"
	  "  passwd                another password, which ends the account's logins\n"
	  "  --password-file FILE  add, passwd: its first line; - is standard input. Without it one is made, and printed this once\n",
	  verb_user },
	{ "config", "check [FILE]", "say all that is wrong with the settings",
	  "  check  each bad line of the file (or of the environment) with its reason; then whether the directories and files that settings name\n"
	  "         are there, whether those who need them may use them, and whether nobody else may read a secret\n"
	  "\n"
	  "Who may what is asked where the users that `make install` made exist, and of root. Exit status: 1 where anything is wrong.\n",
	  verb_config },
	{ "metrics", "", "what all programs count, as Prometheus reads it",
	  "From the files in [metrics] directory; GET /metrics at the front door gives the same to this machine.\n",
	  verb_metrics },
	{ "keys", "rotate | list", "the private keys that sign tokens",
	  "  rotate  make a new one, which signs once the other programs have had the time to learn it; remove those that nothing needs\n"
	  "  list    which there are, and since when\n"
	  "\n"
	  "Run it as the user that medicore-auth.fcgi runs as, or as root: nobody else may read [auth] keys.\n",
	  verb_keys },
};
/* clang-format on */

#define VERBS (sizeof(verbs) / sizeof(*verbs))

static void
help(FILE *to)
{
	fputs("usage: medicore [--config FILE] VERB ...\n\n", to);
	for (size_t i = 0; i < VERBS; i++)
		fprintf(to, "  %-14s %s\n", verbs[i].name, verbs[i].help);
	fputs("\n"
	      "  medicore VERB --help  what a verb takes\n"
	      "  --config FILE         settings, instead of " SYSCONFDIR "/medicore/medicore.conf\n"
	      "  --print-config        print all settings and where each comes from\n"
	      "  --version\n",
	    to);
}

static int
verb_help(const struct verb *v)
{
	printf("usage: medicore %s %s\n\n%s\n", v->name, v->args, v->help);
	if (v->more != NULL)
		printf("\n%s", v->more);
	return CLI_DONE;
}

/* Levenshtein's distance, for words of at most 31 bytes; longer ones are like nothing. */
static size_t
distance(const char *a, const char *b)
{
	size_t row[32], n = strlen(b);

	if (strlen(a) > 31 || n > 31)
		return 32;
	for (size_t j = 0; j <= n; j++)
		row[j] = j;
	for (size_t i = 1; a[i - 1] != '\0'; i++) {
		size_t diagonal = row[0];

		row[0] = i;
		for (size_t j = 1; j <= n; j++) {
			size_t best = diagonal + (a[i - 1] != b[j - 1]);

			diagonal = row[j];
			if (row[j] + 1 < best)
				best = row[j] + 1;
			if (row[j - 1] + 1 < best)
				best = row[j - 1] + 1;
			row[j] = best;
		}
	}
	return row[n];
}

static const struct verb *
find_verb(const char *name)
{
	for (size_t i = 0; i < VERBS; i++)
		if (strcmp(verbs[i].name, name) == 0)
			return &verbs[i];
	return NULL;
}

static int
unknown_verb(const char *name)
{
	const char *like = NULL;
	size_t best = 3; /* further away is a different word */

	for (size_t i = 0; i < VERBS; i++) {
		bool begins = strlen(name) >= 3 && strncmp(verbs[i].name, name, strlen(name)) == 0;
		size_t d = begins ? 0 : distance(name, verbs[i].name);

		if (d < best) {
			best = d;
			like = verbs[i].name;
		}
	}
	fprintf(stderr, "medicore: there is no verb '%s'", name);
	if (like != NULL)
		fprintf(stderr, "; did you mean '%s'?\n", like);
	else
		fputs("\n  medicore --help lists them\n", stderr);
	return CLI_USAGE;
}

static int
run_verb(const struct verb *v, const char *settings, int argc, char **argv)
{
	struct cli cli = { .verb = v->name, .args = v->args, .settings = settings };
	int status;

	for (int i = 1; i < argc && strcmp(argv[i], "--") != 0; i++)
		if (strcmp(argv[i], "--help") == 0)
			return verb_help(v);
	cli.arena = arena_new();
	status = v->run(&cli, argc, argv);
	arena_free(cli.arena);
	if (fflush(stdout) != 0 || ferror(stdout)) {
		perror("medicore: standard output");
		return CLI_FAILED;
	}
	return status;
}

/* Takes --config FILE or --config=FILE out of argv, wherever it stands before "--"; false where FILE is missing. */
static bool
take_config(int *argc, char **argv, const char **ret_path)
{
	static const char option[] = "--config";
	size_t n = sizeof(option) - 1;
	int kept = 1, i = 1;

	for (; i < *argc && strcmp(argv[i], "--") != 0; i++) {
		if (strncmp(argv[i], option, n) == 0 && argv[i][n] == '=') {
			*ret_path = argv[i] + n + 1;
		} else if (strcmp(argv[i], option) != 0) {
			argv[kept++] = argv[i];
		} else if (++i < *argc) {
			*ret_path = argv[i];
		} else {
			fputs("medicore: --config needs a file\n", stderr);
			return false;
		}
	}
	for (; i < *argc; i++)
		argv[kept++] = argv[i];
	argv[kept] = NULL;
	*argc = kept;
	return true;
}

int
main(int argc, char **argv)
{
	const char *path = NULL, *first;
	const struct verb *v;

	if (!take_config(&argc, argv, &path))
		return CLI_USAGE;
	if (argc < 2) {
		help(stderr);
		return CLI_USAGE;
	}
	first = argv[1];
	if (strcmp(first, "--help") == 0 || strcmp(first, "-h") == 0 || strcmp(first, "help") == 0) {
		v = argc > 2 ? find_verb(argv[2]) : NULL;
		if (v != NULL)
			return verb_help(v);
		help(stdout);
		return CLI_DONE;
	}
	if (strcmp(first, "--version") == 0) {
		puts(PACKAGE_STRING);
		return CLI_DONE;
	}
	v = find_verb(first);
	if (v == NULL && strcmp(first, "--print-config") != 0)
		return unknown_verb(first);
	if ((v == NULL || v->run != verb_config) && !config_load(path))
		return CLI_FAILED;
	if (v != NULL)
		return run_verb(v, path, argc - 1, argv + 1);
	config_print(stdout);
	return CLI_DONE;
}
