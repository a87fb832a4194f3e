/* patient.c - rules about patients (contract, "Patients" and its "Better" list). */
#include "domain/patient/patient.h"

#include <stdlib.h>
#include <string.h>

#include "domain/patient/patient_store.h"
#include "lib/base/dates.h"
#include "lib/base/uuid.h"
#include "lib/pg/pg.h"

static enum rc
not_found(struct ctx *cx, const char *id)
{
	return err_set(cx, RC_NOT_FOUND, "Patient with the id %s doesn't exist", id);
}

static enum rc
stale(struct ctx *cx)
{
	return err_set(cx, RC_STALE, "The patient was changed meanwhile");
}

static enum rc
check_birth(struct ctx *cx, const char *date_of_birth)
{
	char today[DATE_SIZE];

	date_today(today);
	if (date_of_birth != NULL && strcmp(date_of_birth, today) > 0)
		return err_field(cx, RC_INVALID, "dateOfBirth", "Date Of Birth must not be in the future");
	return RC_OK;
}

enum rc
patient_register(struct ctx *cx, const struct patient *asked, struct patient *ret_saved)
{
	struct patient p = *asked;
	char id[UUID_SIZE];
	enum rc rc;

	rc = check_birth(cx, p.date_of_birth);
	if (rc != RC_OK)
		return rc;
	if (p.id == NULL) {
		uuid_new(id);
		p.id = id;
	}
	return patient_store_insert(cx, &p, ret_saved);
}

enum rc
patient_check(struct ctx *cx, const struct patient *asked)
{
	return check_birth(cx, asked->date_of_birth);
}

enum rc
patient_email_taken(struct ctx *cx, const struct patient *asked)
{
	return err_field(cx, RC_CONFLICT, "email", "A patient with this email: %s already exists", asked->email);
}

/* By id, and then as they came. */
static int
compare_asked(const void *a, const void *b)
{
	const struct patient *x = *(const struct patient *const *)a, *y = *(const struct patient *const *)b;
	int order = strcmp(x->id, y->id);

	return order != 0 ? order : (x > y) - (x < y);
}

/* How many, from the first on, have each an id of their own. */
static size_t
count_distinct(struct ctx *cx, const struct patient *asked, size_t count)
{
	const struct patient **sorted = arena_zalloc_n(cx->arena, count, sizeof(*sorted));
	size_t distinct = count;

	for (size_t i = 0; i < count; i++)
		sorted[i] = &asked[i];
	qsort(sorted, count, sizeof(*sorted), compare_asked);
	for (size_t i = 1; i < count; i++)
		if (strcmp(sorted[i - 1]->id, sorted[i]->id) == 0 && (size_t)(sorted[i] - asked) < distinct)
			distinct = (size_t)(sorted[i] - asked);
	return distinct;
}

/* One statement can't say which of two with the same id it took: the second goes into the next. */
enum rc
patient_register_all(struct ctx *cx, const struct patient *asked, size_t count, enum rc *ret_each)
{
	enum rc rc = RC_OK;

	for (size_t done = 0, n; rc == RC_OK && done < count; done += n) {
		n = count_distinct(cx, asked + done, count - done);
		rc = patient_store_insert_all(cx, asked + done, n, ret_each + done);
	}
	return rc;
}

enum rc
patient_find(struct ctx *cx, const char *id, struct patient *ret_patient)
{
	enum rc rc = patient_store_find(cx, id, ret_patient);

	return rc == RC_NOT_FOUND ? not_found(cx, id) : rc;
}

/* What can be said of a change without asking the database. */
static enum rc
check_change(struct ctx *cx, const char *id, const struct patient *c)
{
	enum rc rc = check_birth(cx, c->date_of_birth);

	if (c->id != NULL && strcmp(c->id, id) != 0)
		rc = err_field(cx, RC_INVALID, "id", "The id can't be changed");
	if (c->name == NULL && c->email == NULL && c->gender == NULL && c->address == NULL &&
	    c->date_of_birth == NULL)
		rc = err_field(
		    cx, RC_INVALID, "patientUpdateDTO", "You must provide at least one field to update");
	return rc;
}

/* Why the update met no row.  The registration date and the id never change, and a version never comes back, so
 * asking afterwards gives the reason that held then. */
static enum rc
explain(struct ctx *cx, const char *id, const struct patient *changes)
{
	struct patient stored;
	enum rc rc = patient_find(cx, id, &stored);

	if (rc != RC_OK)
		return rc;
	if (changes != NULL && changes->registered_date != NULL &&
	    strcmp(changes->registered_date, stored.registered_date) != 0)
		return err_field(cx, RC_INVALID, "registeredDate", "The registration date can't be changed");
	return stale(cx);
}

enum rc
patient_change(struct ctx *cx, const char *id, int64_t if_version, const struct patient *changes,
    struct patient *ret_saved)
{
	struct patient p = *changes;
	enum rc rc;

	rc = check_change(cx, id, changes);
	if (rc != RC_OK)
		return rc;
	p.id = id;
	p.version = if_version;
	rc = patient_store_update(cx, &p, ret_saved);
	return rc == RC_NOT_FOUND ? explain(cx, id, changes) : rc;
}

enum rc
patient_remove(struct ctx *cx, const char *id, int64_t if_version)
{
	enum rc rc = patient_store_delete(cx, id, if_version);

	return rc == RC_NOT_FOUND ? explain(cx, id, NULL) : rc;
}

/* Spaces around a name that is searched for mean nothing; inside they part words. */
static struct patient_filter
trimmed(struct ctx *cx, const struct patient_filter *filter)
{
	struct patient_filter f = *filter;
	size_t length;

	if (f.name == NULL)
		return f;
	f.name += strspn(f.name, " ");
	length = strlen(f.name);
	while (length > 0 && f.name[length - 1] == ' ')
		length--;
	f.name = length == 0 ? NULL : arena_strndup(cx->arena, f.name, length);
	return f;
}

enum rc
patient_list(struct ctx *cx, const struct patient_filter *filter, struct patient **ret_patients,
    size_t *ret_count, bool *ret_more)
{
	struct patient_filter f = trimmed(cx, filter);
	const char *after = f.page.after;
	char id[UUID_SIZE];
	size_t count;
	enum rc rc;

	if (after != NULL && !uuid_parse(after, strlen(after), id))
		return err_field(cx, RC_INVALID, "cursor", "No cursor of this list");
	/* One more than asked for tells whether others follow. */
	rc = patient_store_list(cx, &f, after == NULL ? NULL : id, f.page.limit + 1, ret_patients, &count);
	if (rc != RC_OK)
		return rc;
	*ret_more = count > (size_t)f.page.limit;
	*ret_count = *ret_more ? (size_t)f.page.limit : count;
	return RC_OK;
}

enum rc
patient_for_each(struct ctx *cx, const struct patient_filter *filter,
    enum rc (*each)(void *closure, const void *patient), void *closure)
{
	struct patient_filter f = trimmed(cx, filter);

	return patient_store_for_each(cx, &f, each, closure);
}

static int
compare_id(const void *text, const void *patient)
{
	return strcmp(text, ((const struct patient *)patient)->id);
}

/* Up to so many, rows of those that exist are quicker than a mark for each. */
#define FEW ((size_t)16)

static enum rc
few_exist(struct ctx *cx, struct pg_array *asked, char (*parsed)[UUID_SIZE], size_t count, bool *ret_exist)
{
	struct patient *found;
	size_t found_count;
	enum rc rc = patient_store_existing(cx, pg_array_end(asked), &found, &found_count);

	if (rc != RC_OK)
		return rc;
	for (size_t i = 0; i < count; i++)
		ret_exist[i] = found_count > 0 && parsed[i][0] != '\0' &&
			       bsearch(parsed[i], found, found_count, sizeof(*found), compare_id) != NULL;
	return RC_OK;
}

static enum rc
many_exist(struct ctx *cx, struct pg_array *asked, char (*parsed)[UUID_SIZE], size_t count, bool *ret_exist)
{
	const char *marks;
	enum rc rc = patient_store_marks(cx, pg_array_end(asked), asked->count, &marks);

	if (rc != RC_OK)
		return rc;
	for (size_t i = 0; i < count; i++)
		ret_exist[i] = parsed[i][0] != '\0' && *marks++ == 'y';
	return RC_OK;
}

enum rc
patient_exist(struct ctx *cx, const char *const *ids, size_t count, bool *ret_exist)
{
	struct pg_array asked = PG_ARRAY(cx->arena);
	char(*parsed)[UUID_SIZE] = arena_zalloc_n(cx->arena, count, UUID_SIZE);

	for (size_t i = 0; i < count; i++)
		if (uuid_parse_padded(ids[i], parsed[i]))
			pg_array_add(&asked, parsed[i]);
	if (asked.count > FEW)
		return many_exist(cx, &asked, parsed, count, ret_exist);
	if (asked.count > 0)
		return few_exist(cx, &asked, parsed, count, ret_exist);
	memset(ret_exist, 0, count * sizeof(*ret_exist));
	return RC_OK;
}

enum rc
patient_look_up(struct ctx *cx, const char *id, struct patient *ret_patient, bool *ret_exists)
{
	char parsed[UUID_SIZE];
	enum rc rc = RC_NOT_FOUND;

	if (uuid_parse_padded(id, parsed))
		rc = patient_store_look_up(cx, parsed, ret_patient);
	*ret_exists = rc == RC_OK;
	return rc == RC_NOT_FOUND ? RC_OK : rc;
}
