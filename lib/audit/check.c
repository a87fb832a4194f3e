#include "lib/audit/check.h"

#include <string.h>

void
audit_check_begin(struct audit_check *c, const struct audit_keys *keys, const struct audit_head *seal)
{
	*c = (struct audit_check){ .keys = keys, .seal = seal };
}

/* Whether row, were it the one at seq, would be the one written behind the MAC before. */
static bool
follows(const struct audit_check *c, const unsigned char before[AUDIT_MAC_SIZE], const struct audit_row *row,
    int64_t seq)
{
	struct audit_entry entry = row->entry;
	unsigned char mac[AUDIT_MAC_SIZE];

	entry.seq = seq;
	audit_mac(c->keys, before, &entry, mac);
	return row->mac.length == AUDIT_MAC_SIZE && audit_mac_same(mac, row->mac.bytes);
}

static void
decide(struct audit_check *c, enum audit_fault fault, int64_t seq)
{
	c->verdict.fault = fault;
	c->verdict.seq = seq;
	c->decided = true;
}

static bool
behind_the_seal(const struct audit_check *c, int64_t seq)
{
	return c->seal != NULL && seq > c->seal->seq;
}

static void
advance(struct audit_check *c, const struct audit_row *row)
{
	c->head.seq = row->entry.seq;
	memcpy(c->head.mac, row->mac.bytes, AUDIT_MAC_SIZE);
	if (c->seal != NULL && c->head.seq == c->seal->seq && !audit_mac_same(c->head.mac, c->seal->mac))
		decide(c, AUDIT_RESEALED, c->head.seq);
}

/* What became of the row at `bad`, where another is: told by those behind it, which still have the MACs of how it was. */
static void
inquire(struct audit_check *c, const struct audit_row *row)
{
	int64_t bad = c->head.seq + 1, seq = row->entry.seq;

	if (c->displaced != 0) {
		/* The true one was found one further: all moved up for a stranger, or just these two changed places. */
		decide(c, follows(c, c->displaced_mac, row, seq - 1) ? AUDIT_INSERTED : AUDIT_SWAPPED, bad);
		c->verdict.other = c->displaced;
	} else if (seq == bad + 1 && follows(c, c->suspect_mac, row, seq)) {
		decide(c, AUDIT_EDITED, bad);
	} else if (follows(c, c->head.mac, row, seq)) {
		decide(c, AUDIT_INSERTED, bad); /* the relay left it out */
	} else if (follows(c, c->head.mac, row, bad)) {
		c->displaced = seq;
		memcpy(c->displaced_mac, row->mac.bytes, AUDIT_MAC_SIZE);
		if (seq != bad + 1) {
			decide(c, AUDIT_SWAPPED, bad);
			c->verdict.other = seq;
		}
	}
}

void
audit_check_row(struct audit_check *c, const struct audit_row *row)
{
	int64_t seq = row->entry.seq, due = c->head.seq + 1;

	c->verdict.rows++;
	if (c->decided)
		return;
	if (c->suspecting) {
		inquire(c, row);
	} else if (seq == due && follows(c, c->head.mac, row, seq)) {
		advance(c, row);
	} else if (seq < due || (seq > due && behind_the_seal(c, due))) {
		decide(c, AUDIT_INSERTED, seq);
	} else if (seq > due) {
		decide(c, AUDIT_MISSING, due);
	} else {
		c->suspecting = true;
		if (row->mac.length == AUDIT_MAC_SIZE)
			memcpy(c->suspect_mac, row->mac.bytes, AUDIT_MAC_SIZE);
	}
}

void
audit_check_end(struct audit_check *c, struct audit_verdict *ret)
{
	int64_t due = c->head.seq + 1;

	if (!c->decided && c->displaced != 0) {
		decide(c, behind_the_seal(c, c->displaced) ? AUDIT_INSERTED : AUDIT_SWAPPED, due);
		c->verdict.other = c->displaced;
	} else if (!c->decided && c->suspecting) {
		decide(c, behind_the_seal(c, due) ? AUDIT_INSERTED : AUDIT_EDITED, due);
	} else if (!c->decided && c->seal != NULL && c->head.seq < c->seal->seq) {
		decide(c, AUDIT_CUT, due);
	}
	*ret = c->verdict;
}
