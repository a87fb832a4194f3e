#include "tests/system/auth_fixture.h"

#include <inttypes.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "domain/auth/password.h"
#include "lib/base/uuid.h"
#include "lib/pg/pg.h"
#include "tests/system/pgtest.h"

#define THREADS_MAX 16

struct ctx rest, operator, relay, super;

/* --- tokens: their claims, in clear --- */

static enum rc
sign(struct ctx *cx, bool refresh, const struct claims *claims, const char **ret_token)
{
	char id[UUID_SIZE];

	uuid_new(id);
	*ret_token = arena_printf(cx->arena, "%c %s %s %s %" PRId64 " %s", refresh ? 'r' : 'a', claims->account,
	    claims->session, claims->role == NULL ? "-" : claims->role, claims->expires_s, id);
	return RC_OK;
}

static enum rc
verify(struct ctx *cx, bool refresh, const char *token, struct claims *ret_claims)
{
	char account[64], session[64], role[16];
	int64_t expires_s;
	char use;

	if (sscanf(token, "%c %63s %63s %15s %" SCNd64, &use, account, session, role, &expires_s) != 5 ||
	    use != (refresh ? 'r' : 'a'))
		return RC_UNAUTHENTICATED;
	*ret_claims = (struct claims){ .account = arena_strdup(cx->arena, account),
		.session = arena_strdup(cx->arena, session),
		.role = arena_strdup(cx->arena, role),
		.expires_s = expires_s };
	return RC_OK;
}

const struct auth_ports tokens = { sign, verify };

/* --- connections --- */

void
auth_setup(void)
{
	pgtest_connect(&rest, "medicore_auth_rest");
	pgtest_connect(&operator, "medicore_operator");
	pgtest_connect(&relay, "medicore_auth_relay");
	pgtest_connect(&super, "postgres");
	run("truncate account, session, login_failure, login_address; alter sequence session_ended_seq restart");
}

void
auth_teardown(void)
{
	pgtest_disconnect(&rest);
	pgtest_disconnect(&operator);
	pgtest_disconnect(&relay);
	pgtest_disconnect(&super);
}

void
run(const char *sql, ...)
{
	va_list ap;
	enum rc rc;

	va_start(ap, sql);
	rc = pg_script(&super, arena_vprintf(super.arena, sql, ap));
	va_end(ap);
	ck_assert_msg(rc == RC_OK, "%s: %s", sql, super.err.detail);
}

int64_t
number(const char *sql, ...)
{
	static const struct field fields[] = { { .name = "n", .type = F_INT, .at = 0 }, FIELD_END };
	char name[UUID_SIZE];
	struct pg_stmt stmt = { .name = name, .kind = PG_READ, .out = fields };
	int64_t n;
	va_list ap;

	uuid_new(name);
	va_start(ap, sql);
	stmt.sql = arena_vprintf(super.arena, sql, ap);
	va_end(ap);
	ck_assert_msg(pg_fetch_one(&super, &stmt, NULL, &n) == RC_OK, "%s: %s", stmt.sql, super.err.detail);
	return n;
}

/* --- what people do --- */

const char *
account(const char *email, const char *role)
{
	static char hash[128]; /* one is enough for all: making it takes its time */
	char id[UUID_SIZE];

	if (hash[0] == '\0') {
		const char *made;

		ck_assert_int_eq(password_hash(&super, PASSWORD, &made), RC_OK);
		snprintf(hash, sizeof(hash), "%s", made);
	}
	uuid_new(id);
	run("insert into account (id, email, name, role, password) values ('%s', '%s', 'x', '%s', '%s')", id, email, role,
	    hash);
	return arena_strdup(super.arena, id);
}

enum rc
log_in(struct ctx *cx, const char *address, const char *email, const char *password, struct token_pair *ret_pair)
{
	err_clear(cx);
	cx->address = address;
	cx->account = cx->role = cx->session = "";
	return login(cx, &tokens, &(struct credentials){ email, password }, ret_pair);
}

/* --- at once --- */

struct thread {
	pthread_t id;
	pthread_barrier_t *start;
	void (*fn)(void *closure, struct ctx *cx, size_t n);
	void *closure;
	struct ctx cx;
	size_t n;
};

static void *
thread_main(void *arg)
{
	struct thread *t = arg;

	pthread_barrier_wait(t->start);
	t->fn(t->closure, &t->cx, t->n);
	return NULL;
}

void
at_once(size_t threads, void (*fn)(void *closure, struct ctx *cx, size_t n), void *closure)
{
	struct thread all[THREADS_MAX];
	pthread_barrier_t start;

	ck_assert_uint_le(threads, THREADS_MAX);
	pthread_barrier_init(&start, NULL, (unsigned)threads);
	for (size_t i = 0; i < threads; i++) {
		all[i] = (struct thread){ .start = &start, .fn = fn, .closure = closure, .n = i };
		pgtest_connect(&all[i].cx, "medicore_auth_rest");
		ck_assert_int_eq(pthread_create(&all[i].id, NULL, thread_main, &all[i]), 0);
	}
	for (size_t i = 0; i < threads; i++) {
		pthread_join(all[i].id, NULL);
		pgtest_disconnect(&all[i].cx);
	}
	pthread_barrier_destroy(&start);
}
