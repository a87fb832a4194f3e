/* audit_store.h - trails in PostgreSQL: the tables audit and audit_spool, the same in every domain's database. */
#ifndef AUDIT_AUDIT_STORE_H
#define AUDIT_AUDIT_STORE_H

#include "lib/audit/audit.h"
#include "lib/audit/chain.h"
#include "lib/field/field.h"
#include "lib/field/page.h"

/* --- read by people --- */

struct audit_filter {
	const char *account, *patient_id;
	struct instant from, to; /* [from, to) */
	struct page page;
};

extern const struct field audit_fields[];  /* of struct audit_entry, in replies */
extern const struct field audit_filters[]; /* of struct audit_filter */

/* The newest first.  *ret_more: there are older ones; page.after is the seq of the last one seen. */
enum rc audit_list(struct ctx *cx, const struct audit_filter *filter, struct audit_entry **ret_entries,
    size_t *ret_count, bool *ret_more);

/* --- written by the relay, checked by the operator --- */

struct audit_row {
	struct audit_entry entry;
	struct field_bytes mac;
};

/* How far a file of the spool is stored. */
struct audit_position {
	const char *file;
	int64_t position;
};

/* Entries that follow each other in seq, with their MACs.  RC_DUPLICATE: somebody else has written there. */
enum rc audit_store_insert(struct ctx *cx, const struct audit_entry *entries,
    const unsigned char (*macs)[AUDIT_MAC_SIZE], size_t count);

enum rc audit_store_last(struct ctx *cx, int64_t *ret_seq); /* highest seq; 0: there is none */

/* At most max rows behind seq, in order. */
enum rc audit_store_after(
    struct ctx *cx, int64_t seq, int64_t max, struct audit_row **ret_rows, size_t *ret_count);

enum rc audit_store_for_each(struct ctx *cx, enum rc (*each)(void *closure, const void *row), void *closure);

enum rc audit_store_positions(struct ctx *cx, struct audit_position **ret_positions, size_t *ret_count);
enum rc audit_store_move(struct ctx *cx, const struct audit_position *positions, size_t count);
enum rc audit_store_forget(struct ctx *cx, const char *file);

#endif
