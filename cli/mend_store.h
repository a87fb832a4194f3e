/* mend_store.h - what mend.c asks the databases, page by page at flat memory. */
#ifndef CLI_MEND_STORE_H
#define CLI_MEND_STORE_H

#include <stddef.h>
#include <stdint.h>

#include "lib/base/ctx.h"

struct mend_patient {
	const char *id;
	int64_t count; /* of what is theirs */
};

/* At most max patients behind after (NULL: from the first) who have invoices in billing, or appointments in scheduling. */
enum rc mend_store_with_invoices(struct ctx *billing, const char *after, int64_t max, struct mend_patient **ret_patients, size_t *ret_count);
enum rc mend_store_with_appointments(
    struct ctx *scheduling, const char *after, int64_t max, struct mend_patient **ret_patients, size_t *ret_count);

/* Those of ids (an array literal) that the patients' database never had: whoever was deleted there is a tombstone. */
enum rc mend_store_unknown(struct ctx *patient, const char *ids, struct mend_patient **ret_patients, size_t *ret_count);

#endif
