/* media.h - media types in Accept and Content-Type, entity tags in If-Match and If-None-Match (RFC 9110). */
#ifndef WEB_MEDIA_H
#define WEB_MEDIA_H

#include <stdbool.h>
#include <stdint.h>

/* What an Accept header (NULL: none, which takes all) makes of us. */
struct media_accept {
	bool json;    /* application/json, or application/problem+json, may be sent */
	bool problem; /* application/problem+json is named */
	bool other;   /* the other type that the route can answer with may be sent … */
	bool first;   /* … and is preferred: weighs more, or as much and is named where JSON isn't */
};
struct media_accept media_accept(const char *header, const char *other); /* other: NULL where there is none */

/* True for application/json, whatever its case, with no charset but utf-8. */
bool media_is_json(const char *content_type);

/* If-Match by strong comparison (section 13.1.1): true where the header is "*" (*ret_version is 0) or has
 * strong tags of ours, of which *ret_version is the highest: versions only grow, so no client can know a
 * higher one than the current. */
bool etag_match(const char *header, int64_t *ret_version);

/* If-None-Match by weak comparison (section 13.1.2): true where it names version. */
bool etag_none_match(const char *header, int64_t version);

#endif
