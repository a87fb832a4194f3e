/* account_store.c - accounts in PostgreSQL. */
#include "domain/auth/auth_store.h"
#include "lib/pg/pg.h"

/* Whoever changes which ADMINs there are takes this lock: the last of them must stay. */
#define ADMINS_LOCK "pg_advisory_xact_lock(1, 1)"

#define COLUMNS "id, email, name, role, enabled, created_at, last_login_at, version"

/* What a statement takes that writes or looks for one. */
struct given {
	struct account a;
	const char *password, *before;
	int64_t password_version; /* 0: any */
};

#define AT(member) offsetof(struct given, member)

static const struct field given_fields[] = {
	{ .name = "id", .type = F_UUID, .at = AT(a.id) },
	{ .name = "email", .type = F_EMAIL, .at = AT(a.email) },
	{ .name = "name", .type = F_TEXT, .at = AT(a.name) },
	{ .name = "role", .type = F_TEXT, .at = AT(a.role) },
	{ .name = "enabled", .type = F_SWITCH, .at = AT(a.enabled) },
	{ .name = "password", .type = F_TEXT, .at = AT(password) },
	{ .name = "before", .type = F_TEXT, .at = AT(before) },
	{ .name = "passwordVersion", .type = F_COUNT, .at = AT(password_version) },
	FIELD_END,
};

static const struct pg_stmt insert_account = {
	.name = "insert_account",
	.kind = PG_WRITE,
	.sql = "insert into account (id, email, name, role, password) values ($1::uuid, $2, $3, $4, $5) returning " COLUMNS,
	.takes = "id email name role password",
	.in = given_fields,
	.out = account_fields,
};

#define BY_ID_OR_EMAIL "where id = $1::uuid or ($1::uuid is null and lower(email) = lower($2))"

static const struct pg_stmt find_account = {
	.name = "find_account",
	.kind = PG_LOOKUP,
	.sql = "select " COLUMNS " from account " BY_ID_OR_EMAIL,
	.takes = "id email",
	.in = given_fields,
	.out = account_fields,
};

#define CREDENTIAL_AT(member) offsetof(struct credential, member)

static const struct field credential_columns[] = {
	{ .name = "id", .type = F_UUID, .at = CREDENTIAL_AT(id) },
	{ .name = "email", .type = F_EMAIL, .at = CREDENTIAL_AT(email) },
	{ .name = "password", .type = F_TEXT, .at = CREDENTIAL_AT(password) },
	{ .name = "passwordVersion", .type = F_INT, .at = CREDENTIAL_AT(password_version) },
	{ .name = "enabled", .type = F_SWITCH, .at = CREDENTIAL_AT(enabled) },
	{ .name = "dearestBcrypt", .type = F_INT, .at = CREDENTIAL_AT(dearest_bcrypt) },
	FIELD_END,
};

/* By the end of an index that has nothing in it once everybody who came with one has logged in. */
#define DEAREST_BCRYPT \
	"(select coalesce(max(substring(password from 5 for 2)), '0')::bigint as dearest_bcrypt from account" \
	" where password like '$2%') d"

static const struct pg_stmt find_credential = {
	.name = "find_credential",
	.kind = PG_LOOKUP,
	.sql = "select id, email, password, password_version, enabled, dearest_bcrypt from " DEAREST_BCRYPT
	       " left join lateral (select id, email, password, password_version, enabled from account " BY_ID_OR_EMAIL ") a on true",
	.takes = "id email",
	.in = given_fields,
	.out = credential_columns,
};

static const struct pg_stmt lock_account = {
	.name = "lock_account",
	.kind = PG_WRITE,
	.sql = "select " COLUMNS " from account where id = $1::uuid for no key update",
	.takes = "id",
	.in = given_fields,
	.out = account_fields,
};

static const struct pg_stmt lock_admins = {
	.name = "lock_admins",
	.kind = PG_WRITE,
	.sql = "select " ADMINS_LOCK,
};

struct count {
	int64_t count;
};

static const struct field count_fields[] = {
	{ .name = "count", .type = F_INT, .at = offsetof(struct count, count) },
	FIELD_END,
};

static const struct pg_stmt enabled_admins = {
	.name = "enabled_admins",
	.kind = PG_READ,
	.sql = "select count(*) from account where role = 'ADMIN' and enabled",
	.out = count_fields,
};

static const struct pg_stmt update_account = {
	.name = "update_account",
	.kind = PG_WRITE,
	.sql = "update account set name = coalesce($2, name), role = coalesce($3, role),"
	       " enabled = coalesce($4::boolean, enabled), version = version + 1, updated_at = now()"
	       " where id = $1::uuid returning " COLUMNS,
	.takes = "id name role enabled",
	.in = given_fields,
	.out = account_fields,
};

static const struct pg_stmt set_password = {
	.name = "set_password",
	.kind = PG_WRITE,
	.sql = "update account set password = $2, password_version = password_version + 1, version = version + 1,"
	       " updated_at = now() where id = $1::uuid and password_version = coalesce($3::bigint, password_version)",
	.takes = "id password passwordVersion",
	.in = given_fields,
};

static const struct pg_stmt rehash_password = {
	.name = "rehash_password",
	.kind = PG_WRITE,
	.sql = "update account set password = $2 where id = $1::uuid and password = $3",
	.takes = "id password before",
	.in = given_fields,
};

static const struct pg_stmt begin_login = {
	.name = "begin_login",
	.kind = PG_WRITE,
	.sql = "update account set last_login_at = now() where id = $1::uuid and enabled and password_version = $2::bigint"
	       " returning " COLUMNS,
	.takes = "id passwordVersion",
	.in = given_fields,
	.out = account_fields,
};

struct list_args {
	const char *after;
	int64_t limit;
};

static const struct field list_args_fields[] = {
	{ .name = "after", .type = F_UUID, .at = offsetof(struct list_args, after) },
	{ .name = "limit", .type = F_INT, .at = offsetof(struct list_args, limit) },
	FIELD_END,
};

static const struct pg_stmt list_accounts = {
	.name = "list_accounts",
	.kind = PG_READ,
	.sql = "select " COLUMNS " from account where id >= coalesce($1::uuid, '00000000-0000-0000-0000-000000000000')"
	       " and id is distinct from $1::uuid order by id limit $2::bigint",
	.takes = "after limit",
	.in = list_args_fields,
	.out = account_fields,
};

enum rc
account_store_insert(struct ctx *cx, const struct account *a, const char *password, struct account *ret_saved)
{
	struct given given = { .a = *a, .password = password };
	enum rc rc = pg_try_one(cx, &insert_account, &given, ret_saved);

	if (rc == RC_DUPLICATE)
		return err_field(cx, RC_CONFLICT, "email", "User with this email already exists");
	return rc;
}

enum rc
account_store_find(struct ctx *cx, const struct account *whom, struct account *ret_account)
{
	return pg_fetch_one(cx, &find_account, &(struct given){ .a = *whom }, ret_account);
}

enum rc
account_store_list(
    struct ctx *cx, const char *after, int64_t limit, struct account **ret_accounts, size_t *ret_count)
{
	struct list_args args = { .after = after, .limit = limit };

	return pg_fetch_all(cx, &list_accounts, &args, sizeof(**ret_accounts), ret_accounts, ret_count);
}

enum rc
account_store_credential(struct ctx *cx, const struct account *whom, struct credential *ret_credential)
{
	enum rc rc = pg_fetch_one(cx, &find_credential, &(struct given){ .a = *whom }, ret_credential);

	if (rc != RC_OK || ret_credential->id != NULL)
		return rc;
	ret_credential->email = whom->email;
	return RC_NOT_FOUND;
}

enum rc
account_store_lock(struct ctx *cx, const char *id, struct account *ret_account)
{
	return pg_fetch_one(cx, &lock_account, &(struct given){ .a.id = id }, ret_account);
}

enum rc
account_store_lock_admins(struct ctx *cx)
{
	return pg_execute(cx, &lock_admins, NULL, NULL);
}

enum rc
account_store_enabled_admins(struct ctx *cx, int64_t *ret_count)
{
	struct count count;
	enum rc rc = pg_fetch_one(cx, &enabled_admins, NULL, &count);

	if (rc == RC_OK)
		*ret_count = count.count;
	return rc;
}

enum rc
account_store_update(struct ctx *cx, const struct account *a, struct account *ret_saved)
{
	return pg_fetch_one(cx, &update_account, &(struct given){ .a = *a }, ret_saved);
}

enum rc
account_store_set_password(struct ctx *cx, const char *id, int64_t password_version, const char *password)
{
	struct given given = { .a.id = id, .password = password, .password_version = password_version };
	int64_t affected;
	enum rc rc = pg_execute(cx, &set_password, &given, &affected);

	return rc == RC_OK && affected == 0 ? RC_NOT_FOUND : rc;
}

enum rc
account_store_rehash(struct ctx *cx, const struct credential *before, const char *password)
{
	struct given given = { .a.id = before->id, .password = password, .before = before->password };

	return pg_execute(cx, &rehash_password, &given, NULL);
}

enum rc
account_store_begin_login(struct ctx *cx, const struct credential *by, struct account *ret_account)
{
	struct given given = { .a.id = by->id, .password_version = by->password_version };

	return pg_fetch_one(cx, &begin_login, &given, ret_account);
}
