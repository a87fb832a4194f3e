/* service_store.h - the price list's SQL, for service.c alone. */
#ifndef BILLING_SERVICE_STORE_H
#define BILLING_SERVICE_STORE_H

#include "domain/billing/billing.h"

/* Inserts s, or gives the one with its code s's members; RC_NOT_FOUND, without blame, where it has them
 * already. */
enum rc service_store_put(struct ctx *cx, const struct service *s, struct service *ret_saved);

/* Only the version that s->version names; RC_NOT_FOUND, without blame, where that is not there. */
enum rc service_store_replace(struct ctx *cx, const struct service *s, struct service *ret_saved);

enum rc service_store_find(struct ctx *cx, const char *code, struct service *ret_service);

/* Those of the codes that there are, in no order. */
enum rc service_store_find_all(
    struct ctx *cx, const char *const *codes, size_t count, struct service **ret_services, size_t *ret_count);

/* Those behind after, which is "" for the first ones. */
enum rc service_store_list(
    struct ctx *cx, const char *after, int64_t limit, struct service **ret_services, size_t *ret_count);

#endif
