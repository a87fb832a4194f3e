#include "lib/token/ended.h"

#include <sodium.h>
#include <stdlib.h>
#include <string.h>

#define ENDED_MAX ((size_t)1 << 17)
#define SMALLEST 64

/* By which a token outlives its exp (TOKEN_LEEWAY_S), and clocks may differ. */
#define KEPT_S 60

struct ended_row {
	unsigned char id[16];
	int64_t until_s; /* 0: free */
};

static void
id_read(const char *session, unsigned char ret_id[16])
{
	size_t n;

	memset(ret_id, 0, 16);
	sodium_hex2bin(ret_id, 16, session, strlen(session), "-", &n, NULL);
}

/* The row of id, or the free one where it belongs. */
static struct ended_row *
row_of(const struct ended *e, const unsigned char id[16])
{
	static const unsigned char
	    key[crypto_shorthash_KEYBYTES]; /* auth chose the ids: none is made to collide */
	unsigned char hash[crypto_shorthash_BYTES];
	size_t at;

	crypto_shorthash(hash, id, 16, key);
	memcpy(&at, hash, sizeof(at));
	for (at &= e->capacity - 1; e->rows[at].until_s != 0; at = (at + 1) & (e->capacity - 1))
		if (memcmp(e->rows[at].id, id, 16) == 0)
			break;
	return &e->rows[at];
}

/* Makes room for one more, at most half full, and forgets what is past. */
static bool
rebuild(struct ended *e, int64_t now_s)
{
	struct ended old = *e;
	size_t alive = 0;

	for (size_t i = 0; i < old.capacity; i++)
		alive += old.rows[i].until_s + KEPT_S > now_s;
	if (alive >= ENDED_MAX)
		return false;
	for (e->capacity = SMALLEST; e->capacity < 4 * (alive + 1); e->capacity *= 2)
		;
	e->rows = calloc(e->capacity, sizeof(*e->rows));
	if (e->rows == NULL) {
		*e = old;
		return false;
	}
	e->count = alive;
	for (size_t i = 0; i < old.capacity; i++)
		if (old.rows[i].until_s + KEPT_S > now_s)
			*row_of(e, old.rows[i].id) = old.rows[i];
	free(old.rows);
	return true;
}

bool
ended_add(struct ended *e, const char *session, int64_t until_s, int64_t now_s)
{
	unsigned char id[16];
	struct ended_row *row;

	if (until_s + KEPT_S <= now_s)
		return true;
	if (2 * (e->count + 1) > e->capacity && !rebuild(e, now_s))
		return false;
	id_read(session, id);
	row = row_of(e, id);
	if (row->until_s == 0) {
		memcpy(row->id, id, sizeof(id));
		e->count++;
	}
	if (row->until_s < until_s)
		row->until_s = until_s;
	return true;
}

bool
ended_has(const struct ended *e, const char *session)
{
	unsigned char id[16];

	if (e->count == 0)
		return false;
	id_read(session, id);
	return row_of(e, id)->until_s != 0;
}

void
ended_release(struct ended *e)
{
	free(e->rows);
	*e = (struct ended){ 0 };
}
