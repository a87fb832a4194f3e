/* patient_store.h - the patient's SQL, for patient.c alone. */
#ifndef PATIENT_PATIENT_STORE_H
#define PATIENT_PATIENT_STORE_H

#include "domain/patient/patient.h"

/* p is complete but for its version.  RC_CONFLICT where its e-mail or its id is taken. */
enum rc patient_store_insert(struct ctx *cx, const struct patient *p, struct patient *ret_saved);

/* RC_OK, RC_DUPLICATE (the id), RC_STALE (the id, with other values), RC_CONFLICT (the e-mail) for each. */
enum rc patient_store_insert_all(struct ctx *cx, const struct patient *all, size_t count, enum rc *ret_each);

enum rc patient_store_find(struct ctx *cx, const char *id, struct patient *ret_patient);

/* p->id says whom, p->version which version (0: any); a NULL member stays.  RC_NOT_FOUND, without blame, where no
 * patient has that id, that version, and, where p->registered_date is given, that date. */
enum rc patient_store_update(struct ctx *cx, const struct patient *p, struct patient *ret_saved);

/* Leaves the tombstone; RC_NOT_FOUND as above. */
enum rc patient_store_delete(struct ctx *cx, const char *id, int64_t if_version);

/* filter->name is trimmed; after is a UUID or NULL. */
enum rc patient_store_list(struct ctx *cx, const struct patient_filter *filter, const char *after,
    int64_t limit, struct patient **ret_patients, size_t *ret_count);
enum rc patient_store_for_each(struct ctx *cx, const struct patient_filter *filter,
    enum rc (*each)(void *closure, const void *patient), void *closure);

/* ids is an array literal of UUIDs.  Those that exist, in order of their text. */
enum rc patient_store_existing(
    struct ctx *cx, const char *ids, struct patient **ret_patients, size_t *ret_count);

/* The same of each of the count ids in their order, which is quicker for many: 'y' where it exists, else 'n'. */
enum rc patient_store_marks(struct ctx *cx, const char *ids, size_t count, const char **ret_marks);

/* id, name, address and date of birth alone, which is all that those who ask by gRPC may read. */
enum rc patient_store_look_up(struct ctx *cx, const char *id, struct patient *ret_patient);

#endif
