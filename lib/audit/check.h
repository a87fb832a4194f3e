/* check.h - is a trail whole?  Rows go in, in order of seq; the first that isn't where and what it was comes out. */
#ifndef AUDIT_CHECK_H
#define AUDIT_CHECK_H

#include <stdbool.h>
#include <stdint.h>

#include "lib/audit/audit_store.h"
#include "lib/audit/chain.h"

enum audit_fault {
	AUDIT_WHOLE,
	AUDIT_EDITED,
	AUDIT_MISSING,  /* others come behind it */
	AUDIT_CUT,      /* it and all behind it, up to the sealed end, are gone */
	AUDIT_SWAPPED,  /* it stands where another does now: .other */
	AUDIT_INSERTED, /* it was never written by the relay */
	AUDIT_RESEALED, /* the chain is whole up to here, but isn't the one that was sealed */
};

struct audit_verdict {
	int64_t rows; /* that were looked at */
	enum audit_fault fault;
	int64_t seq;   /* of the first bad row */
	int64_t other; /* with AUDIT_SWAPPED */
};

struct audit_check {
	const struct audit_keys *keys;
	const struct audit_head *seal; /* NULL: there is none */
	struct audit_head head;        /* up to here all is well */
	struct audit_verdict verdict;
	bool decided;
	/* While it isn't decided what became of the row behind head, where that is bad: */
	bool suspecting;
	unsigned char suspect_mac[AUDIT_MAC_SIZE];
	int64_t displaced;                           /* where the true one was found; 0: nowhere yet */
	unsigned char displaced_mac[AUDIT_MAC_SIZE]; /* the MAC it has */
};

void audit_check_begin(struct audit_check *c, const struct audit_keys *keys, const struct audit_head *seal);
void audit_check_row(struct audit_check *c, const struct audit_row *row);
void audit_check_end(struct audit_check *c, struct audit_verdict *ret);

#endif
