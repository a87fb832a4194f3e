#include "lib/web/throttle.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <string.h>

#include "lib/base/clock.h"
#include "lib/base/config.h"
#include "lib/metrics/metrics.h"

/* An address as bytes: 4 of IPv4, 8 of IPv6, since a subscriber has all of a /64; none where it isn't known. */
struct place {
	unsigned char bytes[16];
	size_t length;
	bool here; /* on this machine */
};

static struct place
place_of(const char *address)
{
	static const unsigned char mapped[12] = { [10] = 0xff, [11] = 0xff };
	struct place p = { .here = true };

	if (inet_pton(AF_INET, address, p.bytes) == 1) {
		p.length = 4;
	} else if (inet_pton(AF_INET6, address, p.bytes) == 1) {
		p.length = 8;
		if (memcmp(p.bytes, mapped, sizeof(mapped)) == 0) {
			memmove(p.bytes, p.bytes + sizeof(mapped), 4);
			p.length = 4;
		}
	}
	if (p.length == 4)
		p.here = p.bytes[0] == 127;
	else if (p.length == 8)
		p.here = memcmp(p.bytes, &in6addr_loopback, sizeof(in6addr_loopback)) == 0;
	return p;
}

bool
address_is_here(const char *address)
{
	struct place place = place_of(address);

	return place.length > 0 && place.here;
}

enum rc
throttle(struct ctx *cx, struct request *rq, enum rc rc)
{
	struct place place = place_of(cx->address);
	int rate = place.here ? config->web.rate_loopback : config->web.rate;
	const void *key = place.bytes;
	size_t length = place.length;

	rq->by_account = *cx->account != '\0';
	if (rq->by_account) {
		key = cx->account;
		length = strlen(cx->account);
	}
	if (rq->program->limits == NULL || rate == 0 || (rq->route != NULL && rq->route->quiet))
		return rc;
	if (limits_take(rq->program->limits, key, length, rate, clock_monotonic_ns() / 1000, &rq->limit))
		return rc;
	metrics_add(M_HTTP_THROTTLED, rq->by_account ? CLIENT_ACCOUNT : CLIENT_ADDRESS, 1);
	err_clear(cx);
	cx->err.retry_after_s = (rq->limit.wait_us + 999999) / 1000000;
	return err_set(cx, RC_THROTTLED, "More than %d requests a minute", rate);
}

void
throttle_headers(struct buf *head, const struct request *rq)
{
	const char *name = rq->by_account ? "\"account\"" : "\"address\"";

	if (rq->limit.quota == 0)
		return;
	buf_add_text(head, "RateLimit-Policy: ");
	buf_add_text(head, name);
	buf_add_text(head, ";q=");
	buf_add_number(head, rq->limit.quota);
	buf_add_text(head, ";w=60\r\nRateLimit: ");
	buf_add_text(head, name);
	buf_add_text(head, ";r=");
	buf_add_number(head, rq->limit.remaining);
	buf_add_text(head, ";t=");
	buf_add_number(head, (rq->limit.reset_us + 999999) / 1000000);
	buf_add_text(head, "\r\n");
}
