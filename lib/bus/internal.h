/* internal.h - what the files of this room share. */
#ifndef BUS_INTERNAL_H
#define BUS_INTERNAL_H

#include <librdkafka/rdkafka.h>
#include <stdbool.h>

#include "lib/bus/bus.h"

struct bus_setting {
	const char *key;
	const char *value;
};

/* A client made of the settings (ending with a NULL key) on top of those that all of ours share, with ready, which may be NULL, called
 * on the configuration first.  NULL, with ret_why said, for bad settings. */
rd_kafka_t *bus_client_new(rd_kafka_type_t type, const char *brokers, const struct bus_setting *settings,
    void (*ready)(rd_kafka_conf_t *conf, void *opaque), void *opaque, char *ret_why, size_t size);

/* Which member of struct event a header is. */
struct bus_header {
	const char *name;
	size_t at; /* offset in struct event, of a const char * that is NULL where the header is absent */
};

extern const struct bus_header bus_headers[]; /* ends with a NULL name */

#endif
