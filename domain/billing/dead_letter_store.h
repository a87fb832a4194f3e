/* dead_letter_store.h - what events.c does with a dead letter that was tried again; the rest is in
 * billing.h. */
#ifndef BILLING_DEAD_LETTER_STORE_H
#define BILLING_DEAD_LETTER_STORE_H

#include "domain/billing/billing.h"

/* It failed once more, for this reason. */
enum rc dead_letter_store_again(struct ctx *cx, int64_t id, const char *reason);

/* RC_NOT_FOUND, without blame, where there is none. */
enum rc dead_letter_store_drop(struct ctx *cx, int64_t id);

#endif
