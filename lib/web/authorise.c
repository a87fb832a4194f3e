#include "lib/web/authorise.h"

#include <arpa/inet.h>
#include <string.h>

const char *const role_names[] = { "ADMIN", "STAFF", "DOCTOR", "BILLING", "AUDITOR", "ANYONE", NULL };

void
take_address(struct ctx *cx, const struct request *rq)
{
	const char *address = request_header(rq, "REMOTE_ADDR");
	unsigned char bytes[sizeof(struct in6_addr)];

	if (address != NULL &&
	    (inet_pton(AF_INET, address, bytes) == 1 || inet_pton(AF_INET6, address, bytes) == 1))
		cx->address = arena_strdup(cx->arena, address);
}

/* 0 for a name that is none of ours; nobody has the role ANYONE. */
static unsigned
role_bit(const char *name)
{
	for (size_t i = 0; role_names[i] != NULL; i++)
		if (strcmp(role_names[i], name) == 0)
			return 1u << i & ~(unsigned)ROLE_ANYONE;
	return 0;
}

enum rc
authorise(struct ctx *cx, struct request *rq)
{
	const char *token = request_bearer(rq);
	enum rc rc;

	if ((rq->route->roles & ROLE_ANYONE) != 0)
		return RC_OK;
	if (token == NULL)
		return err_set(cx, RC_UNAUTHENTICATED, "Missing or invalid Authorization header");
	rc = rq->program->authenticate(cx, token);
	rq->token_refused = rc == RC_UNAUTHENTICATED;
	if (rc == RC_UNAUTHENTICATED)
		return err_set(cx, rc, "Invalid or expired token");
	if (rc == RC_OK && (rq->route->roles & role_bit(cx->role)) == 0)
		return err_set(cx, RC_FORBIDDEN, "The role %s may not do this", cx->role);
	return rc;
}
