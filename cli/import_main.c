/* import_main.c - medicore import: what it was asked for, and the ports that it needs. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "cli/import.h"
#include "cli/seed.h"
#include "domain/scheduling/scheduling.h"
#include "grpc/patient_client.h"
#include "lib/base/dates.h"
#include "worker/event_codec.h"

/* Where a file stopped short of its end, as against refused lines. */
#define IMPORT_STOPPED 2

/* The first day of the clinic's records that this was made for. */
#define REGISTERED_DEFAULT "2025-11-01"

static const struct scheduling_ports ports = {
	.patients_exist = patient_client_exist,
	.encode_booked = event_encode_booked,
	.encode_cancelled = event_encode_cancelled,
	.encode_rescheduled = event_encode_rescheduled,
	.encode_checked_in = event_encode_checked_in,
	.encode_completed = event_encode_completed,
	.encode_no_show = event_encode_no_show,
};

static const struct import_kind *
find_kind(const char *name)
{
	static const struct import_kind *const kinds[] = { &import_patients, &import_services, &import_appointments };

	for (size_t i = 0; i < sizeof(kinds) / sizeof(*kinds); i++)
		if (strcmp(kinds[i]->name, name) == 0)
			return kinds[i];
	return NULL;
}

struct options {
	const char *words[2]; /* what, and its file */
	int word_count;
	const char *visits, *registered, *without;
	bool dry_run;
};

static int
read_options(struct cli *cli, int argc, char **argv, struct options *o)
{
	const struct {
		const char *name;
		const char **value;
	} options[] = {
		{ "--visits", &o->visits }, { "--registered", &o->registered }, { "--without", &o->without }
	};
	bool plain = false;

	for (int i = 1; i < argc; i++) {
		const char **value = NULL;

		for (size_t k = 0; k < sizeof(options) / sizeof(*options); k++)
			if (!plain && strcmp(argv[i], options[k].name) == 0)
				value = options[k].value;
		if (value != NULL && i + 1 == argc)
			return cli_usage(cli, "%s needs a value", argv[i]);
		if (value != NULL)
			*value = argv[++i];
		else if (!plain && strcmp(argv[i], "--") == 0)
			plain = true;
		else if (!plain && strcmp(argv[i], "--dry-run") == 0)
			o->dry_run = true;
		else if (!plain && argv[i][0] == '-')
			return cli_usage(cli, "there is no option %s", argv[i]);
		else if (o->word_count == 2)
			return cli_usage(cli, "one file at a time, not also %s", argv[i]);
		else
			o->words[o->word_count++] = argv[i];
	}
	return CLI_DONE;
}

/* What the options mean together; CLI_DONE, or what to exit with. */
static int
check_options(struct cli *cli, const struct options *o, const struct import_kind *kind)
{
	const struct import_column *column;

	if (kind == NULL)
		return cli_usage(cli, "say what to import: patients, services, appointments or seed");
	if (o->word_count < 2)
		return cli_usage(cli, "name the file");
	if (kind != &import_patients && (o->visits != NULL || o->registered != NULL))
		return cli_usage(cli, "--visits and --registered are for patients");
	if (o->registered != NULL && !date_valid(o->registered, strlen(o->registered)))
		return cli_usage(cli, "--registered needs a day, as YYYY-MM-DD");
	if (o->without == NULL)
		return CLI_DONE;
	for (column = kind->columns; column->name != NULL; column++)
		if (column->optional && strcmp(column->name, o->without) == 0)
			return CLI_DONE;
	return cli_usage(cli, "%s can't be left out of %s", o->without, kind->name);
}

static int
run(struct import *im)
{
	struct ctx cx;
	enum rc rc;

	if (!cli_open(im->cli, im->kind->database(), CLI_OPERATOR, &cx))
		return IMPORT_STOPPED;
	if (im->kind == &import_appointments)
		patient_client_start();
	rc = import_run(im, &cx);
	if (im->kind == &import_appointments)
		patient_client_stop();
	cli_close(&cx);
	printf("imported %zu, already there %zu, refused %zu of %zu lines%s\n", im->imported, im->already, im->refused,
	    im->lines, im->dry_run ? " (dry run: nothing was kept)" : "");
	if (rc != RC_OK)
		return IMPORT_STOPPED;
	return im->refused == 0 ? CLI_DONE : CLI_FAILED;
}

int
verb_import(struct cli *cli, int argc, char **argv)
{
	struct options o = { .word_count = 0 };
	struct import im = { .cli = cli, .ports = &ports };
	char *bytes;
	size_t length;
	int status;

	if (argc > 1 && strcmp(argv[1], "seed") == 0)
		return seed_import(cli, argc - 1, argv + 1);
	status = read_options(cli, argc, argv, &o);
	if (status != CLI_DONE)
		return status;
	im.kind = o.word_count == 0 ? NULL : find_kind(o.words[0]);
	status = check_options(cli, &o, im.kind);
	if (status != CLI_DONE)
		return status;
	im.path = o.words[1];
	im.without = o.without;
	im.dry_run = o.dry_run;
	im.registered = o.registered == NULL ? REGISTERED_DEFAULT : o.registered;
	bytes = cli_read_file(cli->arena, im.path, &length);
	if (bytes == NULL) {
		cli_error(cli, NULL, "%s: %s", im.path, strerror(errno));
		return IMPORT_STOPPED;
	}
	csv_init(&im.csv, bytes, length);
	if (!import_read_header(&im) || (o.visits != NULL && !import_visits_read(&im, o.visits)))
		return IMPORT_STOPPED;
	return run(&im);
}
