#include <string.h>

#include "lib/pg/conn.h"

/* Longest name of a column in PostgreSQL, with the NUL. */
#define COLUMN_SIZE 64

static size_t
slot(const struct pg_stmt *stmt)
{
	uintptr_t at = (uintptr_t)stmt;

	return (at >> 5 ^ at >> 11) % BINDING_SLOTS;
}

static int
count_words(const char *s)
{
	int n = 0;

	for (s += strspn(s, " "); *s != '\0'; s += strspn(s, " ")) {
		s += strcspn(s, " ");
		n++;
	}
	return n;
}

static const struct field *
find(const struct field *table, const char *name, size_t length)
{
	for (; table != NULL && table->name != NULL; table++)
		if (strncmp(table->name, name, length) == 0 && table->name[length] == '\0')
			return table;
	return NULL;
}

static enum rc
bind_params(struct ctx *cx, struct binding *b)
{
	const char *s = b->stmt->takes == NULL ? "" : b->stmt->takes;
	int i = 0;

	b->param_count = count_words(s);
	b->params = arena_zalloc_n(b->arena, (size_t)b->param_count, sizeof(*b->params));
	for (s += strspn(s, " "); *s != '\0'; s += strspn(s, " ")) {
		size_t length = strcspn(s, " ");

		b->params[i] = find(b->stmt->in, s, length);
		if (b->params[i++] == NULL)
			return err_detail(cx, RC_INTERNAL, "%s: takes %.*s, which its table doesn't have",
			    b->stmt->name, (int)length, s);
		s += length;
	}
	return RC_OK;
}

enum rc
pg_binding(struct ctx *cx, struct link *link, const struct pg_stmt *stmt, struct binding **ret_binding)
{
	struct binding **head = &link->bindings[slot(stmt)], *b;
	enum rc rc;

	for (b = *head; b != NULL; b = b->next) {
		if (b->stmt == stmt) {
			*ret_binding = b;
			return RC_OK;
		}
	}
	b = arena_zalloc(link->arena, sizeof(*b));
	b->arena = link->arena;
	b->stmt = stmt;
	b->column_count = -1;
	rc = bind_params(cx, b);
	if (rc != RC_OK)
		return rc;
	b->next = *head;
	*head = b;
	*ret_binding = b;
	return RC_OK;
}

static const struct field *
find_column(const struct field *table, const char *column)
{
	char name[COLUMN_SIZE];

	for (; table->name != NULL; table++) {
		field_column(table->name, name, sizeof(name));
		if (strcmp(name, column) == 0)
			return table;
	}
	return NULL;
}

/* Members that no column fills in: a row's struct may hold anything before. */
static void
bind_absent(struct binding *b, int columns)
{
	const struct field *row;
	size_t rows = 0;

	for (row = b->stmt->out; row->name != NULL; row++)
		rows++;
	if (b->absent == NULL)
		b->absent = arena_zalloc_n(b->arena, rows, sizeof(*b->absent));
	b->absent_count = 0;
	for (row = b->stmt->out; row->name != NULL; row++) {
		int i = 0;

		while (i < columns && b->columns[i] != row)
			i++;
		if (i == columns)
			b->absent[b->absent_count++] = row;
	}
}

enum rc
pg_bind_columns(struct ctx *cx, struct binding *b, const PGresult *result)
{
	int count = PQnfields(result);

	if (b->column_count == count)
		return RC_OK;
	if (b->stmt->out == NULL)
		return err_detail(cx, RC_INTERNAL, "%s: has no table for its columns", b->stmt->name);
	/* Prepared anew, this is done again. */
	if (count > b->column_room) {
		b->columns = arena_zalloc_n(b->arena, (size_t)count, sizeof(*b->columns));
		b->column_room = count;
	}
	for (int i = 0; i < count; i++) {
		b->columns[i] = find_column(b->stmt->out, PQfname(result, i));
		if (b->columns[i] == NULL)
			return err_detail(cx, RC_INTERNAL, "%s: no member for column %s", b->stmt->name,
			    PQfname(result, i));
	}
	bind_absent(b, count);
	b->column_count = count;
	return RC_OK;
}
