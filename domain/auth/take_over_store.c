/* take_over_store.c - accounts of the system replaced, many at once, in PostgreSQL. */
#include "domain/auth/auth_store.h"
#include "lib/pg/pg.h"

struct columns {
	const char *ids, *emails, *names, *roles, *passwords;
};

#define AT(member) offsetof(struct columns, member)

static const struct field columns_fields[] = {
	{ .name = "ids", .type = F_TEXT, .at = AT(ids) },
	{ .name = "emails", .type = F_TEXT, .at = AT(emails) },
	{ .name = "names", .type = F_TEXT, .at = AT(names) },
	{ .name = "roles", .type = F_TEXT, .at = AT(roles) },
	{ .name = "passwords", .type = F_TEXT, .at = AT(passwords) },
	FIELD_END,
};

/* Who was there before the statement. */
#define BEFORE \
	"o.id is not null as there, (o.email, o.name, o.role) is not distinct from (a.email, a.name, a.role) as same"

static const struct pg_stmt foresee_accounts = {
	.name = "foresee_accounts",
	.kind = PG_READ,
	.sql = "select o.id is null and not exists (select from account e where lower(e.email) = lower(a.email)) as is_new, " BEFORE
	       " from unnest($1::uuid[], $2::text[], $3::text[], $4::text[]) with ordinality as a (id, email, name, role, n)"
	       " left join account o on o.id = a.id order by n",
	.takes = "ids emails names roles",
	.in = columns_fields,
	.out = pg_each_fields,
};

static const struct pg_stmt insert_accounts = {
	.name = "insert_accounts",
	.kind = PG_WRITE,
	.sql = "with asked as (select * from unnest($1::uuid[], $2::text[], $3::text[], $4::text[], $5::text[])"
	       " with ordinality as a (id, email, name, role, password, n)),"
	       " new as (insert into account (id, email, name, role, password) select id, email, name, role, password"
	       " from asked order by n on conflict do nothing returning id)"
	       " select new.id is not null as is_new, " BEFORE
	       " from asked a left join new on new.id = a.id left join account o on o.id = a.id order by n",
	.takes = "ids emails names roles passwords",
	.in = columns_fields,
	.out = pg_each_fields,
};

static enum rc
ask(struct ctx *cx, const struct pg_stmt *stmt, const struct foreign_account *all, size_t count, enum rc *ret_each)
{
	struct pg_array c[5];

	for (size_t k = 0; k < 5; k++)
		c[k] = (struct pg_array)PG_ARRAY(cx->arena);
	for (size_t i = 0; i < count; i++) {
		pg_array_add(&c[0], all[i].id);
		pg_array_add(&c[1], all[i].as.email);
		pg_array_add(&c[2], all[i].as.name);
		pg_array_add(&c[3], all[i].as.role);
		pg_array_add(&c[4], all[i].as.password);
	}
	return pg_insert_each(cx, stmt,
	    &(struct columns){ pg_array_end(&c[0]), pg_array_end(&c[1]), pg_array_end(&c[2]), pg_array_end(&c[3]),
		pg_array_end(&c[4]) },
	    count, ret_each);
}

enum rc
account_store_foresee(struct ctx *cx, const struct foreign_account *all, size_t count, enum rc *ret_each)
{
	return ask(cx, &foresee_accounts, all, count, ret_each);
}

enum rc
account_store_insert_all(struct ctx *cx, const struct foreign_account *all, size_t count, enum rc *ret_each)
{
	return ask(cx, &insert_accounts, all, count, ret_each);
}
