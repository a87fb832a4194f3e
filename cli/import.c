/* import.c - reading, batching, reporting and counting, whatever is imported. */
#include "cli/import.h"

#include <stdio.h>
#include <string.h>

#include "lib/pg/pg.h"

#define BAR_WIDTH 40

/* --- columns --- */

static bool
same(struct csv_cell cell, const char *text)
{
	return cell.length == strlen(text) && memcmp(cell.text, text, cell.length) == 0;
}

static bool
find_column(struct import *im, const struct csv_record *header, size_t i)
{
	const struct import_column *column = &im->kind->columns[i];
	bool without = im->without != NULL && strcmp(im->without, column->name) == 0;

	im->at[i] = -1;
	for (size_t k = 0; k < header->count; k++) {
		if (!same(header->cells[k], column->name))
			continue;
		if (im->at[i] >= 0) {
			cli_error(im->cli, NULL, "%s:%zu: column %s is there twice", im->path, header->line, column->name);
			return false;
		}
		im->at[i] = (int)k;
	}
	if (im->at[i] < 0 && !column->optional) {
		cli_error(im->cli, "the first line names the columns", "%s:%zu: column %s is missing", im->path, header->line,
		    column->name);
		return false;
	}
	if (without)
		im->at[i] = -1;
	return true;
}

bool
import_read_header(struct import *im)
{
	struct csv_record header;

	if (!csv_next(&im->csv, im->cli->arena, &header)) {
		cli_error(im->cli, NULL, "%s: nothing in it", im->path);
		return false;
	}
	if (header.wrong != NULL) {
		cli_error(im->cli, NULL, "%s:%zu: %s", im->path, header.line, header.wrong);
		return false;
	}
	im->width = header.count;
	for (size_t i = 0; im->kind->columns[i].name != NULL; i++)
		if (!find_column(im, &header, i))
			return false;
	return true;
}

struct csv_cell
import_cell(const struct import *im, const struct import_row *row, const char *column)
{
	const struct import_column *columns = im->kind->columns;

	for (size_t i = 0; columns[i].name != NULL; i++)
		if (strcmp(columns[i].name, column) == 0 && im->at[i] >= 0)
			return row->cells[im->at[i]];
	return (struct csv_cell){ .text = "", .length = 0 };
}

/* --- one row --- */

void
import_set(struct ctx *cx, const struct import *im, const char *member, const struct buf *text, void *into)
{
	const struct field *fields = im->kind->fields;

	field_set(cx, field_find(fields, member), CREATE, text->bytes == NULL ? "" : text->bytes, text->length, into);
}

/* The column that a member comes from, or its own name where several make it. */
static const char *
column_of(const struct import *im, const char *member)
{
	for (const struct import_column *c = im->kind->columns; c->name != NULL; c++)
		if (c->member != NULL && strcmp(c->member, member) == 0)
			return c->name;
	return member;
}

void
import_refuse(struct ctx *cx, const struct import *im, struct import_row *row, enum rc rc)
{
	struct buf b = { .arena = cx->arena };

	row->rc = rc;
	if (cx->err.message != NULL || cx->err.fields == NULL)
		buf_add_text(&b, err_message(cx, rc));
	else
		for (const struct err_field *f = cx->err.fields; f != NULL; f = f->next)
			buf_addf(&b, "%s%s: %s", f == cx->err.fields ? "" : "; ", column_of(im, f->name), f->message);
	row->reason = b.bytes;
}

void
import_map(struct ctx *cx, const struct import *im, const struct csv_record *record, struct import_row *row)
{
	const struct import_column *columns = im->kind->columns;
	enum rc rc = RC_OK;

	err_clear(cx);
	row->cells = record->cells;
	row->value = arena_zalloc(cx->arena, im->kind->size);
	if (record->wrong != NULL)
		rc = err_set(cx, RC_INVALID, "%s", record->wrong);
	else if (record->count != im->width)
		rc = err_set(cx, RC_INVALID, "%zu columns, where the first line has %zu", record->count, im->width);
	for (size_t i = 0; rc == RC_OK && columns[i].name != NULL; i++) {
		struct csv_cell cell = { .length = 0 };

		if (im->at[i] >= 0 && columns[i].member != NULL)
			cell = record->cells[im->at[i]];
		if (cell.length > 0)
			field_set(cx, field_find(im->kind->fields, columns[i].member), CREATE, cell.text,
			    cell.length, row->value);
	}
	if (rc == RC_OK && im->kind->map != NULL)
		im->kind->map(cx, im, row, row->value);
	if (rc == RC_OK)
		rc = field_finish(cx, im->kind->fields, CREATE, row->value);
	if (rc != RC_OK)
		import_refuse(cx, im, row, rc);
}

bool
import_id_taken(const struct ctx *cx, enum rc rc)
{
	return rc == RC_CONFLICT && cx->err.fields != NULL && strcmp(cx->err.fields->name, "id") == 0;
}

/* --- batches --- */

static void
show_progress(const struct import *im)
{
	size_t done = im->csv.length == 0 ? BAR_WIDTH : im->csv.at * BAR_WIDTH / im->csv.length;
	char bar[BAR_WIDTH + 1];

	if (!cli_on_terminal())
		return;
	memset(bar, ' ', BAR_WIDTH);
	memset(bar, '#', done);
	bar[BAR_WIDTH] = '\0';
	fprintf(stderr, "\r%s [%s] %3zu%% %zu lines", im->kind->name, bar, done * 100 / BAR_WIDTH, im->lines);
	fflush(stderr);
}

static void
count(struct import *im, const struct import_row *rows, size_t n)
{
	cli_hide_progress();
	for (size_t i = 0; i < n; i++) {
		im->lines++;
		if (rows[i].rc != RC_OK) {
			im->refused++;
			fprintf(stderr, "%s:%zu: %s\n", im->path, rows[i].line, rows[i].reason);
		} else if (rows[i].already) {
			im->already++;
		} else {
			im->imported++;
		}
	}
	show_progress(im);
}

/* Not the line's fault: the next one would fare no better. */
static bool
hopeless(enum rc rc)
{
	return rc_meaning(rc)->http >= 500;
}

static enum rc
write_one_by_one(struct ctx *cx, const struct import *im, struct import_row *const *rows, size_t n)
{
	enum rc rc = RC_OK;

	for (size_t i = 0; i < n && rc == RC_OK; i++) {
		err_clear(cx);
		rc = im->kind->write(cx, im, rows[i]->value, &rows[i]->already);
		if (rc == RC_OK || hopeless(rc))
			continue;
		import_refuse(cx, im, rows[i], rc);
		rc = RC_OK;
	}
	return rc;
}

static enum rc
write_rows(struct ctx *cx, const struct import *im, struct import_row *const *rows, size_t n)
{
	enum rc rc = pg_begin(cx);

	if (rc != RC_OK)
		return rc;
	rc = im->kind->write_all != NULL ? im->kind->write_all(cx, im, rows, n) : write_one_by_one(cx, im, rows, n);
	return pg_end(cx, rc);
}

static enum rc
take_batch(struct ctx *cx, struct import *im, struct import_row *rows, size_t n)
{
	struct import_row **good = arena_zalloc_n(cx->arena, n, sizeof(struct import_row *));
	size_t good_count = 0;
	enum rc rc = RC_OK;

	for (size_t i = 0; i < n; i++)
		if (rows[i].rc == RC_OK)
			good[good_count++] = &rows[i];
	err_clear(cx);
	if (good_count > 0 && im->kind->prepare != NULL)
		rc = im->kind->prepare(cx, im, good, good_count);
	if (good_count > 0 && rc == RC_OK)
		rc = write_rows(cx, im, good, good_count);
	if (rc == RC_OK) {
		count(im, rows, n);
		return RC_OK;
	}
	cli_hide_progress();
	cli_failed(im->cli, cx, rc, "%s: lines %zu to %zu", im->path, rows[0].line, rows[n - 1].line);
	return rc;
}

static enum rc
take_all(struct import *im, struct pg *pg, struct arena *a)
{
	size_t n, number = 0;
	enum rc rc = RC_OK;

	do {
		struct import_row *rows;
		struct csv_record record;
		struct ctx cx;

		arena_reset(a);
		ctx_init(&cx, a, pg);
		cx.account = "operator";
		rows = arena_zalloc_n(a, im->kind->batch, sizeof(*rows));
		for (n = 0; n < im->kind->batch && csv_next(&im->csv, a, &record); n++) {
			rows[n] = (struct import_row){ .line = record.line, .number = ++number };
			import_map(&cx, im, &record, &rows[n]);
		}
		if (n > 0)
			rc = take_batch(&cx, im, rows, n);
	} while (rc == RC_OK && n == im->kind->batch);
	return rc;
}

/* A dry run is one transaction around all the batches', so that lines collide as they would, and ends in a rollback. */
enum rc
import_run(struct import *im, struct ctx *cx)
{
	struct arena *a = arena_new();
	enum rc rc = RC_OK;

	show_progress(im);
	if (im->dry_run)
		rc = pg_begin(cx);
	if (rc == RC_OK)
		rc = take_all(im, cx->pg, a);
	if (im->dry_run)
		(void)pg_end(cx, RC_CANCELLED);
	cli_hide_progress();
	arena_free(a);
	return rc;
}
