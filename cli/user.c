/* user.c - medicore user: accounts, made and changed by whoever may use the database. */
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/cli.h"
#include "domain/auth/auth.h"
#include "lib/base/config.h"

#define PAGE 500

struct asked {
	const char *what, *email;
	const char *name, *role, *password_file;
};

/* --- passwords --- */

/* The file's first line; NULL, said on standard error, where there is none. */
static const char *
read_password(struct cli *cli, const char *path)
{
	char line[1024];
	FILE *f = strcmp(path, "-") == 0 ? stdin : fopen(path, "re");
	bool got = f != NULL && fgets(line, sizeof(line), f) != NULL;

	if (f != NULL && f != stdin)
		fclose(f);
	if (!got) {
		cli_error(cli, NULL, "%s: no password can be read from it", path);
		return NULL;
	}
	line[strcspn(line, "\r\n")] = '\0';
	if (!utf8_valid(line, strlen(line))) {
		cli_error(cli, NULL, "%s: its first line is not UTF-8", path);
		return NULL;
	}
	return arena_strdup(cli->arena, line);
}

/* 120 random bits. */
static const char *
make_password(struct cli *cli)
{
	char text[sodium_base64_ENCODED_LEN(15, sodium_base64_VARIANT_URLSAFE_NO_PADDING)];
	unsigned char random[15];

	if (sodium_init() < 0) {
		cli_error(cli, NULL, "there are no random numbers");
		return NULL;
	}
	randombytes_buf(random, sizeof(random));
	sodium_bin2base64(text, sizeof(text), random, sizeof(random), sodium_base64_VARIANT_URLSAFE_NO_PADDING);
	return arena_strdup(cli->arena, text);
}

static const char *
password_of(struct cli *cli, const struct asked *asked)
{
	return asked->password_file != NULL ? read_password(cli, asked->password_file) : make_password(cli);
}

/* Nobody else knows one that was made here. */
static void
tell_password(const struct asked *asked, const char *password)
{
	if (asked->password_file == NULL)
		printf("password: %s\n", password);
}

/* --- what it does --- */

static int
add(struct cli *cli, struct ctx *cx, const struct asked *asked)
{
	const struct {
		const char *name, *value;
	} given[] = {
		{ "email", asked->email },
		{ "name", asked->name },
		{ "role", asked->role },
		{ "password", password_of(cli, asked) },
	};
	struct registration r = { 0 };
	struct account saved;
	enum rc rc = RC_OK;

	if (given[3].value == NULL)
		return CLI_FAILED;
	for (size_t i = 0; i < sizeof(given) / sizeof(*given); i++)
		if (field_set(cx, field_find(registration_fields, given[i].name), CREATE, given[i].value,
			strlen(given[i].value), &r) != RC_OK)
			rc = RC_INVALID;
	if (rc == RC_OK)
		rc = account_register(cx, &r, &saved);
	if (rc != RC_OK)
		return cli_failed(cli, cx, rc, "can't make account %s", asked->email);
	printf("%s: made, as %s\n", saved.email, saved.role);
	tell_password(asked, given[3].value);
	return CLI_DONE;
}

static void
print(const struct account *a)
{
	char made[INSTANT_SIZE], last[INSTANT_SIZE] = "never";

	instant_format(a->created_at.us, made);
	if (a->last_login_at.known)
		instant_format(a->last_login_at.us, last);
	printf("%s  %-8s %-8s  made %s  last login %s  %s\n", a->email, a->role,
	    a->enabled == SWITCH_ON ? "enabled" : "disabled", made, last, a->name);
}

static int
list(struct cli *cli, struct ctx *cx)
{
	struct page page = { .limit = PAGE };
	struct account *found;
	size_t count;
	bool more;
	enum rc rc;

	do {
		rc = account_list(cx, &page, &found, &count, &more);
		if (rc != RC_OK)
			return cli_failed(cli, cx, rc, "can't list the accounts");
		for (size_t i = 0; i < count; i++)
			print(&found[i]);
		if (more)
			page.after = found[count - 1].id;
	} while (more);
	return CLI_DONE;
}

static int
enable(struct cli *cli, struct ctx *cx, const struct asked *asked, enum field_switch enabled)
{
	struct account found, saved;
	enum rc rc = account_find_email(cx, asked->email, &found);

	if (rc == RC_OK)
		rc = account_change(cx, found.id, 0, &(struct account){ .enabled = enabled }, &saved);
	if (rc != RC_OK)
		return cli_failed(cli, cx, rc, "can't %s %s", asked->what, asked->email);
	printf("%s: %sd\n", saved.email, asked->what);
	return CLI_DONE;
}

static int
passwd(struct cli *cli, struct ctx *cx, const struct asked *asked)
{
	const char *password = password_of(cli, asked);
	struct account found;
	enum rc rc;

	if (password == NULL)
		return CLI_FAILED;
	rc = account_find_email(cx, asked->email, &found);
	if (rc == RC_OK)
		rc = password_reset(cx, found.id, password);
	if (rc != RC_OK)
		return cli_failed(cli, cx, rc, "can't change the password of %s", asked->email);
	printf("%s: has another password, and has to log in again\n", found.email);
	tell_password(asked, password);
	return CLI_DONE;
}

/* --- the verb --- */

static bool
is(const struct asked *asked, const char *what)
{
	return strcmp(asked->what, what) == 0;
}

/* Where the value of an option of this command goes; NULL: it has none such. */
static const char **
option(struct asked *asked, const char *name)
{
	if (is(asked, "add") && strcmp(name, "--name") == 0)
		return &asked->name;
	if (is(asked, "add") && strcmp(name, "--role") == 0)
		return &asked->role;
	if ((is(asked, "add") || is(asked, "passwd")) && strcmp(name, "--password-file") == 0)
		return &asked->password_file;
	return NULL;
}

static bool
parse(int argc, char **argv, struct asked *ret)
{
	*ret = (struct asked){ .what = argc > 1 ? argv[1] : "" };
	for (int i = 2; i < argc; i++) {
		const char **value = option(ret, argv[i]);

		if (value == NULL && ret->email == NULL && argv[i][0] != '-')
			ret->email = argv[i];
		else if (value == NULL || *value != NULL || ++i == argc)
			return false;
		else
			*value = argv[i];
	}
	if (is(ret, "list"))
		return ret->email == NULL;
	if (is(ret, "add"))
		return ret->email != NULL && ret->name != NULL && ret->role != NULL;
	return ret->email != NULL && (is(ret, "disable") || is(ret, "enable") || is(ret, "passwd"));
}

int
verb_user(struct cli *cli, int argc, char **argv)
{
	struct asked asked;
	struct ctx cx;
	int status;

	if (!parse(argc, argv, &asked))
		return cli_usage(cli, "say what to do with whom: add, list, disable, enable or passwd");
	if (!cli_open(cli, config->database.auth, CLI_OPERATOR, &cx))
		return CLI_FAILED;
	if (is(&asked, "add"))
		status = add(cli, &cx, &asked);
	else if (is(&asked, "list"))
		status = list(cli, &cx);
	else if (is(&asked, "passwd"))
		status = passwd(cli, &cx, &asked);
	else
		status = enable(cli, &cx, &asked, is(&asked, "enable") ? SWITCH_ON : SWITCH_OFF);
	cli_close(&cx);
	return status;
}
