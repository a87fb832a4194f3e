#include "cli/mend.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "cli/check.h"
#include "cli/mend_store.h"
#include "domain/billing/billing.h"
#include "domain/scheduling/scheduling.h"
#include "lib/audit/audit_store.h"
#include "lib/base/config.h"
#include "lib/base/uuid.h"
#include "lib/pg/pg.h"

#define PAGE 1000

/* Each change is made as the program that makes its like: the operator's own role may do less. */
#define RELAY_ROLE "medicore_scheduling_relay"
#define WORKER_ROLE "medicore_billing_worker"

enum mend_connection { RELAY, WORKER, PATIENT, OPENED, OPERATOR = OPENED, BILLING, CONNECTIONS };

struct mend {
	struct cli *cli;
	const struct scheduling_ports *scheduling_ports;
	const struct billing_ports *billing_ports;
	bool dry_run;
	struct arena *arena; /* of one thing that is mended */
	struct ctx cx[CONNECTIONS]; /* from OPENED on by connections of who compares */
	size_t opened;
	struct ctx *failed;
	int64_t mended, left;
};

bool
mend_open(struct cli *cli, const struct checked *w, const struct scheduling_ports *scheduling_ports,
    const struct billing_ports *billing_ports, bool dry_run, struct mend **ret)
{
	const struct {
		const char *database, *role;
	} connections[OPENED] = {
		[RELAY] = { config->database.scheduling, RELAY_ROLE },
		[WORKER] = { config->database.billing, WORKER_ROLE },
		[PATIENT] = { config->database.patient, CLI_OPERATOR },
	};
	struct mend *m = arena_zalloc(cli->arena, sizeof(*m));

	m->cli = cli;
	m->scheduling_ports = scheduling_ports;
	m->billing_ports = billing_ports;
	m->dry_run = dry_run;
	m->arena = arena_new();
	m->cx[OPERATOR] = *w->scheduling_too;
	m->cx[BILLING] = *w->billing;
	for (; m->opened < OPENED; m->opened++) {
		if (cli_open(cli, connections[m->opened].database, connections[m->opened].role, &m->cx[m->opened]))
			continue;
		while (m->opened > 0)
			cli_close(&m->cx[--m->opened]);
		arena_free(m->arena);
		return false;
	}
	*ret = m;
	return true;
}

struct ctx *
mend_failed(struct mend *m)
{
	return m->failed;
}

/* A turn of that connection, in memory that the next one reuses. */
static struct ctx *
use(struct mend *m, enum mend_connection which)
{
	arena_reset(m->arena);
	m->cx[which].arena = m->arena;
	err_clear(&m->cx[which]);
	return &m->cx[which];
}

static enum rc
settled(struct mend *m, struct ctx *cx, enum rc rc)
{
	if (rc != RC_OK)
		m->failed = cx;
	return rc;
}

/* --- bookings --- */

enum rc
mend_event(struct mend *m, const char *appointment_id, const char *event_id, bool cancellation, bool *ret_mended)
{
	const char *what = cancellation ? "cancellation" : "booking";
	const char *lacks = cancellation ? "its invoice doesn't know" : "it has no invoice";
	bool known = false;
	struct ctx *cx;
	enum rc rc = RC_OK;

	*ret_mended = false;
	if (m->dry_run) {
		printf("%s %s: %s: would be %s\n", what, appointment_id, lacks, *event_id == '\0' ? "told anew" : "sent again");
		return RC_OK;
	}
	if (*event_id != '\0') {
		cx = use(m, RELAY);
		rc = settled(m, cx, outbox_publish_again(cx, event_id, &known));
	}
	if (rc == RC_OK && !known) {
		cx = use(m, OPERATOR);
		rc = settled(m, cx, appointment_tell_again(cx, m->scheduling_ports, appointment_id, cancellation));
	}
	if (rc != RC_OK)
		return rc;
	printf("%s %s: %s: %s\n", what, appointment_id, lacks, known ? "sent again" : "told anew");
	m->mended++;
	*ret_mended = true;
	return RC_OK;
}

/* --- invoices --- */

static void
tell_invoice(const struct invoice *i, const char *appointment_id, const char *then)
{
	printf("invoice %s (%s): scheduling doesn't know its booking %s: %s\n", i->id, i->number == NULL ? "not numbered yet" : i->number,
	    appointment_id, then);
}

enum rc
mend_invoice(struct mend *m, const char *id, const char *appointment_id, bool *ret_mended)
{
	struct ctx *cx = use(m, WORKER);
	struct invoice invoice;
	enum rc rc = invoice_find(cx, id, &invoice);

	*ret_mended = false;
	if (rc != RC_OK)
		return settled(m, cx, rc);
	if (invoice.amount_paid.minor == 0 && m->dry_run) {
		tell_invoice(&invoice, appointment_id, "nothing is paid, would be voided");
		return RC_OK;
	}
	if (invoice.amount_paid.minor == 0) {
		rc = invoice_void(cx, m->billing_ports, id, invoice.version, &invoice);
		*ret_mended = rc == RC_OK;
		m->mended += rc == RC_OK;
	}
	if (*ret_mended) {
		tell_invoice(&invoice, appointment_id, "nothing was paid, voided");
	} else if (rc == RC_OK || rc == RC_CONFLICT || rc == RC_STALE) {
		/* Its state doesn't allow it, or somebody pays it right now. */
		tell_invoice(&invoice, appointment_id, "money came in for it, a person must decide: book the visit again, or refund it");
		m->left++;
		rc = RC_OK;
	}
	return settled(m, cx, rc);
}

void
mend_revived(struct mend *m, const char *id, const char *appointment_id)
{
	printf("invoice %s: it knows its booking %s as cancelled, which scheduling doesn't: a person must decide:"
	       " cancel it there, too, and book again what is to be\n",
	    id, appointment_id);
	m->left++;
}

/* --- patients --- */

typedef enum rc patients_fn(
    struct ctx *cx, const char *after, int64_t max, struct mend_patient **ret_patients, size_t *ret_count);

/* Of one page those whom the patients' database doesn't know.  Both pages are in the order of ids. */
static enum rc
look_at_page(struct mend *m, const char *what, const struct mend_patient *page, size_t count)
{
	struct ctx *cx = &m->cx[PATIENT];
	struct pg_array ids = PG_ARRAY(m->arena);
	struct mend_patient *unknown;
	size_t unknown_count, at = 0;
	enum rc rc;

	for (size_t i = 0; i < count; i++)
		pg_array_add(&ids, page[i].id);
	cx->arena = m->arena;
	rc = mend_store_unknown(cx, pg_array_end(&ids), &unknown, &unknown_count);
	for (size_t i = 0; rc == RC_OK && i < unknown_count; i++) {
		while (strcmp(page[at].id, unknown[i].id) != 0)
			at++;
		printf("patient %s: has %" PRId64 " %s, and the patients' database doesn't know them: a person must decide\n", page[at].id,
		    page[at].count, what);
		m->left++;
	}
	return settled(m, cx, rc);
}

static enum rc
look_at_patients(struct mend *m, enum mend_connection where, const char *what, patients_fn *fetch)
{
	char last[UUID_SIZE];
	const char *after = NULL;
	struct mend_patient *page;
	size_t count = PAGE;
	enum rc rc = RC_OK;

	while (rc == RC_OK && count == PAGE) {
		struct ctx *cx = use(m, where);

		rc = settled(m, cx, fetch(cx, after, PAGE, &page, &count));
		if (rc != RC_OK || count == 0)
			break;
		rc = look_at_page(m, what, page, count);
		memcpy(last, page[count - 1].id, UUID_SIZE);
		after = last;
	}
	return rc;
}

/* --- audit trails --- */

static void
tell_trail(struct mend *m, const char *domain, enum seal_state state, int64_t sealed, int64_t last)
{
	const char *seal = config->audit.seal;

	if (state == SEAL_GOOD && sealed <= last)
		return;
	if (state == SEAL_NONE && last == 0)
		return;
	m->left++;
	if (state == SEAL_GOOD)
		printf("audit of %s: sealed up to row %" PRId64 ", and the trail ends at %" PRId64 ": where a restore lost them, stop the"
		       " relay, `mv %s/%s %s/%s.lost && medicore audit seal %s`\n",
		    domain, sealed, last, seal, domain, seal, domain, domain);
	else if (state == SEAL_NONE)
		printf("audit of %s: there is no seal: where a restore lost it, `medicore audit seal %s`\n", domain, domain);
	else if (state == SEAL_BROKEN)
		printf("audit of %s: the seal %s/%s is not by this [audit] key: give back the key that it is by\n", domain, seal, domain);
	else
		printf("audit of %s: the seal %s/%s can't be read: %s\n", domain, seal, domain, strerror(errno));
}

/* The seal is read before the table: what it covers is there by then. */
static bool
look_at_trail(struct mend *m, const struct cli_domain *d)
{
	struct audit_head seal = { 0 };
	enum seal_state state;
	struct audit_keys keys;
	int64_t last = 0;
	struct ctx cx;
	int error;
	enum rc rc;

	audit_keys_make(config->audit.key, d->name, &keys);
	state = audit_seal_read(d->name, &keys, &seal);
	error = errno;
	audit_keys_free(&keys);
	if (!cli_open(m->cli, d->database, CLI_OPERATOR, &cx))
		return false;
	rc = audit_store_last(&cx, &last);
	cli_close(&cx);
	if (rc != RC_OK)
		return cli_failed(m->cli, &cx, rc, "%s: the trail can't be read", d->name) == CLI_DONE;
	errno = error;
	tell_trail(m, d->name, state, seal.seq, last);
	return true;
}

static bool
look_at_trails(struct mend *m)
{
	struct cli_domain domains[CLI_DOMAINS];
	bool good = true;

	if (config->audit.key == NULL) {
		puts("audit trails are not looked at: [audit] key is not set, or its file may not be read");
		return true;
	}
	cli_domains(domains);
	for (size_t i = 0; good && i < CLI_DOMAINS; i++)
		good = look_at_trail(m, &domains[i]);
	return good;
}

/* --- the end --- */

int
mend_end(struct mend *m)
{
	enum rc rc = look_at_patients(m, BILLING, "invoices", mend_store_with_invoices);
	bool good;

	if (rc == RC_OK)
		rc = look_at_patients(m, OPERATOR, "appointments", mend_store_with_appointments);
	if (rc != RC_OK)
		cli_failed(m->cli, m->failed, rc, "can't compare patients");
	good = rc == RC_OK && look_at_trails(m);
	printf("mended %" PRId64 ", left for a person %" PRId64 "%s\n", m->mended, m->left,
	    m->dry_run ? " (dry run: nothing was changed)" : "");
	while (m->opened > 0)
		cli_close(&m->cx[--m->opened]);
	arena_free(m->arena);
	return good && m->left == 0 ? CLI_DONE : CLI_FAILED;
}
