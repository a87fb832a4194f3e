/* account.c - what patients owe and have. */
#include "domain/billing/account_store.h"
#include "domain/billing/ledger.h"
#include "domain/billing/report.h"

/* --- whose account it is --- */

enum rc
account_verify(struct ctx *cx, const struct billing_ports *ports, const char *patient_id)
{
	bool known = false;
	enum rc rc = account_store_known(cx, patient_id, &known);

	/* Also who was deleted meanwhile: what is owed stays. */
	if (rc == RC_OK && !known)
		rc = ports->patients_exist(cx, &patient_id, 1, &known);
	if (rc == RC_OK && !known)
		return err_set(cx, RC_NOT_FOUND, "patient with Id %s do not exist", patient_id);
	return rc;
}

enum rc
sum_too_large(struct ctx *cx)
{
	return err_set(cx, RC_CONFLICT, "A sum is too large to be told");
}

/* --- balances --- */

static enum rc
find_balances(struct ctx *cx, const char *patient_id, struct field_list *ret)
{
	struct stored_balance *stored;
	struct balance *balances;
	char today[DATE_SIZE];
	size_t count;
	enum rc rc;

	clinic_today(today);
	rc = account_store_balances(cx, patient_id, today, &stored, &count);
	if (rc != RC_OK)
		return rc;
	balances = arena_zalloc_n(cx->arena, count, sizeof(*balances));
	for (size_t i = 0; i < count; i++) {
		if (stored[i].too_large)
			return sum_too_large(cx);
		balances[i] = stored[i].balance;
		balances[i].ageing.currency = balances[i].currency;
	}
	*ret = (struct field_list){ .rows = balances, .count = count };
	return RC_OK;
}

enum rc
account_find(struct ctx *cx, const struct billing_ports *ports, const char *patient_id, struct account *ret_account)
{
	struct account account = { .patient_id = patient_id };
	struct invoice *invoices;
	enum rc rc = find_balances(cx, patient_id, &account.balances);

	if (rc == RC_OK)
		rc = account_store_open(cx, patient_id, &invoices, &account.invoices.count);
	if (rc == RC_OK && account.balances.count == 0)
		rc = account_verify(cx, ports, patient_id);
	if (rc != RC_OK)
		return rc;
	account.invoices.rows = invoices;
	*ret_account = account;
	return RC_OK;
}
