/* json_check.c - the gate against jansson, which was written by others: the two must take and refuse the
 * same texts, and read the same out of them. */
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

static bool same(struct arena *a, const struct json *ours, uint32_t i, const json_t *theirs);

static bool
same_elements(struct arena *a, const struct json *ours, uint32_t i, const json_t *theirs)
{
	uint32_t element = i + 1;
	size_t count = 0;

	for (; element < ours->tokens[i].next; element = ours->tokens[element].next)
		if (!same(a, ours, element, json_array_get(theirs, count++)))
			return false;
	return count == json_array_size(theirs) && element == ours->tokens[i].next;
}

static bool
same_members(struct arena *a, const struct json *ours, uint32_t i, const json_t *theirs)
{
	uint32_t name = i + 1;
	size_t count = 0;

	for (; name < ours->tokens[i].next; name = ours->tokens[name + 1].next, count++) {
		const struct json_token *t = &ours->tokens[name];

		if (t->kind != JSON_IS_TEXT || t->next != name + 1 ||
		    !same(a, ours, name + 1, json_object_get(theirs, json_unescape(a, ours->text + t->at, t->length))))
			return false;
	}
	return count == json_object_size(theirs) && name == ours->tokens[i].next;
}

/* Whether token i says what theirs is. */
static bool
same(struct arena *a, const struct json *ours, uint32_t i, const json_t *theirs)
{
	const struct json_token *t = &ours->tokens[i];
	char *text = json_unescape(a, ours->text + t->at, t->kind < JSON_IS_LIST ? t->length : 0);

	switch (t->kind) {
	case JSON_IS_NULL:
		return json_is_null(theirs) && strcmp(text, "null") == 0;
	case JSON_IS_TRUE:
		return json_is_true(theirs) && strcmp(text, "true") == 0;
	case JSON_IS_FALSE:
		return json_is_false(theirs) && strcmp(text, "false") == 0;
	case JSON_IS_WHOLE:
		return json_is_integer(theirs) && json_integer_value(theirs) == strtoll(text, NULL, 10);
	case JSON_IS_FRACTION:
		return json_is_real(theirs) && json_real_value(theirs) == strtod(text, NULL);
	case JSON_IS_TEXT:
		return json_is_string(theirs) && strcmp(json_string_value(theirs), text) == 0;
	case JSON_IS_LIST:
		return json_is_array(theirs) && same_elements(a, ours, i, theirs);
	default:
		return json_is_object(theirs) && same_members(a, ours, i, theirs);
	}
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct arena *arena;
	const char *text = (const char *)data;
	struct json_fault fault = { .why = "" };
	json_error_t error = { 0 };
	struct json read;
	json_t *theirs;
	enum rc ours;

	if (arena == NULL)
		arena = arena_new();
	arena_reset(arena);
	ours = json_parse(arena, text, size, &read, &fault);
	if (json_check(text, size, &fault) != ours)
		abort();

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
	if (theirs != NULL && ours == RC_OK && !same(arena, &read, 0, theirs))
		abort();
	json_decref(theirs);
	return 0;
}
