/* bcrypt.c - bcrypt by libxcrypt. */
#include "domain/auth/bcrypt.h"

#include <crypt.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define HASH_LENGTH 60
#define PREFIX_LENGTH 7 /* "$2a$10$" */

/* bcrypt looks at no more of a password; crypt_r would refuse 128 characters of four bytes. */
#define LOOKED_AT 72

static bool
digit(char c)
{
	return c >= '0' && c <= '9';
}

int
bcrypt_cost(const char *hash)
{
	static const char alphabet[] = "./ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";
	int cost;

	if (strlen(hash) != HASH_LENGTH || strncmp(hash, "$2", 2) != 0 || strchr("aby", hash[2]) == NULL ||
	    hash[3] != '$' || !digit(hash[4]) || !digit(hash[5]) || hash[6] != '$')
		return 0;
	cost = (hash[4] - '0') * 10 + (hash[5] - '0');
	if (cost < BCRYPT_COST_MIN || cost > BCRYPT_COST_MAX)
		return 0;
	return strspn(hash + PREFIX_LENGTH, alphabet) == HASH_LENGTH - PREFIX_LENGTH ? cost : 0;
}

/* struct crypt_data has 32 KiB, which a coroutine's stack may not have. */
static bool
hash_like(const char *setting, const char *password, char ret_hash[HASH_LENGTH + 1])
{
	struct crypt_data *data = calloc(1, sizeof(*data));
	char looked_at[LOOKED_AT + 1];
	const char *made;

	if (data == NULL)
		return false;
	snprintf(looked_at, sizeof(looked_at), "%s", password);
	made = crypt_r(looked_at, setting, data);
	snprintf(ret_hash, HASH_LENGTH + 1, "%s", made == NULL ? "" : made);
	sodium_memzero(looked_at, sizeof(looked_at));
	sodium_memzero(data, sizeof(*data));
	free(data);
	return true;
}

bool
bcrypt_verify(const char *hash, const char *password, bool *ret_good)
{
	char made[HASH_LENGTH + 1] = "";

	if (!hash_like(hash, password, made))
		return false;
	*ret_good = sodium_memcmp(made, hash, HASH_LENGTH) == 0;
	return true;
}

bool
bcrypt_spend(int cost)
{
	char setting[HASH_LENGTH + 1], made[HASH_LENGTH + 1];

	snprintf(setting, sizeof(setting), "$2b$%02d$......................", cost);
	return hash_like(setting, "nobody's", made);
}
