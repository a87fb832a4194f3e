/*
 * mend.h - what `medicore check --mend` does about what domains disagree on, as after a restore to moments that differ.
 *
 * A line on standard output for each.  What can be done without a decision is done; the rest is a person's.  No invoice is made here: a
 * booking is told of again, and billing makes its invoice, once, as it makes any.  Nothing that was paid is touched.
 */
#ifndef CLI_MEND_H
#define CLI_MEND_H

#include <stdbool.h>

#include "cli/cli.h"

struct checked;
struct mend;
struct scheduling_ports;
struct billing_ports;

/* Asks on the connections of w, too, which must stay.  False, said on standard error, where a database can't be opened.  With dry_run it says what it would do. */
bool mend_open(struct cli *cli, const struct checked *w, const struct scheduling_ports *scheduling_ports,
    const struct billing_ports *billing_ports, bool dry_run, struct mend **ret);

/* Looks at patients and audit trails, says how many things were mended and are left, and ends it; CLI_FAILED where any is left. */
int mend_end(struct mend *m);

/* A booking without its invoice or, with cancellation set, a cancelled one whose invoice doesn't know: its event is published again, or where
 * event_id is "" told anew.  *ret_mended stays false in a dry run. */
enum rc mend_event(struct mend *m, const char *appointment_id, const char *event_id, bool cancellation, bool *ret_mended);

/* An invoice of a booking that scheduling doesn't know: voided where nothing is paid. */
enum rc mend_invoice(struct mend *m, const char *id, const char *appointment_id, bool *ret_mended);

/* An invoice that knows its booking as cancelled, which scheduling doesn't. */
void mend_revived(struct mend *m, const char *id, const char *appointment_id);

/* The context of the failure that the last of these ended in; NULL: none failed. */
struct ctx *mend_failed(struct mend *m);

#endif
