/* dead_letters.c - `medicore dead-letters`: the events that billing couldn't turn into an effect. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "cli/cli.h"
#include "domain/billing/billing.h"
#include "lib/base/clock.h"
#include "lib/base/config.h"
#include "lib/pg/pg.h"

#define PAGE 500
#define WAIT_S 30
#define WAIT_MAX_S 86400

struct asked {
	const char *what;
	int64_t id; /* 0: none named */
	bool all, json;
	int64_t wait_s;
};

/* Statements and their answers live in an arena of their own, which each() may not keep anything of. */
static enum rc
each_letter(struct ctx *cx, enum rc (*each)(void *closure, const struct dead_letter *letter), void *closure)
{
	struct arena *whole_run = cx->arena, *page = arena_new();
	struct dead_letter *letters;
	size_t count = PAGE;
	int64_t after = 0;
	enum rc rc = RC_OK;

	cx->arena = page;
	while (rc == RC_OK && count == PAGE) {
		arena_reset(page);
		rc = dead_letter_list(cx, after, PAGE, &letters, &count);
		for (size_t i = 0; rc == RC_OK && i < count; i++) {
			after = letters[i].id;
			rc = each(closure, &letters[i]);
		}
	}
	cx->arena = whole_run;
	cx->err.detail = arena_strdup(whole_run, cx->err.detail);
	cx->err.message = arena_strdup(whole_run, cx->err.message);
	arena_free(page);
	return rc;
}

/* --- list --- */

struct listing {
	bool json;
	size_t count;
};

/* It came from outside, and a terminal obeys control characters. */
static void
print_safely(const char *s)
{
	for (; s != NULL && *s != '\0'; s++)
		putchar(*s >= ' ' && *s <= '~' ? *s : '?');
}

static enum rc
list_one(void *closure, const struct dead_letter *letter)
{
	struct listing *l = closure;
	char last[INSTANT_SIZE];

	if (l->json) {
		struct arena *a = arena_new();
		struct buf b = { .arena = a };

		field_write(&b, dead_letter_fields, letter);
		printf("%s\n%s", l->count++ == 0 ? "[" : ",", b.bytes);
		arena_free(a);
		return RC_OK;
	}
	if (l->count++ == 0)
		printf("%8s  %-16s %8s  %-27s  %-36s  %s\n", "ID", "REASON", "ATTEMPTS", "LAST TRIED",
		    "EVENT", "TYPE");
	instant_format(letter->last_at.us, last);
	printf(
	    "%8" PRId64 "  %-16s %8" PRId64 "  %-27s  ", letter->id, letter->reason, letter->attempts, last);
	printf("%*s", letter->ce_id == NULL ? 36 : 0, "");
	print_safely(letter->ce_id);
	fputs("  ", stdout);
	print_safely(letter->type);
	puts(letter->replay_asked_at.known ? "  (replay asked for)" : "");
	return RC_OK;
}

static int
list(struct cli *cli, struct ctx *cx, const struct asked *asked)
{
	struct listing l = { .json = asked->json };
	enum rc rc = each_letter(cx, list_one, &l);

	if (rc != RC_OK)
		return cli_failed(cli, cx, rc, "can't list them");
	if (asked->json)
		puts(l.count == 0 ? "[]" : "\n]");
	else if (l.count == 0)
		puts("no dead letters");
	return CLI_DONE;
}

/* --- replay --- */

struct ids {
	struct arena *arena;
	int64_t *ids;
	size_t count, capacity;
};

static enum rc
note_id(void *closure, const struct dead_letter *letter)
{
	struct ids *l = closure;

	if (l->count == l->capacity) {
		int64_t *more;

		l->capacity = l->capacity == 0 ? 64 : 2 * l->capacity;
		more = arena_zalloc_n(l->arena, l->capacity, sizeof(*more));
		if (l->count > 0)
			memcpy(more, l->ids, l->count * sizeof(*more));
		l->ids = more;
	}
	l->ids[l->count++] = letter->id;
	return RC_OK;
}

/* The one asked for, or all there are at this moment. */
static enum rc
note_ids(struct ctx *cx, const struct asked *asked, struct ids *ret)
{
	struct dead_letter letter = { .id = asked->id };

	return asked->all ? each_letter(cx, note_id, ret) : note_id(ret, &letter);
}

static enum rc
count_waiting(struct ctx *cx, const struct asked *asked, int64_t *ret_count)
{
	struct dead_letter letter;
	enum rc rc;

	if (asked->all)
		return dead_letter_asked(cx, ret_count);
	rc = dead_letter_find(cx, asked->id, &letter);
	*ret_count = rc == RC_OK && letter.replay_asked_at.known;
	if (rc != RC_NOT_FOUND)
		return rc;
	err_clear(cx);
	return RC_OK;
}

/* Until the worker has dealt with all of them or the time is over; *ret_waiting is how many it hasn't. */
static enum rc
await(struct ctx *cx, const struct asked *asked, int64_t *ret_waiting)
{
	int64_t end = clock_monotonic_ns() + asked->wait_s * 1000000000;
	struct arena *whole_run = cx->arena, *scratch = arena_new();
	enum rc rc;

	cx->arena = scratch;
	for (;;) {
		int64_t left_ms;

		arena_reset(scratch);
		rc = count_waiting(cx, asked, ret_waiting);
		left_ms = (end - clock_monotonic_ns()) / 1000000;
		if (rc != RC_OK || *ret_waiting == 0 || left_ms <= 0)
			break;
		rc = pg_listen_wait(cx, DEAD_LETTERS_CHANNEL, (int)left_ms, -1);
		if (rc != RC_OK && rc != RC_TIMEOUT)
			break;
		err_clear(cx);
	}
	cx->arena = whole_run;
	cx->err.detail = arena_strdup(whole_run, cx->err.detail);
	arena_free(scratch);
	return rc;
}

/* How each ended; *ret_left counts those that are still there. */
static enum rc
tell(struct ctx *cx, const struct ids *ids, size_t *ret_left)
{
	struct dead_letter letter;
	enum rc rc = RC_OK;

	*ret_left = 0;
	for (size_t i = 0; i < ids->count && rc == RC_OK; i++) {
		rc = dead_letter_find(cx, ids->ids[i], &letter);
		if (rc == RC_NOT_FOUND) {
			err_clear(cx);
			rc = RC_OK;
			printf("%" PRId64 ": gone, it has its effect now\n", ids->ids[i]);
		} else if (rc == RC_OK) {
			++*ret_left;
			if (letter.replay_asked_at.known)
				printf("%" PRId64 ": not tried yet\n", letter.id);
			else
				printf("%" PRId64 ": %s again, after %" PRId64 " attempts\n", letter.id,
				    letter.reason, letter.attempts);
		}
	}
	return rc;
}

static int
replay(struct cli *cli, struct ctx *cx, const struct asked *asked)
{
	struct ids ids = { .arena = cli->arena };
	int64_t count = 0, waiting = 0;
	size_t left = 0;
	enum rc rc;

	/* Listening comes before asking, so that no answer is missed. */
	rc = pg_listen_wait(cx, DEAD_LETTERS_CHANNEL, 0, -1);
	if (rc == RC_OK)
		rc = note_ids(cx, asked, &ids);
	if (rc == RC_OK)
		rc = dead_letter_ask_replay(cx, asked->all ? 0 : asked->id, &count);
	if (rc == RC_OK && count > 0 && asked->wait_s > 0)
		rc = await(cx, asked, &waiting);
	if (rc != RC_OK)
		return cli_failed(cli, cx, rc, "can't ask for a replay");
	if (count == 0 || asked->wait_s == 0) {
		printf("asked for: %" PRId64 "\n", count);
		return CLI_DONE;
	}
	rc = tell(cx, &ids, &left);
	if (rc != RC_OK)
		return cli_failed(cli, cx, rc, "can't say how they ended");
	if (waiting > 0)
		return cli_error(cli,
		    "is medicore-billing-worker running, and does the patient service answer it?\n"
		    "  they stay asked for: it tries them as soon as it can",
		    "%" PRId64 " not tried within %" PRId64 " s", waiting, asked->wait_s);
	return left > 0 ? CLI_FAILED : CLI_DONE;
}

/* --- drop --- */

static int
drop(struct cli *cli, struct ctx *cx, const struct asked *asked)
{
	enum rc rc = dead_letter_drop(cx, asked->id);

	if (rc != RC_OK)
		return cli_failed(cli, cx, rc, "can't drop it");
	printf("%" PRId64 ": dropped\n", asked->id);
	return CLI_DONE;
}

/* --- the verb --- */

static bool
parse(int argc, char **argv, struct asked *ret)
{
	*ret = (struct asked){ .what = argc > 1 ? argv[1] : "", .wait_s = WAIT_S };
	for (int i = 2; i < argc; i++) {
		if (strcmp(argv[i], "--json") == 0 && strcmp(ret->what, "list") == 0) {
			ret->json = true;
		} else if (strcmp(argv[i], "--all") == 0 && strcmp(ret->what, "replay") == 0) {
			ret->all = true;
		} else if (strcmp(argv[i], "--wait") == 0 && strcmp(ret->what, "replay") == 0 &&
			   i + 1 < argc) {
			if (!cli_number(argv[++i], WAIT_MAX_S, &ret->wait_s))
				return false;
		} else if (ret->id != 0 || !cli_number(argv[i], INT64_MAX, &ret->id) || ret->id == 0) {
			return false;
		}
	}
	if (strcmp(ret->what, "list") == 0)
		return ret->id == 0;
	if (strcmp(ret->what, "replay") == 0)
		return ret->all != (ret->id != 0);
	return strcmp(ret->what, "drop") == 0 && ret->id != 0;
}

int
verb_dead_letters(struct cli *cli, int argc, char **argv)
{
	struct asked asked;
	struct ctx cx;
	int status;

	if (!parse(argc, argv, &asked))
		return cli_usage(cli, "say what to do with which: list, replay or drop");
	if (!cli_open(cli, config->database.billing, CLI_OPERATOR, &cx))
		return CLI_FAILED;
	if (strcmp(asked.what, "list") == 0)
		status = list(cli, &cx, &asked);
	else if (strcmp(asked.what, "replay") == 0)
		status = replay(cli, &cx, &asked);
	else
		status = drop(cli, &cx, &asked);
	cli_close(&cx);
	return status;
}
