/* seed.c - reading the databases of the system replaced, batch by batch, reporting and counting. */
#include "cli/seed.h"

#include <stdio.h>
#include <string.h>

#include "cli/seed_store.h"
#include "domain/patient/patient.h"
#include "lib/base/uuid.h"

/* Where it stopped short of the end, as against refused rows. */
#define SEED_STOPPED 2

/* One at a time in each database: two would take what the other one does for a refusal. */
#define SEED_LOCK INT64_C(0x6d65646973656564) /* "mediseed" */

/* --- one row --- */

static void
refuse(struct ctx *cx, struct seed_item *item, enum rc rc)
{
	struct buf b = { .arena = cx->arena };
	char column[64];

	item->rc = rc;
	for (const struct err_field *f = cx->err.fields; f != NULL; f = f->next) {
		field_column(f->name, column, sizeof(column));
		buf_addf(&b, "%s%s: %s", f == cx->err.fields ? "" : "; ", column, f->message);
	}
	item->reason = b.bytes == NULL ? err_message(cx, rc) : b.bytes;
}

/* "120.50" as numeric(38,2) has it is 120.5, and "120.00" is 120: a currency without decimals takes that too. */
static size_t
significant(const char *amount)
{
	size_t length = strlen(amount);

	if (strchr(amount, '.') == NULL)
		return length;
	while (amount[length - 1] == '0')
		length--;
	return amount[length - 1] == '.' ? length - 1 : length;
}

static void
map(struct ctx *cx, const struct seed_part *part, const struct seed_row *row, struct seed_item *item)
{
	*item = (struct seed_item){ .id = row->id, .value = arena_zalloc(cx->arena, part->size) };
	err_clear(cx);
	for (size_t i = 0; part->members[i] != NULL; i++) {
		const struct field *field = field_find(part->fields, part->members[i]);
		const char *text = row->cells[i];

		if (text != NULL)
			(void)field_set(cx, field, CREATE, text,
			    field->type == F_MONEY ? significant(text) : strlen(text), item->value);
	}
	(void)field_finish(cx, part->fields, CREATE, item->value);
	part->check(cx, item);
	if (cx->err.fields != NULL)
		refuse(cx, item, RC_INVALID);
}

/* --- batches --- */

static void
show_progress(const struct seed *seed, const struct seed_part *part)
{
	if (!cli_on_terminal())
		return;
	fprintf(stderr, "\r%s: %zu rows", part->name, seed->rows);
	fflush(stderr);
}

static void
count(struct seed *seed, const struct seed_part *part, const struct seed_item *items, size_t n)
{
	cli_hide_progress();
	for (size_t i = 0; i < n; i++) {
		seed->rows++;
		if (items[i].rc == RC_DUPLICATE) {
			seed->already++;
		} else if (items[i].rc == RC_STALE) {
			seed->already++;
			seed->noted++;
			fprintf(stderr, "%s %s: is here with other values, and is left as it is\n", part->table, items[i].id);
		} else if (items[i].rc != RC_OK) {
			seed->refused++;
			fprintf(stderr, "%s %s: %s\n", part->table, items[i].id, items[i].reason);
		} else {
			seed->imported++;
			if (items[i].note == NULL)
				continue;
			seed->noted++;
			fprintf(stderr, "%s %s: is in, but look: %s\n", part->table, items[i].id, items[i].note);
		}
	}
	show_progress(seed, part);
}

static enum rc
take_batch(struct ctx *cx, struct seed *seed, const struct seed_part *part, const struct seed_row *rows, size_t n)
{
	struct seed_item *items = arena_zalloc_n(cx->arena, n, sizeof(*items));
	struct seed_item **good = arena_zalloc_n(cx->arena, n, sizeof(*good));
	size_t good_count = 0;
	enum rc rc;

	for (size_t i = 0; i < n; i++) {
		map(cx, part, &rows[i], &items[i]);
		if (items[i].rc == RC_OK)
			good[good_count++] = &items[i];
	}
	err_clear(cx);
	rc = pg_begin(cx);
	if (rc != RC_OK)
		return rc;
	if (good_count > 0)
		rc = part->take(cx, seed, good, good_count);
	rc = pg_end(cx, rc);
	if (rc == RC_OK)
		count(seed, part, items, n);
	return rc;
}

static enum rc
take_all(struct seed *seed, size_t which, struct pg *there, struct arena *a)
{
	const struct seed_part *part = seed_parts[which];
	char after[UUID_SIZE] = "";
	struct seed_row *rows;
	struct ctx from, to;
	size_t n;
	enum rc rc;

	do {
		arena_reset(a);
		ctx_init(&from, a, there);
		ctx_init(&to, a, seed->here[which].pg);
		to.account = "operator";
		rc = seed_store_next(&from, part, *after == '\0' ? NULL : after, &rows, &n);
		if (rc != RC_OK) {
			cli_hide_progress();
			cli_failed(seed->cli, &from, rc, "can't read table %s of %s", part->table, part->option);
			return rc;
		}
		if (n > 0)
			rc = take_batch(&to, seed, part, rows, n);
		if (rc != RC_OK) {
			cli_hide_progress();
			cli_failed(seed->cli, &to, rc, "%s %s to %s: none of them is in", part->table, rows[0].id, rows[n - 1].id);
			return rc;
		}
		if (n > 0)
			snprintf(after, sizeof(after), "%s", rows[n - 1].id);
	} while (n == part->batch);
	return RC_OK;
}

/* --- one part --- */

static void
tell(const struct seed *seed, const struct seed_part *part)
{
	cli_hide_progress();
	printf("%s: imported %zu, already there %zu, refused %zu of %zu rows", part->name, seed->imported, seed->already,
	    seed->refused, seed->rows);
	if (seed->noted > 0)
		printf("; to be looked at %zu", seed->noted);
	printf("%s\n", seed->dry_run ? " (dry run: nothing was kept)" : "");
	fflush(stdout);
}

static bool
take_part(struct seed *seed, size_t which)
{
	const struct seed_part *part = seed_parts[which];
	struct arena *a = arena_new();
	struct ctx from;
	enum rc rc;

	seed->rows = seed->imported = seed->already = seed->refused = seed->noted = 0;
	ctx_init(&from, seed->cli->arena, pg_open_foreign(seed->uris[which]));
	rc = pg_connect(&from);
	if (rc != RC_OK) {
		cli_error(seed->cli, "a URI, service=NAME, or what else libpq takes; passwords may stand in ~/.pgpass",
		    "can't open the database of %s: %s", part->option, from.err.detail);
	} else {
		rc = pg_begin(&from);
		if (rc == RC_OK)
			rc = take_all(seed, which, from.pg, a);
		(void)pg_end(&from, rc);
		tell(seed, part);
	}
	pg_close(from.pg);
	arena_free(a);
	return rc == RC_OK;
}

/* --- here --- */

static bool
open_here(struct seed *seed, size_t which)
{
	struct ctx *cx = &seed->here[which];
	struct cli_domain domains[CLI_DOMAINS];
	const char *database;
	enum rc rc;

	cli_domains(domains);
	database = domains[seed_parts[which]->domain].database;
	if (!cli_open(seed->cli, database, CLI_OPERATOR, cx))
		return false;
	rc = pg_try_lock(cx, SEED_LOCK);
	if (rc == RC_OK && seed->dry_run)
		rc = pg_begin(cx);
	if (rc == RC_CONFLICT)
		cli_error(seed->cli, "wait for its end", "another import seed is under way in database %s", database);
	else if (rc != RC_OK)
		cli_failed(seed->cli, cx, rc, "database %s", database);
	return rc == RC_OK;
}

/* Invoices need to know who is here. */
static bool
needed(const struct seed *seed, size_t which)
{
	return seed->uris[which] != NULL || (which == SEED_PATIENTS && seed->uris[SEED_INVOICES] != NULL);
}

static void
close_here(struct seed *seed)
{
	for (size_t i = 0; i < SEED_PARTS; i++) {
		if (seed->here[i].pg == NULL)
			continue;
		if (seed->dry_run)
			pg_reset(seed->here[i].pg);
		cli_close(&seed->here[i]);
	}
}

/* --- what it was asked for --- */

static int
read_options(struct seed *seed, int argc, char **argv)
{
	for (int i = 1; i < argc; i++) {
		const char **value = strcmp(argv[i], "--booked") == 0 ? &seed->booked : NULL;

		for (size_t k = 0; k < SEED_PARTS; k++)
			if (strcmp(argv[i], seed_parts[k]->option) == 0)
				value = &seed->uris[k];
		if (strcmp(argv[i], "--dry-run") == 0)
			seed->dry_run = true;
		else if (value == NULL)
			return cli_usage(seed->cli, argv[i][0] == '-' ? "there is no option %s" : "what is %s?", argv[i]);
		else if (i + 1 == argc)
			return cli_usage(seed->cli, "%s needs a value", argv[i]);
		else
			*value = argv[++i];
	}
	return CLI_DONE;
}

static int
check_options(const struct seed *seed)
{
	char today[DATE_SIZE];

	if (seed->uris[SEED_PATIENTS] == NULL && seed->uris[SEED_INVOICES] == NULL && seed->uris[SEED_ACCOUNTS] == NULL)
		return cli_usage(seed->cli, "name a database to read: --patients, --billing, --auth");
	if (seed->booked == NULL)
		return CLI_DONE;
	date_today(today);
	if (seed->uris[SEED_INVOICES] == NULL)
		return cli_usage(seed->cli, "--booked is for invoices: --billing");
	if (!date_valid(seed->booked, strlen(seed->booked)) || strcmp(seed->booked, today) > 0)
		return cli_usage(seed->cli, "--booked needs a day that has come, as YYYY-MM-DD");
	return CLI_DONE;
}

int
seed_import(struct cli *cli, int argc, char **argv)
{
	struct seed seed = { .cli = cli };
	int status = read_options(&seed, argc, argv);
	bool done = true, refused = false;

	if (status == CLI_DONE)
		status = check_options(&seed);
	if (status != CLI_DONE)
		return status;
	for (size_t i = 0; done && i < SEED_PARTS; i++)
		if (needed(&seed, i))
			done = open_here(&seed, i);
	for (size_t i = 0; done && i < SEED_PARTS; i++) {
		if (seed.uris[i] == NULL)
			continue;
		done = take_part(&seed, i);
		refused = refused || seed.refused > 0;
	}
	close_here(&seed);
	if (!done)
		return SEED_STOPPED;
	return refused ? CLI_FAILED : CLI_DONE;
}
