#include "cli/migrate.h"

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

bool
migration_text(struct cli *cli, const char *path, struct field_bytes *ret_text)
{
	size_t length;
	char *text = cli_read_file(cli->arena, path, &length);

	if (text == NULL || memchr(text, '\0', length) != NULL) {
		cli_error(cli, NULL, "%s: %s", path, text == NULL ? strerror(errno) : "is no SQL text");
		return false;
	}
	*ret_text = (struct field_bytes){ .bytes = text, .length = length };
	return true;
}

/* NNNN_words.sql */
static int
is_migration(const struct dirent *entry)
{
	const char *name = entry->d_name;
	size_t n = strlen(name);

	for (size_t i = 0; i < 4; i++)
		if (!isdigit((unsigned char)name[i]))
			return 0;
	return name[4] == '_' && n > strlen("0000_.sql") && strcmp(name + n - 4, ".sql") == 0;
}

static bool
take_file(struct cli *cli, const char *directory, const char *name, struct migration *ret)
{
	*ret = (struct migration){
		.number = strtol(name, NULL, 10),
		.name = arena_strdup(cli->arena, name),
		.path = arena_printf(cli->arena, "%s/%s", directory, name),
	};
	return migration_text(cli, ret->path, &ret->text);
}

bool
migration_files(struct cli *cli, const char *directory, struct migration **ret_files, size_t *ret_count)
{
	struct dirent **entries;
	struct migration *files;
	bool good = true;
	int n;

	n = scandir(directory, &entries, is_migration, alphasort);
	if (n < 0) {
		cli_error(cli,
		    "--migrations DIR names the directory that has patient/, scheduling/ and billing/",
		    "%s: %s", directory, strerror(errno));
		return false;
	}
	files = arena_zalloc_n(cli->arena, (size_t)n, sizeof(*files));
	for (int i = 0; i < n; i++) {
		good = good && take_file(cli, directory, entries[i]->d_name, &files[i]);
		if (good && i > 0 && files[i].number == files[i - 1].number) {
			cli_error(cli, "give one of them the next free number",
			    "%s and %s have the same number", files[i - 1].path, files[i].name);
			good = false;
		}
		free(entries[i]);
	}
	free(entries);
	*ret_files = files;
	*ret_count = (size_t)n;
	return good;
}
