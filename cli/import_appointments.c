/* import_appointments.c - visits as appointments, with the events that become invoices. */
#include <poll.h>
#include <stdlib.h>
#include <string.h>

#include "cli/import.h"
#include "domain/scheduling/scheduling.h"
#include "lib/base/config.h"

/* How often the patient service is asked before the import gives up, and the pause between. */
#define ASK_TIMES 5
#define ASK_PAUSE_MS 200

static const char *
database(void)
{
	return config->database.scheduling;
}

static const struct import_column columns[] = {
	{ "Id", "id", false },
	{ "START", "startsAt", false },
	{ "STOP", "endsAt", false },
	{ "PATIENT", "patientId", false },
	{ "PROVIDER", "providerId", true },
	{ "SERVICE", "serviceCode", false },
	{ .name = NULL }
};

/*
 * The patients of the batch at hand and whether they exist, in order of their ids.  A port gets no closure, and the command has one thread,
 * so they are the file's.
 */
static struct {
	const char **ids;
	bool *exist;
	size_t count;
} verified;

static int
compare_ids(const void *a, const void *b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* The port that appointment_book gets: prepare() has asked for all patients of the batch at once. */
static enum rc
exist_verified(struct ctx *cx, const char *const *ids, size_t count, bool *ret_exist)
{
	for (size_t i = 0; i < count; i++) {
		const char **found = bsearch(&ids[i], verified.ids, verified.count, sizeof(*verified.ids), compare_ids);

		if (found == NULL)
			return err_detail(cx, RC_INTERNAL, "a patient who was not asked for");
		ret_exist[i] = verified.exist[found - verified.ids];
	}
	return RC_OK;
}

static void
map(struct ctx *cx, const struct import *im, const struct import_row *row, void *into)
{
	const struct appointment *a = into;

	(void)im;
	(void)row;
	if (a->id == NULL)
		err_field(cx, RC_INVALID, "id", "id is required");
	if (!a->ends_at.known)
		err_field(cx, RC_INVALID, "endsAt", "endsAt is required");
}

static enum rc
prepare(struct ctx *cx, const struct import *im, struct import_row *const *rows, size_t count)
{
	const char **ids = arena_zalloc_n(cx->arena, count, sizeof(*ids));
	size_t kept = 0;
	enum rc rc = RC_UNAVAILABLE;

	for (size_t i = 0; i < count; i++)
		ids[i] = ((const struct appointment *)rows[i]->value)->patient_id;
	qsort(ids, count, sizeof(*ids), compare_ids);
	for (size_t i = 0; i < count; i++)
		if (kept == 0 || strcmp(ids[kept - 1], ids[i]) != 0)
			ids[kept++] = ids[i];
	verified.ids = ids;
	verified.count = kept;
	verified.exist = arena_zalloc_n(cx->arena, kept, sizeof(*verified.exist));
	for (int i = 0; i < ASK_TIMES && (rc == RC_UNAVAILABLE || rc == RC_TIMEOUT); i++) {
		if (i > 0)
			poll(NULL, 0, ASK_PAUSE_MS);
		err_clear(cx);
		rc = im->ports->patients_exist(cx, ids, kept, verified.exist);
	}
	return rc;
}

static enum rc
write_appointment(struct ctx *cx, const struct import *im, const void *value, bool *ret_already)
{
	struct scheduling_ports ports = *im->ports;
	struct appointment booked;
	enum rc rc;

	ports.patients_exist = exist_verified;
	rc = appointment_book(cx, &ports, value, &booked);
	*ret_already = import_id_taken(cx, rc);
	return *ret_already ? RC_OK : rc;
}

const struct import_kind import_appointments = {
	.name = "appointments",
	.database = database,
	.fields = appointment_fields,
	.columns = columns,
	.size = sizeof(struct appointment),
	.batch = 500, /* also the most ids that one verifyPatients is asked for */
	.map = map,
	.prepare = prepare,
	.write = write_appointment,
};
