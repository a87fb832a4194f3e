/*
 * openapi_merge PART... - joins the OpenAPI documents that the programs print into one, at build time.
 *
 * What two parts both have (the error schema, the health paths) must be the same in both: a clash ends the
 * build.
 */
#include <json-c/json.h>
#include <stdio.h>
#include <string.h>

/* Adds from's members to to.  what names the place in a message. */
static int
merge(struct json_object *to, struct json_object *from, const char *what)
{
	json_object_object_foreach(from, name, value) {
		struct json_object *known;

		if (!json_object_object_get_ex(to, name, &known)) {
			json_object_object_add(to, name, json_object_get(value));
		} else if (!json_object_equal(known, value)) {
			fprintf(stderr, "openapi_merge: two different %s \"%s\"\n", what, name);
			return -1;
		}
	}
	return 0;
}

static void
merge_tags(struct json_object *to, struct json_object *from)
{
	for (size_t i = 0; i < json_object_array_length(from); i++) {
		struct json_object *tag = json_object_array_get_idx(from, i);
		size_t n = json_object_array_length(to), j;

		for (j = 0; j < n && !json_object_equal(json_object_array_get_idx(to, j), tag); j++)
			;
		if (j == n)
			json_object_array_add(to, json_object_get(tag));
	}
}

static int
merge_part(struct json_object *whole, struct json_object *part)
{
	static const char *const sections[] = { "schemas", "responses", "parameters", "headers" };
	struct json_object *to, *from;

	to = json_object_object_get(whole, "components");
	from = json_object_object_get(part, "components");
	for (size_t i = 0; i < sizeof(sections) / sizeof(sections[0]); i++)
		if (merge(json_object_object_get(to, sections[i]), json_object_object_get(from, sections[i]),
			sections[i]) != 0)
			return -1;
	merge_tags(json_object_object_get(whole, "tags"), json_object_object_get(part, "tags"));
	return merge(json_object_object_get(whole, "paths"), json_object_object_get(part, "paths"), "paths");
}

int
main(int argc, char **argv)
{
	struct json_object *whole = NULL;
	int style = JSON_C_TO_STRING_PRETTY | JSON_C_TO_STRING_SPACED | JSON_C_TO_STRING_NOSLASHESCAPE;
	int failed = argc < 2;

	for (int i = 1; i < argc && !failed; i++) {
		struct json_object *part = json_object_from_file(argv[i]);

		if (!json_object_is_type(part, json_type_object)) {
			fprintf(stderr, "openapi_merge: %s: %s\n", argv[i], json_util_get_last_err());
			failed = 1;
		} else if (whole == NULL) {
			whole = json_object_get(part);
		} else {
			failed = merge_part(whole, part) != 0;
		}
		json_object_put(part);
	}
	if (!failed)
		failed = puts(json_object_to_json_string_ext(whole, style)) < 0;
	json_object_put(whole);
	return failed || fflush(stdout) != 0;
}
