/* seed_store.h - the tables of the system replaced. */
#ifndef CLI_SEED_STORE_H
#define CLI_SEED_STORE_H

#include "cli/seed.h"
#include "lib/pg/pg.h"

extern const struct pg_stmt seed_store_patients, seed_store_invoices, seed_store_users;

/* The first rows, as many as its batch has, after the id `after` (NULL: from the start), in order of id. */
enum rc seed_store_next(
    struct ctx *cx, const struct seed_part *part, const char *after, struct seed_row **ret_rows, size_t *ret_count);

#endif
