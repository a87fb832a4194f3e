/* json_check.c - the gate against jansson, which was written by others: the two must take and refuse the
 * same texts. */
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/field/json_check.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* True where jansson has a limit of its own, or we do: neither says whether the text is JSON. */
static bool
limit_met(enum rc rc, const char *why, const json_error_t *error)
{
	if (rc != RC_OK && (strcmp(why, "nested too deeply") == 0 || strcmp(why, "too many members") == 0))
		return true;
	return rc == RC_OK && json_error_code(error) == json_error_numeric_overflow;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const char *text = (const char *)data;
	struct json_fault fault = { .why = "" };
	json_error_t error = { 0 };
	json_t *theirs;
	enum rc ours = json_check(text, size, &fault);

	/* jansson 2.14 takes a NUL behind the value for its end; no JSON has one. */
	if (size > 0 && memchr(text, '\0', size) != NULL) {
		if (ours == RC_OK)
			abort();
		return 0;
	}
	theirs = json_loadb(text, size, JSON_REJECT_DUPLICATES | JSON_DECODE_ANY, &error);
	if (fault.at > size || (ours != RC_OK && ours != RC_INVALID) || (ours == RC_INVALID && *fault.why == '\0'))
		abort();
	if ((theirs != NULL) != (ours == RC_OK) && !limit_met(ours, fault.why, &error)) {
		fprintf(stderr, "ours: %s at %zu; jansson: %s\n", ours == RC_OK ? "taken" : fault.why, fault.at,
		    theirs != NULL ? "taken" : error.text);
		abort();
	}
	json_decref(theirs);
	return 0;
}
