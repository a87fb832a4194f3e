/* check_main.c - medicore check: what it was asked for, and the ports that mending needs. */
#include <string.h>

#include "cli/check.h"
#include "cli/mend.h"
#include "domain/billing/billing.h"
#include "domain/scheduling/scheduling.h"
#include "lib/base/config.h"
#include "worker/event_codec.h"

#define GRACE_S 60
#define GRACE_MAX_S 1000000000

static const struct scheduling_ports scheduling_ports = {
	.encode_booked = event_encode_booked,
	.encode_cancelled = event_encode_cancelled,
	.encode_no_show = event_encode_no_show,
};

static const struct billing_ports billing_ports = { .encode_invoice = event_encode_invoice };

struct options {
	bool json, mend, dry_run;
	int64_t grace_s;
};

static bool
parse(int argc, char **argv, struct options *ret)
{
	*ret = (struct options){ .grace_s = GRACE_S };
	for (int i = 1; i < argc; i++) {
		if (strcmp(argv[i], "--json") == 0)
			ret->json = true;
		else if (strcmp(argv[i], "--mend") == 0)
			ret->mend = true;
		else if (strcmp(argv[i], "--dry-run") == 0)
			ret->dry_run = true;
		else if (strcmp(argv[i], "--grace") != 0 || i + 1 == argc || !cli_number(argv[++i], GRACE_MAX_S, &ret->grace_s))
			return false;
	}
	return ret->mend ? !ret->json : !ret->dry_run;
}

static int
run(struct cli *cli, struct checked *w, const struct options *o)
{
	struct mend *mend = NULL;
	int status, left;

	if (o->mend && !mend_open(cli, w, &scheduling_ports, &billing_ports, o->dry_run, &mend))
		return CLI_FAILED;
	status = check_all(cli, w, mend, o->json, o->grace_s);
	if (mend == NULL)
		return status;
	left = mend_end(mend);
	return status != CLI_DONE ? status : left;
}

int
verb_check(struct cli *cli, int argc, char **argv)
{
	struct ctx scheduling, scheduling_too, billing;
	struct checked w = { &scheduling, &scheduling_too, &billing };
	struct options o;
	int status;

	if (!parse(argc, argv, &o))
		return cli_usage(cli, "that is not what it takes");
	if (!cli_open(cli, config->database.scheduling, CLI_OPERATOR, &scheduling))
		return CLI_FAILED;
	if (!cli_open(cli, config->database.scheduling, CLI_OPERATOR, &scheduling_too)) {
		cli_close(&scheduling);
		return CLI_FAILED;
	}
	if (!cli_open(cli, config->database.billing, CLI_OPERATOR, &billing)) {
		cli_close(&scheduling_too);
		cli_close(&scheduling);
		return CLI_FAILED;
	}
	status = run(cli, &w, &o);
	cli_close(&billing);
	cli_close(&scheduling_too);
	cli_close(&scheduling);
	return status;
}
