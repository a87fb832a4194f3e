/* fee_store.h - which appointments were charged for, for fees.c alone. */
#ifndef BILLING_FEE_STORE_H
#define BILLING_FEE_STORE_H

#include <stdbool.h>

#include "lib/base/ctx.h"

enum rc fee_store_charged(struct ctx *cx, const char *appointment_id, bool *ret_charged);
enum rc fee_store_insert(struct ctx *cx, const char *appointment_id, const char *invoice_id);

#endif
