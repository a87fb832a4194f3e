/* keys.c - medicore keys: the private keys that sign tokens. */
#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "cli/cli.h"
#include "lib/base/config.h"
#include "lib/base/dates.h"
#include "lib/token/token.h"

static int
rotate(struct cli *cli)
{
	const char *kid, *why;

	if (!token_key_make(cli->arena, config->auth.keys, &kid, &why))
		return cli_error(cli, "run it as the user that medicore-auth.fcgi runs as, or as root", "%s: %s",
		    config->auth.keys, why);
	printf("%s: made; it signs once the other programs have had the time to learn it\n", kid);
	return CLI_DONE;
}

int
cli_is_key(const struct dirent *entry)
{
	size_t length = strlen(entry->d_name);

	return entry->d_name[0] != '.' && length > 4 && strcmp(entry->d_name + length - 4, ".jwk") == 0;
}

static int
list(struct cli *cli)
{
	struct dirent **entries;
	char when[INSTANT_SIZE];
	struct stat st;
	int count = scandir(config->auth.keys, &entries, cli_is_key, alphasort);

	if (count < 0)
		return cli_error(cli, "medicore keys rotate makes it, with a first key", "%s: %s", config->auth.keys,
		    strerror(errno));
	for (int i = 0; i < count; i++) {
		const char *name = entries[i]->d_name;

		if (stat(arena_printf(cli->arena, "%s/%s", config->auth.keys, name), &st) == 0) {
			instant_format((int64_t)st.st_mtim.tv_sec * 1000000, when);
			printf("%.*s  made %s\n", (int)strlen(name) - 4, name, when);
		}
		free(entries[i]);
	}
	free(entries);
	return CLI_DONE;
}

int
verb_keys(struct cli *cli, int argc, char **argv)
{
	if (argc == 2 && strcmp(argv[1], "rotate") == 0)
		return rotate(cli);
	if (argc == 2 && strcmp(argv[1], "list") == 0)
		return list(cli);
	return cli_usage(cli, "say what to do: rotate or list");
}
