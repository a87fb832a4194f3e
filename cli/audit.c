/* audit.c - `medicore audit`: are the trails of who read or changed what whole? */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "cli/cli.h"
#include "lib/audit/check.h"
#include "lib/base/config.h"
#include "lib/pg/pg.h"

static enum rc
check_row(void *closure, const void *row)
{
	audit_check_row(closure, row);
	return RC_OK;
}

/* The seal is read before the table: what it covers is there by then.  0, or the exit status. */
static int
check(struct cli *cli, const struct cli_domain *trail, const struct audit_keys *keys,
    const struct audit_head *seal, struct audit_check *ret_check, struct audit_verdict *ret_verdict)
{
	struct ctx cx;
	enum rc rc;

	if (!cli_open(cli, trail->database, CLI_OPERATOR, &cx))
		return CLI_FAILED;
	audit_check_begin(ret_check, keys, seal);
	rc = audit_store_for_each(&cx, check_row, ret_check);
	audit_check_end(ret_check, ret_verdict);
	cli_close(&cx);
	return rc == RC_OK ? 0 : cli_failed(cli, &cx, rc, "%s: the trail can't be read", trail->name);
}

static void
tell(const struct cli_domain *trail, const struct audit_verdict *v, const struct audit_head *seal)
{
	printf("%s: ", trail->name);
	switch (v->fault) {
	case AUDIT_WHOLE:
		printf("%" PRId64 " rows, whole", v->rows);
		if (seal != NULL && v->rows > seal->seq)
			printf("; the last %" PRId64 " not sealed yet", v->rows - seal->seq);
		putchar('\n');
		break;
	case AUDIT_EDITED:
		printf("row %" PRId64 " was edited\n", v->seq);
		break;
	case AUDIT_MISSING:
		printf("row %" PRId64 " is missing: it was deleted, or was lost with the server\n", v->seq);
		break;
	case AUDIT_CUT:
		printf("row %" PRId64 " and all behind it are missing: the sealed end is row %" PRId64 "\n",
		    v->seq, seal->seq);
		break;
	case AUDIT_SWAPPED:
		printf("row %" PRId64 " was swapped: it stands at %" PRId64 "\n", v->seq, v->other);
		break;
	case AUDIT_INSERTED:
		printf("row %" PRId64 " was inserted: the relay never wrote it\n", v->seq);
		break;
	case AUDIT_RESEALED:
		printf("row %" PRId64 " is not the one that was sealed, though the chain up to it is whole\n",
		    v->seq);
		break;
	}
}

/* SEAL_GOOD, or what is wrong was said. */
static enum seal_state
read_seal(
    const struct cli *cli, const struct cli_domain *trail, const struct audit_keys *keys, struct audit_head *ret)
{
	enum seal_state state = audit_seal_read(trail->name, keys, ret);

	if (state == SEAL_NONE)
		cli_error(cli,
		    "where it was lost, and not taken away, `medicore audit seal` makes a new one;"
		    " the relay makes the first one of an empty trail",
		    "%s: there is no seal in %s: whether the end was cut off can't be told", trail->name,
		    config->audit.seal);
	if (state == SEAL_BROKEN)
		cli_error(cli, "is this the [audit] key that the relay has?",
		    "%s: the seal %s/%s is not by this key, or was changed", trail->name,
		    config->audit.seal, trail->name);
	if (state == SEAL_UNREAD)
		cli_error(cli, "it belongs to the relay's user, or root", "%s: the seal %s/%s: %s",
		    trail->name, config->audit.seal, trail->name, strerror(errno));
	return state;
}

static int
verify(struct cli *cli, const struct cli_domain *trail, const struct audit_keys *keys)
{
	struct audit_verdict verdict;
	struct audit_check checked;
	struct audit_head seal;
	bool sealed;
	int status;

	sealed = read_seal(cli, trail, keys, &seal) == SEAL_GOOD;
	status = check(cli, trail, keys, sealed ? &seal : NULL, &checked, &verdict);
	if (status != 0)
		return status;
	tell(trail, &verdict, sealed ? &seal : NULL);
	return sealed && verdict.fault == AUDIT_WHOLE ? CLI_DONE : CLI_FAILED;
}

/* The operator's word that the end is where the table has it. */
static int
seal_anew(struct cli *cli, const struct cli_domain *trail, const struct audit_keys *keys)
{
	struct audit_verdict verdict;
	struct audit_check checked;
	struct audit_head seal;
	int status;

	if (audit_seal_read(trail->name, keys, &seal) == SEAL_GOOD)
		return cli_error(
		    cli, NULL, "%s: there is a good seal, at row %" PRId64, trail->name, seal.seq);
	status = check(cli, trail, keys, NULL, &checked, &verdict);
	if (status != 0)
		return status;
	tell(trail, &verdict, NULL);
	if (verdict.fault != AUDIT_WHOLE)
		return CLI_FAILED;
	if (!audit_seal_write(trail->name, keys, &checked.head))
		return cli_error(cli, NULL, "%s: %s/%s: %s", trail->name, config->audit.seal, trail->name,
		    strerror(errno));
	printf("%s: sealed at row %" PRId64 "\n", trail->name, checked.head.seq);
	return CLI_DONE;
}

/* Which trails are named, or all; false where a name is none. */
static bool
choose(const struct cli_domain trails[CLI_DOMAINS], int argc, char **argv, bool ret_wanted[CLI_DOMAINS])
{
	for (size_t k = 0; k < CLI_DOMAINS; k++)
		ret_wanted[k] = argc == 0;
	for (int i = 0; i < argc; i++) {
		size_t k = 0;

		while (k < CLI_DOMAINS && strcmp(trails[k].name, argv[i]) != 0)
			k++;
		if (k == CLI_DOMAINS)
			return false;
		ret_wanted[k] = true;
	}
	return true;
}

int
verb_audit(struct cli *cli, int argc, char **argv)
{
	const char *what = argc > 1 ? argv[1] : "";
	bool sealing = strcmp(what, "seal") == 0, wanted[CLI_DOMAINS];
	struct cli_domain trails[CLI_DOMAINS];
	int status = CLI_DONE, one;
	struct audit_keys keys;

	cli_domains(trails);
	if ((!sealing && strcmp(what, "verify") != 0) || (sealing && argc != 3) ||
	    !choose(trails, argc - 2, argv + 2, wanted))
		return cli_usage(
		    cli, "say verify, or seal, and which trails: patient, scheduling, billing or auth");
	if (config->audit.key == NULL)
		return cli_error(cli, "run this as the relay's user or as root, with its settings",
		    "[audit] key is not set, or its file may not be read");
	for (size_t k = 0; k < CLI_DOMAINS; k++) {
		if (!wanted[k])
			continue;
		audit_keys_make(config->audit.key, trails[k].name, &keys);
		one = sealing ? seal_anew(cli, &trails[k], &keys) : verify(cli, &trails[k], &keys);
		audit_keys_free(&keys);
		status = one != CLI_DONE ? one : status;
	}
	return status;
}
