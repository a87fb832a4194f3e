/* import_patients.c - patients, with the e-mail addresses and registration dates that the files lack. */
#include <config.h> /* tdestroy is GNU's */

#include <errno.h>
#include <search.h>
#include <stdlib.h>
#include <string.h>
#include <utf8proc.h>

#include "cli/import.h"
#include "domain/patient/patient.h"
#include "lib/base/config.h"
#include "lib/base/uuid.h"

/* Of each half of an address before the @, so that with the row's number it stays below the 64 bytes of RFC 5321, 4.5.3.1.1. */
#define EMAIL_PART_MAX 24

static const char *
database(void)
{
	return config->database.patient;
}

static const struct import_column columns[] = {
	{ "Id", "id", false },
	{ "FIRST", NULL, false },
	{ "LAST", NULL, false },
	{ "GENDER", NULL, false },
	{ "BIRTHDATE", "dateOfBirth", false },
	{ "ADDRESS", NULL, false },
	{ "CITY", NULL, true },
	{ "STATE", NULL, true },
	{ "ZIP", NULL, true },
	{ .name = NULL }
};

/* --- what the columns make together --- */

static void
add_part(struct buf *b, const char *between, struct csv_cell part)
{
	if (part.length == 0)
		return;
	if (b->length > 0)
		buf_add_text(b, between);
	buf_add(b, part.text, part.length);
}

/* Letters that have no decomposition in Unicode, as they are usually written without their stroke. */
static char
without_stroke(utf8proc_int32_t c)
{
	static const struct {
		utf8proc_int32_t from;
		char to;
	} letters[] = { { 0xf8, 'o' }, { 0x142, 'l' }, { 0x111, 'd' }, { 0xf0, 'd' }, { 0xfe, 't' }, { 0x131, 'i' },
		{ 0xe6, 'a' }, { 0x153, 'o' }, { 0x127, 'h' } };

	for (size_t i = 0; i < sizeof(letters) / sizeof(*letters); i++)
		if (letters[i].from == c)
			return letters[i].to;
	return '\0';
}

/* name in lower case without accents, and nothing but letters of ASCII and digits: "José-María O'Hara" is "josemariaohara". */
static void
add_folded(struct buf *b, struct csv_cell name)
{
	const utf8proc_option_t how = UTF8PROC_STABLE | UTF8PROC_DECOMPOSE | UTF8PROC_COMPAT | UTF8PROC_STRIPMARK |
	    UTF8PROC_CASEFOLD;
	utf8proc_uint8_t *folded = NULL;
	utf8proc_ssize_t length =
	    utf8proc_map((const utf8proc_uint8_t *)name.text, (utf8proc_ssize_t)name.length, &folded, how);
	utf8proc_ssize_t n;
	size_t kept = 0;

	/* A name that is not UTF-8 is refused as a name; its address doesn't matter. */
	for (utf8proc_ssize_t i = 0; i < length && kept < EMAIL_PART_MAX; i += n) {
		utf8proc_int32_t c;

		n = utf8proc_iterate(folded + i, length - i, &c);
		if (n <= 0)
			break;
		if (c >= 0x80)
			c = without_stroke(c);
		if ((c >= 'a' && c <= 'z') || (c >= '0' && c <= '9')) {
			buf_add_char(b, (char)c);
			kept++;
		}
	}
	free(folded);
}

static void
set_email(struct ctx *cx, const struct import *im, const struct import_row *row, void *into)
{
	struct buf b = { .arena = cx->arena };
	size_t given;

	add_folded(&b, import_cell(im, row, "FIRST"));
	given = b.length;
	if (given > 0)
		buf_add_char(&b, '.');
	add_folded(&b, import_cell(im, row, "LAST"));
	/* A script without letters of ASCII leaves nothing. */
	if (b.length > given + (given > 0))
		buf_add_char(&b, '.');
	buf_addf(&b, "%zu@example.org", row->number);
	import_set(cx, im, "email", &b, into);
}

static void
set_name(struct ctx *cx, const struct import *im, const struct import_row *row, void *into)
{
	struct buf b = { .arena = cx->arena };

	add_part(&b, "", import_cell(im, row, "FIRST"));
	add_part(&b, " ", import_cell(im, row, "LAST"));
	import_set(cx, im, "name", &b, into);
}

/* "560 Ritchie Way Suite 68, Whitman, Massachusetts 02382" */
static void
set_address(struct ctx *cx, const struct import *im, const struct import_row *row, void *into)
{
	struct csv_cell state = import_cell(im, row, "STATE");
	struct buf b = { .arena = cx->arena };

	add_part(&b, "", import_cell(im, row, "ADDRESS"));
	add_part(&b, ", ", import_cell(im, row, "CITY"));
	add_part(&b, ", ", state);
	add_part(&b, state.length > 0 ? " " : ", ", import_cell(im, row, "ZIP"));
	import_set(cx, im, "address", &b, into);
}

static void
set_gender(struct ctx *cx, const struct import *im, const struct import_row *row, void *into)
{
	const char *text = import_cell(im, row, "GENDER").text;
	struct buf b = { .arena = cx->arena };

	buf_add_text(&b, strcmp(text, "M") == 0 ? "MALE" : strcmp(text, "F") == 0 ? "FEMALE" : "OTHER");
	import_set(cx, im, "gender", &b, into);
}

/* --- who came when first --- */

/* A tree of tsearch(3), by patient. */
struct visits {
	void *root;
};

struct visit {
	char patient[UUID_SIZE];
	char first[DATE_SIZE];
};

static const struct import_column visit_columns[] = {
	{ "PATIENT", NULL, false },
	{ "START", NULL, false },
	{ .name = NULL }
};

static const struct import_kind visits_kind = { .name = "visits", .columns = visit_columns };

static int
compare_visits(const void *a, const void *b)
{
	return strcmp(((const struct visit *)a)->patient, ((const struct visit *)b)->patient);
}

static void
keep(void *visit)
{
	(void)visit; /* the arena's */
}

static void
free_visits(void *visits)
{
	tdestroy(((struct visits *)visits)->root, keep);
}

static void
note_visit(struct visits *visits, struct arena *a, const struct visit *v)
{
	struct visit **known = tsearch(v, &visits->root, compare_visits);

	if (known == NULL)
		abort(); /* out of memory, as in arenas */
	if (*known == v)
		*known = arena_copy(a, v, sizeof(*v));
	else if (strcmp(v->first, (*known)->first) < 0)
		memcpy((*known)->first, v->first, sizeof(v->first));
}

/* Lines that make no sense are passed over: importing them as appointments reports them. */
bool
import_visits_read(struct import *im, const char *path)
{
	struct import file = { .cli = im->cli, .kind = &visits_kind, .path = path };
	struct arena *a = im->cli->arena;
	struct visits *visits = arena_zalloc(a, sizeof(*visits));
	struct csv_record record;
	char *bytes;
	size_t length;

	arena_defer(a, free_visits, visits);
	im->visits = visits;
	bytes = cli_read_file(a, path, &length);
	if (bytes == NULL) {
		cli_error(im->cli, NULL, "%s: %s", path, strerror(errno));
		return false;
	}
	csv_init(&file.csv, bytes, length);
	if (!import_read_header(&file))
		return false;
	while (csv_next(&file.csv, a, &record)) {
		struct import_row row = { .cells = record.cells };
		struct csv_cell patient, start;
		char text[INSTANT_SIZE];
		struct instant at;
		struct visit v;

		if (record.wrong != NULL || record.count != file.width)
			continue;
		patient = import_cell(&file, &row, "PATIENT");
		start = import_cell(&file, &row, "START");
		if (!uuid_parse(patient.text, patient.length, v.patient) || !instant_parse(start.text, start.length, &at))
			continue;
		instant_format(at.us, text);
		memcpy(v.first, text, DATE_SIZE - 1);
		v.first[DATE_SIZE - 1] = '\0';
		note_visit(visits, a, &v);
	}
	return true;
}

static void
set_registered(struct ctx *cx, const struct import *im, const struct import_row *row, void *into)
{
	struct csv_cell id = import_cell(im, row, "Id");
	struct buf b = { .arena = cx->arena };
	struct visit asked, **known = NULL;

	if (im->visits != NULL && uuid_parse(id.text, id.length, asked.patient))
		known = tfind(&asked, &im->visits->root, compare_visits);
	buf_add_text(&b, known != NULL ? (*known)->first : im->registered);
	import_set(cx, im, "registeredDate", &b, into);
}

/* --- the kind --- */

static void
map(struct ctx *cx, const struct import *im, const struct import_row *row, void *into)
{
	if (((struct patient *)into)->id == NULL)
		err_field(cx, RC_INVALID, "id", "Id is required");
	set_name(cx, im, row, into);
	set_email(cx, im, row, into);
	set_gender(cx, im, row, into);
	set_address(cx, im, row, into);
	set_registered(cx, im, row, into);
}

/* Those who could be registered by what they say of themselves. */
static size_t
choose(struct ctx *cx, const struct import *im, struct import_row *const *rows, size_t count, struct import_row **chosen)
{
	size_t n = 0;
	enum rc rc;

	for (size_t i = 0; i < count; i++) {
		err_clear(cx);
		rc = patient_check(cx, rows[i]->value);
		if (rc == RC_OK)
			chosen[n++] = rows[i];
		else
			import_refuse(cx, im, rows[i], rc);
	}
	return n;
}

static enum rc
write_patients(struct ctx *cx, const struct import *im, struct import_row *const *rows, size_t count)
{
	struct import_row **chosen = arena_zalloc_n(cx->arena, count, sizeof(struct import_row *));
	struct patient *asked = arena_zalloc_n(cx->arena, count, sizeof(*asked));
	enum rc *each = arena_zalloc_n(cx->arena, count, sizeof(*each)), rc;
	size_t n = choose(cx, im, rows, count, chosen);

	for (size_t i = 0; i < n; i++)
		asked[i] = *(const struct patient *)chosen[i]->value;
	err_clear(cx);
	rc = patient_register_all(cx, asked, n, each);
	for (size_t i = 0; rc == RC_OK && i < n; i++) {
		chosen[i]->already = each[i] == RC_DUPLICATE || each[i] == RC_STALE;
		if (each[i] != RC_CONFLICT)
			continue;
		err_clear(cx);
		import_refuse(cx, im, chosen[i], patient_email_taken(cx, &asked[i]));
	}
	return rc;
}

const struct import_kind import_patients = {
	.name = "patients",
	.database = database,
	.fields = patient_fields,
	.columns = columns,
	.size = sizeof(struct patient),
	.batch = 2000, /* by one statement: a fifth less than 500 cost */
	.map = map,
	.write_all = write_patients,
};
