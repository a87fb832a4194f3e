#include "domain/auth/attempt.h"

#include <arpa/inet.h>
#include <string.h>

#include "domain/auth/password.h"
#include "lib/base/config.h"

#define LOOPBACK_NET "::" /* that ::1 is in, as origin has it */

/* Where it comes from, as failures are counted: of IPv6 the network, since a customer has 2^64 addresses in one; "" unknown. */
static const char *
origin(struct ctx *cx)
{
	static const unsigned char mapped[12] = { [10] = 0xff, [11] = 0xff };
	char text[INET6_ADDRSTRLEN];
	unsigned char bytes[16];

	if (inet_pton(AF_INET, cx->address, bytes) == 1)
		return cx->address;
	if (inet_pton(AF_INET6, cx->address, bytes) != 1)
		return "";
	if (memcmp(bytes, mapped, sizeof(mapped)) == 0) {
		inet_ntop(AF_INET, bytes + sizeof(mapped), text, sizeof(text));
	} else {
		memset(bytes + 8, 0, 8);
		inet_ntop(AF_INET6, bytes, text, sizeof(text));
	}
	return arena_strdup(cx->arena, text);
}

/* Whoever is on this machine, a proxy of all clients perhaps, is no crowd to be held together. */
static bool
loopback(const char *address)
{
	return strncmp(address, "127.", 4) == 0 || strcmp(address, LOOPBACK_NET) == 0;
}

static struct attempt
attempt_at(struct ctx *cx, const char *email)
{
	const char *address = origin(cx);

	return (struct attempt){
		.email = email,
		.address = address,
		.crowd = loopback(address) ? "" : address,
		.limit = config->auth.login_failures,
	};
}

static enum rc
throttled(struct ctx *cx, int64_t wait_s)
{
	cx->err.retry_after_s = wait_s > 0 ? wait_s : 1;
	return err_set(cx, RC_THROTTLED, "Too many failed logins");
}

static enum rc
check_wait(struct ctx *cx, const struct attempt *a)
{
	int64_t wait_s = 0;
	enum rc rc = RC_OK;

	if (a->limit > 0)
		rc = attempt_store_wait(cx, a, &wait_s);
	return rc == RC_OK && wait_s > 0 ? throttled(cx, wait_s) : rc;
}

/* Of tries that were under way at once only as many as the limit allows hear whether they were wrong. */
static enum rc
note_failure(struct ctx *cx, const struct attempt *a)
{
	bool held = false;
	enum rc rc = RC_OK;

	if (a->limit > 0)
		rc = attempt_store_failed(cx, a, &held);
	if (rc == RC_OK && held)
		rc = check_wait(cx, a);
	return rc == RC_OK && held ? throttled(cx, 1) : rc;
}

/* A failure to hash it anew keeps nobody out. */
static void
rehash(struct ctx *cx, const struct credential *c, const char *password)
{
	const char *hash;

	if (password_hash(cx, password, &hash) != RC_OK || account_store_rehash(cx, c, hash) != RC_OK)
		err_clear(cx);
}

enum rc
attempt_prove(struct ctx *cx, const struct account *whom, const char *password, bool *ret_good,
    struct credential *ret_credential)
{
	struct credential c = { .email = whom->email };
	struct attempt a;
	bool outdated;
	enum rc rc;

	rc = account_store_credential(cx, whom, &c);
	if (rc == RC_NOT_FOUND && whom->email != NULL) {
		err_clear(cx);
		rc = RC_OK;
	}
	if (rc != RC_OK)
		return rc;
	a = attempt_at(cx, c.email);
	rc = check_wait(cx, &a);
	/* Who is disabled is nobody, also in how long that takes. */
	if (rc == RC_OK)
		rc = password_verify(cx, c.enabled == SWITCH_ON ? c.password : NULL, (int)c.dearest_bcrypt, password,
		    ret_good, &outdated);
	if (rc != RC_OK)
		return rc;
	if (!*ret_good)
		return note_failure(cx, &a);
	if (outdated)
		rehash(cx, &c, password);
	*ret_credential = c;
	return RC_OK;
}

enum rc
attempt_settle(struct ctx *cx, const struct credential *by)
{
	struct attempt a = attempt_at(cx, by->email);
	enum rc rc = check_wait(cx, &a);

	return rc == RC_OK ? attempt_store_succeeded(cx, &a) : rc;
}
