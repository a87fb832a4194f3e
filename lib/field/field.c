/* field.c - one value against its row. */
#include "lib/field/field.h"

#include <inttypes.h>
#include <string.h>

#include "lib/base/config.h"
#include "lib/base/uuid.h"
#include "lib/field/member.h"

/* Contract: what an amount out of bounds is told, by gRPC as by HTTP. */
#define RANGE_MESSAGE "must be between 0 and 9223372036854775807"

const struct field *
field_find(const struct field *table, const char *name)
{
	for (; table->name != NULL; table++)
		if (strcmp(table->name, name) == 0)
			return table;
	return NULL;
}

static const struct field *
currency_row(const struct field *table, const struct field *row)
{
	return field_find(table, row->currency != NULL ? row->currency : "currency");
}

const char *
member_currency(const struct field *table, const struct field *row, const void *from)
{
	const struct field *named = currency_row(table, row);

	return named != NULL ? *(const char *const *)member_const(named, from) : NULL;
}

enum rc
member_missing(struct ctx *cx, const struct field *row)
{
	if (row->missing != NULL)
		return err_field(cx, RC_INVALID, row->name, "%s", row->missing);
	return err_field(cx, RC_INVALID, row->name, "%s is required", row->name);
}

/* what: "must be …", where the row has no message of its own. */
static enum rc
malformed(struct ctx *cx, const struct field *row, const char *what)
{
	if (row->malformed != NULL)
		return err_field(cx, RC_INVALID, row->name, "%s", row->malformed);
	return err_field(cx, RC_INVALID, row->name, "%s %s", row->name, what);
}

static enum rc
unless(struct ctx *cx, const struct field *row, bool good, const char *what)
{
	return good ? RC_OK : malformed(cx, row, what);
}

static enum rc
too_long(struct ctx *cx, const struct field *row, enum field_use use)
{
	const char *message = row->too_long;

	if (use == UPDATE && row->too_long_update != NULL)
		message = row->too_long_update;
	if (message != NULL)
		return err_field(cx, RC_INVALID, row->name, "%s", message);
	return err_field(
	    cx, RC_INVALID, row->name, "%s must have at most %u characters", row->name, member_max(row));
}

static const char *
choices(struct ctx *cx, const struct field *row)
{
	struct buf b = { .arena = cx->arena };

	buf_add_text(&b, "must be one of ");
	for (const char *const *choice = row->choices; *choice != NULL; choice++) {
		if (choice != row->choices)
			buf_add_text(&b, ", ");
		buf_add_text(&b, *choice);
	}
	return b.bytes;
}

static bool
chosen(const struct field *row, const char *text)
{
	for (const char *const *choice = row->choices; *choice != NULL; choice++)
		if (strcmp(*choice, text) == 0)
			return true;
	return false;
}

/* In place. */
static bool
currency_capitals(char *text)
{
	for (char *s = text; *s != '\0'; s++)
		if (*s >= 'a' && *s <= 'z')
			*s = (char)(*s - 'a' + 'A');
	return currency_decimals(text) >= 0;
}

/* text is the arena's own copy, put into its canonical form here. */
static enum rc
text_check(struct ctx *cx, const struct field *row, enum field_use use, char *text, size_t length)
{
	if ((row->type == F_TEXT || row->type == F_EMAIL || row->type == F_CODE) &&
	    utf8_length(text) > member_max(row))
		return too_long(cx, row, use);
	switch (row->type) {
	case F_EMAIL:
		return unless(cx, row, email_valid(text), "must be an e-mail address");
	case F_UUID:
		return unless(cx, row, uuid_parse(text, length, text), "must be a UUID");
	case F_DATE:
		return unless(cx, row, date_valid(text, length), "must be a date that exists, as YYYY-MM-DD");
	case F_ENUM:
		return chosen(row, text) ? RC_OK : malformed(cx, row, choices(cx, row));
	case F_CODE:
		return unless(cx, row, code_valid(text), "may have letters, digits, '.', '_' and '-' only");
	case F_CURRENCY:
		return unless(cx, row, currency_capitals(text), "must be an ISO 4217 currency, like USD");
	case F_ZONE:
		return unless(cx, row, zone_valid(text), "must be an IANA time zone, like Europe/Berlin");
	default:
		return RC_OK;
	}
}

enum rc
number_set(struct ctx *cx, const struct field *row, int64_t n, void *into)
{
	int64_t most = row->max != 0 ? (int64_t)row->max : WHOLE_MAX;
	int64_t least = row->type == F_COUNT ? 1 : -WHOLE_MAX;

	if (n < least || n > most)
		return err_field(cx, RC_INVALID, row->name, "%s must be between %" PRId64 " and %" PRId64,
		    row->name, least, most);
	*(int64_t *)member(row, into) = n;
	return RC_OK;
}

static enum rc
rate_set(struct ctx *cx, const struct field *row, const char *text, size_t length, void *into)
{
	switch (rate_parse(text, length, member(row, into))) {
	case MONEY_OK:
		return RC_OK;
	case MONEY_MALFORMED:
		return malformed(cx, row, "must be a percentage with at most 4 decimals, like 8.25");
	default:
		return malformed(cx, row, "must be between 0 and 100");
	}
}

static enum rc
other_set(struct ctx *cx, const struct field *row, const char *text, size_t length, void *into)
{
	bool *truth = member(row, into);
	int64_t n;

	switch (row->type) {
	case F_INSTANT:
		if (instant_parse(text, length, member(row, into)))
			return RC_OK;
		return malformed(cx, row, "must be a time with its offset, like 2026-11-01T09:30:00Z");
	case F_COUNT:
	case F_INT:
		if (number_parse(text, length, &n))
			return number_set(cx, row, n, into);
		return malformed(cx, row, "must be a whole number");
	case F_BOOL:
		*truth = strcmp(text, "true") == 0;
		if (*truth || strcmp(text, "false") == 0)
			return RC_OK;
		return malformed(cx, row, "must be true or false");
	case F_SWITCH:
		*(enum field_switch *)member(row, into) = strcmp(text, "true") == 0 ? SWITCH_ON : SWITCH_OFF;
		return unless(cx, row, strcmp(text, "true") == 0 || strcmp(text, "false") == 0, "must be true or false");
	case F_RATE:
		return rate_set(cx, row, text, length, into);
	default:
		/* F_LIST, F_BYTES: a table that says so is wrong. */
		return malformed(cx, row, "can't be set");
	}
}

/* Until field_finish the member holds the text: what it means depends on a currency that may come later. */
static void
money_keep(const struct field *row, const char *text, void *into)
{
	*(struct money *)member(row, into) =
	    (struct money){ .minor = (int64_t)(intptr_t)text, .known = true };
}

enum rc
field_set(
    struct ctx *cx, const struct field *row, enum field_use use, const char *text, size_t length, void *into)
{
	char *copy;
	enum rc rc;

	if (!utf8_valid(text, length))
		return err_field(cx, RC_INVALID, row->name, "%s must be UTF-8 without NUL", row->name);
	copy = arena_strndup(cx->arena, text, length);
	if (((row->use & REQUIRED) != 0 || use == FILTER) && text_blank(copy))
		return member_missing(cx, row);
	if (row->type == F_MONEY) {
		money_keep(row, copy, into);
		return RC_OK;
	}
	if (!member_is_text(row))
		return other_set(cx, row, copy, length, into);
	rc = text_check(cx, row, use, copy, length);
	if (rc == RC_OK)
		*(const char **)member(row, into) = copy;
	return rc;
}

bool
member_blamed(const struct ctx *cx, const struct field *row)
{
	for (const struct err_field *f = cx->err.fields; f != NULL; f = f->next)
		if (strcmp(f->name, row->name) == 0)
			return true;
	return false;
}

static enum rc
money_finish(struct ctx *cx, const struct field *table, const struct field *row, void *into)
{
	const struct field *named = currency_row(table, row);
	struct money *money = member(row, into);
	const char *text = (const char *)(intptr_t)money->minor;
	const char *currency = member_currency(table, row, into);

	*money = (struct money){ 0 };
	if (named != NULL && member_blamed(cx, named))
		return RC_INVALID; /* nobody can say what is wrong with an amount of no currency */
	if (currency == NULL) {
		currency = config->billing.currency;
		if (named != NULL)
			*(const char **)member(named, into) = currency;
	}
	switch (money_parse(text, strlen(text), currency, &money->minor)) {
	case MONEY_OK:
		money->known = true;
		return RC_OK;
	case MONEY_NEGATIVE:
	case MONEY_RANGE:
		return err_field(cx, RC_INVALID, row->name, RANGE_MESSAGE);
	default:
		return malformed(cx, row,
		    arena_printf(cx->arena, "must be an amount with at most %d decimals",
			currency_decimals(currency)));
	}
}

bool
member_absent(const struct field *row, const void *from)
{
	const void *at = member_const(row, from);

	switch (row->type) {
	case F_INSTANT:
		return !((const struct instant *)at)->known;
	case F_MONEY:
		return !((const struct money *)at)->known;
	case F_COUNT:
		return *(const int64_t *)at == 0;
	case F_SWITCH:
		return *(const enum field_switch *)at == SWITCH_ABSENT;
	case F_RATE:
		return *(const int64_t *)at < 0;
	case F_INT:
	case F_BOOL:
	case F_LIST:
	case F_GROUP:
	case F_BYTES:
		return false;
	default:
		return *(const char *const *)at == NULL;
	}
}

/* What a REQUIRED member may not be. */
static bool
wanting(const struct field *row, const void *from)
{
	return member_absent(row, from) ||
	       (row->type == F_LIST && ((const struct field_list *)member_const(row, from))->count == 0);
}

enum rc
field_finish(struct ctx *cx, const struct field *table, enum field_use use, void *into)
{
	bool whole = use == CREATE || use == KEYS;

	for (const struct field *row = table; row->name != NULL; row++) {
		if ((row->use & use) == 0)
			continue;
		if (whole && (row->use & REQUIRED) != 0 && wanting(row, into))
			member_missing(cx, row);
		else if (row->type == F_MONEY && !member_absent(row, into))
			money_finish(cx, table, row, into);
	}
	return cx->err.fields == NULL ? RC_OK : RC_INVALID;
}
