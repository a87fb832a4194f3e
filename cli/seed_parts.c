/* seed_parts.c - patients, invoices and accounts: which column is which member, and what becomes of a row. */
#include <string.h>

#include "cli/seed_store.h"
#include "domain/auth/auth.h"
#include "domain/billing/billing.h"
#include "domain/patient/patient.h"

static void
tell(struct seed_item *const *items, const enum rc *each, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		items[i]->rc = each[i];
		if (each[i] == RC_CONFLICT)
			items[i]->reason = "email: another has that address, in this case or another";
	}
}

/* --- patients --- */

static void
check_patient(struct ctx *cx, struct seed_item *item)
{
	struct patient *p = item->value;

	p->id = item->id;
	(void)patient_check(cx, p);
}

static enum rc
take_patients(struct ctx *cx, struct seed *seed, struct seed_item *const *items, size_t count)
{
	struct patient *patients = arena_zalloc_n(cx->arena, count, sizeof(*patients));
	enum rc *each = arena_zalloc_n(cx->arena, count, sizeof(*each)), rc;

	(void)seed;
	for (size_t i = 0; i < count; i++)
		patients[i] = *(const struct patient *)items[i]->value;
	rc = patient_register_all(cx, patients, count, each);
	if (rc == RC_OK)
		tell(items, each, count);
	return rc;
}

static const struct seed_part patients = {
	.option = "--patients",
	.name = "patients",
	.table = "patient",
	.next = &seed_store_patients,
	.domain = CLI_PATIENT,
	.batch = 500,
	.fields = patient_fields,
	.members = { "name", "email", "gender", "address", "dateOfBirth", "registeredDate" },
	.size = sizeof(struct patient),
	.check = check_patient,
	.take = take_patients,
};

/* --- invoices --- */

static void
check_invoice(struct ctx *cx, struct seed_item *item)
{
	struct foreign_invoice *asked = item->value;

	asked->id = item->id;
	if (cx->err.fields == NULL)
		(void)invoice_check_foreign(cx, asked, &item->note);
}

/* Who was deleted there has left invoices behind, which belong to the books all the same. */
static enum rc
note_strangers(struct ctx *cx, struct seed *seed, struct seed_item *const *items, size_t count)
{
	const char **ids = arena_zalloc_n(cx->arena, count, sizeof(*ids));
	bool *exist = arena_zalloc_n(cx->arena, count, sizeof(*exist));
	struct ctx there;
	enum rc rc;

	ctx_init(&there, cx->arena, seed->here[SEED_PATIENTS].pg);
	for (size_t i = 0; i < count; i++)
		ids[i] = ((const struct foreign_invoice *)items[i]->value)->patient_id;
	rc = patient_exist(&there, ids, count, exist);
	if (rc != RC_OK)
		return err_detail(cx, rc, "patients can't be looked up: %s",
		    there.err.detail == NULL ? rc_meaning(rc)->title : there.err.detail);
	for (size_t i = 0; i < count; i++)
		if (!exist[i])
			items[i]->note = arena_printf(cx->arena, "%s%sits patient is not here",
			    items[i]->note == NULL ? "" : items[i]->note, items[i]->note == NULL ? "" : "; ");
	return RC_OK;
}

static enum rc
take_invoices(struct ctx *cx, struct seed *seed, struct seed_item *const *items, size_t count)
{
	struct foreign_invoice *invoices = arena_zalloc_n(cx->arena, count, sizeof(*invoices));
	enum rc *each = arena_zalloc_n(cx->arena, count, sizeof(*each)), rc;

	for (size_t i = 0; i < count; i++)
		invoices[i] = *(const struct foreign_invoice *)items[i]->value;
	rc = invoice_take_over(cx, invoices, count, seed->booked, each);
	if (rc == RC_OK)
		rc = note_strangers(cx, seed, items, count);
	if (rc == RC_OK)
		tell(items, each, count);
	return rc;
}

static const struct seed_part invoices = {
	.option = "--billing",
	.name = "invoices",
	.table = "invoice",
	.next = &seed_store_invoices,
	.domain = CLI_BILLING,
	.batch = 500,
	.fields = foreign_invoice_fields,
	.members = { "amount", "patientId", "status" },
	.size = sizeof(struct foreign_invoice),
	.check = check_invoice,
	.take = take_invoices,
};

/* --- accounts --- */

static void
check_account(struct ctx *cx, struct seed_item *item)
{
	struct foreign_account asked = { .id = item->id, .as = *(const struct registration *)item->value };
	const char *weak = NULL;

	if (cx->err.fields == NULL && account_check_foreign(cx, &asked, &weak) == RC_OK && weak != NULL)
		item->note = arena_printf(cx->arena, "password: %s", weak);
}

static enum rc
take_accounts(struct ctx *cx, struct seed *seed, struct seed_item *const *items, size_t count)
{
	struct foreign_account *accounts = arena_zalloc_n(cx->arena, count, sizeof(*accounts));
	enum rc *each = arena_zalloc_n(cx->arena, count, sizeof(*each)), rc;

	for (size_t i = 0; i < count; i++)
		accounts[i] = (struct foreign_account){ items[i]->id, *(const struct registration *)items[i]->value };
	rc = account_take_over(cx, accounts, count, seed->dry_run, each);
	if (rc == RC_OK)
		tell(items, each, count);
	return rc;
}

static const struct seed_part accounts = {
	.option = "--auth",
	.name = "accounts",
	.table = "users",
	.next = &seed_store_users,
	.domain = CLI_AUTH,
	.batch = 20, /* a hash may cost a second, and no transaction may be idle for long */
	.fields = registration_fields,
	.members = { "name", "email", "password", "role" },
	.size = sizeof(struct registration),
	.check = check_account,
	.take = take_accounts,
};

const struct seed_part *const seed_parts[SEED_PARTS] = {
	[SEED_PATIENTS] = &patients,
	[SEED_INVOICES] = &invoices,
	[SEED_ACCOUNTS] = &accounts,
};
