/* patient_store.c - patients in PostgreSQL.  Whoever has deleted_at is a tombstone, which no query here finds. */
#include "domain/patient/patient_store.h"

#include <string.h>

#include "lib/pg/pg.h"

#define COLUMNS "id, name, email, gender, address, date_of_birth, registered_date, version"

static const struct pg_stmt insert_patient = {
	.name = "insert_patient",
	.kind = PG_WRITE,
	.sql = "insert into patient (id, name, email, gender, address, date_of_birth, registered_date)"
	       " values ($1::uuid, $2, $3, $4, $5, $6::date, $7::date) returning " COLUMNS,
	.takes = "id name email gender address dateOfBirth registeredDate",
	.in = patient_fields,
	.out = patient_fields,
};

static const struct pg_stmt find_patient = {
	.name = "find_patient",
	.kind = PG_LOOKUP,
	.sql = "select " COLUMNS " from patient where id = $1::uuid and deleted_at is null",
	.takes = "id",
	.in = patient_fields,
	.out = patient_fields,
};

/* One round trip also when nothing changes: then the version stays. */
#define CHANGED \
	"((coalesce($3, name), coalesce($4, email), coalesce($5, gender), coalesce($6, address)," \
	" coalesce($7::date, date_of_birth))" \
	" is distinct from (name, email, gender, address, date_of_birth))"

static const struct pg_stmt update_patient = {
	.name = "update_patient",
	.kind = PG_WRITE,
	.sql = "update patient set"
	       " name = coalesce($3, name), email = coalesce($4, email), gender = coalesce($5, gender),"
	       " address = coalesce($6, address), date_of_birth = coalesce($7::date, date_of_birth),"
	       " version = version + " CHANGED "::int,"
	       " updated_at = case when " CHANGED " then now() else updated_at end"
	       " where id = $1::uuid and deleted_at is null and version = coalesce($2::bigint, version)"
	       " and registered_date = coalesce($8::date, registered_date) returning " COLUMNS,
	.takes = "id version name email gender address dateOfBirth registeredDate",
	.in = patient_fields,
	.out = patient_fields,
};

static const struct pg_stmt delete_patient = {
	.name = "delete_patient",
	.kind = PG_WRITE,
	.sql = "update patient set deleted_at = now(), updated_at = now(), version = version + 1"
	       " where id = $1::uuid and deleted_at is null and version = coalesce($2::bigint, version)",
	.takes = "id version",
	.in = patient_fields,
};

/* One text, in or out. */
static const struct field text_fields[] = {
	{ .name = "ids", .type = F_TEXT, .at = 0 },
	{ .name = "marks", .type = F_TEXT, .at = 0 },
	FIELD_END,
};

/* Scalar subqueries ask the primary key for each: before the table was analyzed, and whenever a plan was made for values, `id = any` went through all of another
 * index instead. */
static const struct pg_stmt existing_patients = {
	.name = "existing_patients",
	.kind = PG_READ,
	.sql = "select distinct a.id from unnest($1::uuid[]) as a (id)"
	       " where (select true from patient p where p.id = a.id and p.deleted_at is null) order by a.id",
	.takes = "ids",
	.in = text_fields,
	.out = patient_fields,
};

/* One short row, rather than one for each id, which would take most of the time. */
static const struct pg_stmt mark_patients = {
	.name = "mark_patients",
	.kind = PG_READ,
	.sql = "select string_agg(case when exists (select from patient p where p.id = a.id and deleted_at is null) then 'y' else 'n' end,"
	       " '' order by n) as marks from unnest($1::uuid[]) with ordinality a (id, n)",
	.takes = "ids",
	.in = text_fields,
	.out = text_fields,
};

static const struct pg_stmt look_up_patient = {
	.name = "look_up_patient",
	.kind = PG_LOOKUP,
	.sql = "select id, name, address, date_of_birth from patient where id = $1::uuid and deleted_at is null",
	.takes = "id",
	.in = patient_fields,
	.out = patient_fields,
};

/* --- lists: a statement for each index that can answer --- */

struct list_args {
	const char *after;
	int64_t limit; /* 0: all */
	const char *date_of_birth;
	const char *name;
	const char *email;
};

static const struct field list_args_fields[] = {
	{ .name = "after", .type = F_UUID, .at = offsetof(struct list_args, after) },
	{ .name = "limit", .type = F_COUNT, .at = offsetof(struct list_args, limit) },
	{ .name = "dateOfBirth", .type = F_DATE, .at = offsetof(struct list_args, date_of_birth) },
	{ .name = "name", .type = F_TEXT, .at = offsetof(struct list_args, name) },
	{ .name = "email", .type = F_EMAIL, .at = offsetof(struct list_args, email) },
	FIELD_END,
};

#define LIST "select " COLUMNS " from patient where deleted_at is null"

/* From the start where $1 is null, the nil UUID included. */
#define AFTER \
	" and id >= coalesce($1::uuid, '00000000-0000-0000-0000-000000000000')" \
	" and id is distinct from $1::uuid order by id"
#define LIMIT " limit $2::bigint"
#define PAGE AFTER LIMIT

/* search_name has a space before each word.  Escaped after folding, since that can make a % of a full-width one. */
#define NAME_LIKE \
	"search_name like '% '" \
	" || replace(replace(replace(fold($4), '\\', '\\\\'), '%', '\\%'), '_', '\\_') || '%'"

static const struct pg_stmt list_patients = {
	.name = "list_patients",
	.kind = PG_LOOKUP,
	.sql = "select * from (" LIST AFTER PAGE_BOUND ") page order by id" LIMIT,
	.takes = "after limit",
	.in = list_args_fields,
	.out = patient_fields,
};

static const struct pg_stmt all_patients = {
	.name = "all_patients",
	.kind = PG_READ,
	.sql = LIST " order by id",
	.out = patient_fields,
};

static const struct pg_stmt list_patients_by_birth = {
	.name = "list_patients_by_birth",
	.kind = PG_READ,
	.sql = LIST " and date_of_birth = $3::date" PAGE,
	.takes = "after limit dateOfBirth",
	.in = list_args_fields,
	.out = patient_fields,
};

static const struct pg_stmt list_patients_by_name = {
	.name = "list_patients_by_name",
	.kind = PG_READ,
	.sql = LIST " and ($3::date is null or date_of_birth = $3::date) and " NAME_LIKE PAGE,
	.takes = "after limit dateOfBirth name",
	.in = list_args_fields,
	.out = patient_fields,
};

/* Materialized: a server that has no statistics yet (after an import) would else walk all patients in order of id. */
static const struct pg_stmt list_patients_by_email = {
	.name = "list_patients_by_email",
	.kind = PG_READ,
	.sql = "with owner as materialized (select * from patient where lower(email) = lower($5) and deleted_at is null)"
	       " select " COLUMNS " from owner where ($3::date is null or date_of_birth = $3::date)"
	       " and ($4::text is null or " NAME_LIKE ")" PAGE,
	.takes = "after limit dateOfBirth name email",
	.in = list_args_fields,
	.out = patient_fields,
};

static const struct pg_stmt *
list_stmt(const struct patient_filter *filter)
{
	if (filter->email != NULL)
		return &list_patients_by_email;
	if (filter->name != NULL)
		return &list_patients_by_name;
	if (filter->date_of_birth != NULL)
		return &list_patients_by_birth;
	return &list_patients;
}

static struct list_args
list_args(const struct patient_filter *filter, const char *after, int64_t limit)
{
	return (struct list_args){
		.after = after,
		.limit = limit,
		.date_of_birth = filter->date_of_birth,
		.name = filter->name,
		.email = filter->email,
	};
}

enum rc
patient_store_list(struct ctx *cx, const struct patient_filter *filter, const char *after, int64_t limit,
    struct patient **ret_patients, size_t *ret_count)
{
	struct list_args args = list_args(filter, after, limit);

	return pg_fetch_all(cx, list_stmt(filter), &args, sizeof(**ret_patients), ret_patients, ret_count);
}

enum rc
patient_store_for_each(struct ctx *cx, const struct patient_filter *filter,
    enum rc (*each)(void *closure, const void *patient), void *closure)
{
	struct list_args args = list_args(filter, NULL, 0);
	const struct pg_stmt *stmt = list_stmt(filter);

	return pg_for_each(cx, stmt == &list_patients ? &all_patients : stmt, &args, sizeof(struct patient), each, closure);
}

/* --- one patient --- */

/* The unique index decides who owns an e-mail address: asking first would race. */
static enum rc
conflict(struct ctx *cx, const struct patient *p)
{
	const char *index = cx->err.constraint;

	if (index != NULL && strcmp(index, "patient_pkey") == 0)
		return err_field(cx, RC_CONFLICT, "id", "A patient with this id: %s already exists", p->id);
	return patient_email_taken(cx, p);
}

enum rc
patient_store_insert(struct ctx *cx, const struct patient *p, struct patient *ret_saved)
{
	enum rc rc = pg_try_one(cx, &insert_patient, p, ret_saved);

	return rc == RC_DUPLICATE ? conflict(cx, p) : rc;
}

/* --- many at once --- */

struct columns {
	const char *ids, *names, *emails, *genders, *addresses, *births, *registrations;
};

#define COLUMN_AT(member) offsetof(struct columns, member)

static const struct field columns_fields[] = {
	{ .name = "ids", .type = F_TEXT, .at = COLUMN_AT(ids) },
	{ .name = "names", .type = F_TEXT, .at = COLUMN_AT(names) },
	{ .name = "emails", .type = F_TEXT, .at = COLUMN_AT(emails) },
	{ .name = "genders", .type = F_TEXT, .at = COLUMN_AT(genders) },
	{ .name = "addresses", .type = F_TEXT, .at = COLUMN_AT(addresses) },
	{ .name = "births", .type = F_TEXT, .at = COLUMN_AT(births) },
	{ .name = "registrations", .type = F_TEXT, .at = COLUMN_AT(registrations) },
	FIELD_END,
};

#define ASKED \
	"unnest($1::uuid[], $2::text[], $3::text[], $4::text[], $5::text[], $6::date[], $7::date[])" \
	" with ordinality as a (id, name, email, gender, address, date_of_birth, registered_date, n)"
#define INSERT_FROM(asked) \
	"insert into patient (id, name, email, gender, address, date_of_birth, registered_date)" \
	" select id, name, email, gender, address, date_of_birth, registered_date from " asked " order by n"

static const struct pg_stmt insert_new_patients = {
	.name = "insert_new_patients",
	.kind = PG_WRITE,
	.sql = INSERT_FROM(ASKED),
	.takes = "ids names emails genders addresses births registrations",
	.in = columns_fields,
};

static const struct pg_stmt insert_patients = {
	.name = "insert_patients",
	.kind = PG_WRITE,
	.sql = "with asked as (select * from " ASKED "), new as (" INSERT_FROM("asked") " on conflict do nothing returning id)"
	       " select new.id is not null as is_new, p.id is not null as there,"
	       " (p.name, p.email, p.gender, p.address, p.date_of_birth, p.registered_date)"
	       " is not distinct from (a.name, a.email, a.gender, a.address, a.date_of_birth, a.registered_date) as same"
	       " from asked a left join new on new.id = a.id left join patient p on p.id = a.id order by n",
	.takes = "ids names emails genders addresses births registrations",
	.in = columns_fields,
	.out = pg_each_fields,
};

/* Nearly always nobody of them is there; to look for each before costs a third more. */
static enum rc
insert_all(struct ctx *cx, const struct columns *columns, size_t count, enum rc *ret_each)
{
	enum rc rc = pg_begin(cx);

	if (rc == RC_OK)
		rc = pg_end(cx, pg_execute(cx, &insert_new_patients, columns, NULL));
	if (rc == RC_DUPLICATE) {
		err_clear(cx);
		return pg_insert_each(cx, &insert_patients, columns, count, ret_each);
	}
	for (size_t i = 0; rc == RC_OK && i < count; i++)
		ret_each[i] = RC_OK;
	return rc;
}

enum rc
patient_store_insert_all(struct ctx *cx, const struct patient *all, size_t count, enum rc *ret_each)
{
	struct pg_array c[7];

	for (size_t k = 0; k < 7; k++)
		c[k] = (struct pg_array)PG_ARRAY(cx->arena);
	for (size_t i = 0; i < count; i++) {
		pg_array_add(&c[0], all[i].id);
		pg_array_add(&c[1], all[i].name);
		pg_array_add(&c[2], all[i].email);
		pg_array_add(&c[3], all[i].gender);
		pg_array_add(&c[4], all[i].address);
		pg_array_add(&c[5], all[i].date_of_birth);
		pg_array_add(&c[6], all[i].registered_date);
	}
	return insert_all(cx,
	    &(struct columns){ pg_array_end(&c[0]), pg_array_end(&c[1]), pg_array_end(&c[2]), pg_array_end(&c[3]),
		pg_array_end(&c[4]), pg_array_end(&c[5]), pg_array_end(&c[6]) },
	    count, ret_each);
}

/* --- the rest of its life --- */

enum rc
patient_store_find(struct ctx *cx, const char *id, struct patient *ret_patient)
{
	return pg_fetch_one(cx, &find_patient, &(struct patient){ .id = id }, ret_patient);
}

enum rc
patient_store_update(struct ctx *cx, const struct patient *p, struct patient *ret_saved)
{
	enum rc rc = pg_fetch_one(cx, &update_patient, p, ret_saved);

	return rc == RC_DUPLICATE ? conflict(cx, p) : rc;
}

enum rc
patient_store_delete(struct ctx *cx, const char *id, int64_t if_version)
{
	struct patient whom = { .id = id, .version = if_version };
	int64_t affected;
	enum rc rc = pg_execute(cx, &delete_patient, &whom, &affected);

	return rc == RC_OK && affected == 0 ? RC_NOT_FOUND : rc;
}

enum rc
patient_store_existing(struct ctx *cx, const char *ids, struct patient **ret_patients, size_t *ret_count)
{
	return pg_fetch_all(cx, &existing_patients, &ids, sizeof(**ret_patients), ret_patients, ret_count);
}

enum rc
patient_store_marks(struct ctx *cx, const char *ids, size_t count, const char **ret_marks)
{
	enum rc rc = pg_fetch_one(cx, &mark_patients, &ids, ret_marks);

	if (rc == RC_OK && strlen(*ret_marks) != count)
		rc = err_detail(cx, RC_INTERNAL, "mark_patients: not a mark for each id");
	return rc;
}

enum rc
patient_store_look_up(struct ctx *cx, const char *id, struct patient *ret_patient)
{
	return pg_fetch_one(cx, &look_up_patient, &(struct patient){ .id = id }, ret_patient);
}
