/* service.c - the price list: rules. */
#include <assert.h>
#include <string.h>

#include "domain/billing/service_store.h"

/* A code that comes from a path or a file. */
static enum rc
check_code(struct ctx *cx, const char *code)
{
	struct service named = { 0 };

	return field_set(cx, field_find(service_fields, "code"), CREATE, code, strlen(code), &named);
}

/* A booking's invoice is one of it, with tax: that has to be an amount. */
static enum rc
check_price(struct ctx *cx, const struct service *s)
{
	int64_t tax, amount;

	if (money_rate(s->price.minor, s->tax_rate, &tax) && money_add(s->price.minor, tax, &amount))
		return RC_OK;
	return err_field(cx, RC_INVALID, "price", "The price with tax is more than can be counted");
}

/* What there is already, where writing asked changed nothing. */
static enum rc
unchanged(struct ctx *cx, const char *code, struct service *ret_saved)
{
	enum rc rc = service_store_find(cx, code, ret_saved);

	/* Services are never deleted, so it can't have gone since. */
	return rc == RC_NOT_FOUND ? err_detail(cx, RC_INTERNAL, "a service vanished") : rc;
}

enum rc
service_put(struct ctx *cx, const char *code, int64_t if_version, const struct service *asked,
    struct service *ret_saved, bool *ret_created)
{
	struct service s = *asked;
	enum rc rc;

	assert(s.description != NULL && s.price.known && s.currency != NULL);
	if (s.tax_rate < 0)
		s.tax_rate = 0;
	rc = check_code(cx, code);
	if (rc == RC_OK && s.code != NULL && strcmp(s.code, code) != 0)
		rc = err_field(cx, RC_INVALID, "code", "The code can't be changed");
	if (rc == RC_OK)
		rc = check_price(cx, &s);
	if (rc != RC_OK)
		return rc;
	s.code = code;
	s.version = if_version;
	if (if_version == 0)
		rc = service_store_put(cx, &s, ret_saved);
	else
		rc = service_store_replace(cx, &s, ret_saved);
	if (rc == RC_OK) {
		*ret_created = if_version == 0 && ret_saved->version == 1;
		return RC_OK;
	}
	if (rc != RC_NOT_FOUND)
		return rc;
	if (if_version != 0)
		return err_set(cx, RC_STALE, "The service was changed meanwhile");
	*ret_created = false;
	return unchanged(cx, code, ret_saved);
}

enum rc
service_find(struct ctx *cx, const char *code, struct service *ret_service)
{
	enum rc rc = check_code(cx, code);

	if (rc == RC_OK)
		rc = service_store_find(cx, code, ret_service);
	return rc == RC_NOT_FOUND ? err_set(cx, rc, "Service with the code %s doesn't exist", code) : rc;
}

enum rc
service_list(
    struct ctx *cx, const struct page *page, struct service **ret_services, size_t *ret_count, bool *ret_more)
{
	const char *after = page->after == NULL ? "" : page->after;
	size_t count;
	enum rc rc;

	if (!utf8_valid(after, strlen(after)))
		return err_field(cx, RC_INVALID, "cursor", "No cursor of this list");
	/* One more than asked for tells whether others follow. */
	rc = service_store_list(cx, after, page->limit + 1, ret_services, &count);
	if (rc != RC_OK)
		return rc;
	*ret_more = count > (size_t)page->limit;
	*ret_count = *ret_more ? (size_t)page->limit : count;
	return RC_OK;
}
