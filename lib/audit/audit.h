/*
 * audit.h - who read or changed what: noted in a spool file before the answer leaves, stored by medicore-relay.
 *
 * A program appends one line per entry to a file of its own, [audit] spool/DOMAIN/PROGRAM.UUID, on which it
 * holds a shared flock while it lives.  What was appended survives the program's sudden end, not the
 * machine's: nothing is synced.  The relay stores whole lines, and removes a file that is stored and whose
 * owner is gone.
 */
#ifndef AUDIT_AUDIT_H
#define AUDIT_AUDIT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/base/ctx.h"
#include "lib/base/dates.h"

/* Texts are UTF-8; "" and NULL are the same: nothing to say. */
struct audit_entry {
	int64_t seq;                                    /* its place in the trail; 0 until it is stored */
	struct instant at;                              /* when it was answered */
	const char *account, *role, *session, *address; /* as in struct ctx */
	const char *program;                            /* "medicore-patient.fcgi" */
	const char *action;     /* "GET /patients/{id}", "patient.PatientService/verifyPatient" */
	const char *thing;      /* what the path named, or what was made; several parted by spaces */
	const char *patient_id; /* whom it is about, where that is known: a UUID */
	const char *filter;     /* what was searched or asked for */
	int64_t count;          /* how many things the answer held */
	const char *result;     /* rc_meaning(rc)->name, or AUDIT_BEGUN */
	const char *request_id;
};

/* The result of an entry that says an answer has begun to leave; a second entry tells how it ended. */
#define AUDIT_BEGUN "begun"

/* --- noting (spool.c) --- */

struct audit_spool;

/* Makes no file yet, and never fails: what is wrong with the spool is told by audit_ready.  Any thread may
 * use it.  program and domain are the caller's. */
struct audit_spool *audit_spool_new(const char *domain, const char *program);
void audit_spool_free(struct audit_spool *spool); /* NULL is fine */

/*
 * Before anything happens that will have to be noted: RC_OK when there is a file with room reserved for more
 * than the next entry, so that a full disk refuses a change rather than finding out when it is made.  Else
 * RC_UNAVAILABLE, err.detail says why; the next call tries again.
 */
enum rc audit_ready(struct ctx *cx, struct audit_spool *spool);

/* Notes entry, whose at, caller and request id are filled in here, from cx.  RC_UNAVAILABLE: it was not noted, so nothing
 * may be answered. */
enum rc audit_note(struct ctx *cx, struct audit_spool *spool, const struct audit_entry *entry);

/* The same for several, by as few writes as may be.  Each has an rc of its own: those whose write failed weren't noted. */
struct audit_note {
	struct ctx *cx;
	const struct audit_entry *entry;
	enum rc rc;
};
void audit_note_all(struct audit_spool *spool, struct audit_note *notes, size_t count);

/* --- lines (line.c) --- */

/* Bytes of the longest line with its '\n': a thousand ids and all else. */
#define AUDIT_LINE_MAX ((size_t)64 * 1024)

/* Writes entry as a line and returns its length.  Text that doesn't fit is cut, which an ellipsis at its end tells. */
size_t audit_line_write(char line[AUDIT_LINE_MAX], const struct audit_entry *entry);

/* Reads a line of length bytes, not counting its '\n', in place: texts point into it, and the '\n' becomes a NUL.
 * False, *ret untouched, for one that audit_line_write can't have written. */
bool audit_line_read(char *line, size_t length, struct audit_entry *ret);

#endif
