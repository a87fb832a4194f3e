/*
 * patient.h - patients: the source of truth about who exists.
 *
 * Messages and rules: the contract's "Patients" and its "Better" list.
 */
#ifndef PATIENT_PATIENT_H
#define PATIENT_PATIENT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/base/ctx.h"
#include "lib/field/field.h"
#include "lib/field/page.h"

#define PATIENT_SCHEMA 5 /* newest file of db/patient */

struct patient {
	const char *id;              /* UUID */
	const char *name;            /* 1 to 80 code points, not blank */
	const char *email;           /* unique whatever its case, among those not deleted */
	const char *gender;          /* MALE, FEMALE, OTHER */
	const char *address;         /* 1 to 255 code points, not blank */
	const char *date_of_birth;   /* YYYY-MM-DD, not in the future */
	const char *registered_date; /* YYYY-MM-DD */
	int64_t version;
};

struct patient_filter {
	const char *email; /* whatever its case */
	const char *name;  /* beginning of any word of the name; case and accents ignored */
	const char *date_of_birth;
	struct page page;
};

extern const struct field patient_fields[];
extern const struct field patient_filters[];

/* asked->id NULL: a new one is made.  RC_CONFLICT where the e-mail, or the id, is taken. */
enum rc patient_register(struct ctx *cx, const struct patient *asked, struct patient *ret_saved);

/* For many at once, which come with their ids: what can be said of one without asking the database, and what became of each, as if one had
 * come after the other: RC_OK; RC_DUPLICATE where its id was there already, RC_STALE where it was there with other values: both are left as
 * they are; RC_CONFLICT where its e-mail is another's, which patient_email_taken says in words. */
enum rc patient_check(struct ctx *cx, const struct patient *asked);
enum rc patient_register_all(struct ctx *cx, const struct patient *asked, size_t count, enum rc *ret_each);
enum rc patient_email_taken(struct ctx *cx, const struct patient *asked);

enum rc patient_find(struct ctx *cx, const char *id, struct patient *ret_patient);

/* Members that are NULL stay as they are; id and registered_date may be sent back only as they are.  if_version 0:
 * whatever the version is; else RC_STALE where it is another. */
enum rc patient_change(struct ctx *cx, const char *id, int64_t if_version, const struct patient *changes,
    struct patient *ret_saved);

enum rc patient_remove(struct ctx *cx, const char *id, int64_t if_version);

/* One page in id order, at most filter->page.limit; *ret_more where others follow. */
enum rc patient_list(struct ctx *cx, const struct patient_filter *filter, struct patient **ret_patients,
    size_t *ret_count, bool *ret_more);

/* All that match, in id order, one by one at flat memory; page is ignored. */
enum rc patient_for_each(struct ctx *cx, const struct patient_filter *filter,
    enum rc (*each)(void *closure, const void *patient), void *closure);

/* ids are as they came from outside: one that is no UUID doesn't exist; spaces around it are trimmed. */
enum rc patient_exist(struct ctx *cx, const char *const *ids, size_t count, bool *ret_exist);

/* Whom a document is for: ret_patient has id, name, address and date_of_birth, where *ret_exists.  id as above. */
enum rc patient_look_up(struct ctx *cx, const char *id, struct patient *ret_patient, bool *ret_exists);

#endif
