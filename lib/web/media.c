#include "lib/web/media.h"

#include <stddef.h>
#include <string.h>
#include <strings.h>

/* A piece of a header: not NUL-terminated. */
struct piece {
	const char *at;
	size_t length;
};

static struct piece
trimmed(const char *at, size_t length)
{
	while (length > 0 && (*at == ' ' || *at == '\t')) {
		at++;
		length--;
	}
	while (length > 0 && (at[length - 1] == ' ' || at[length - 1] == '\t'))
		length--;
	return (struct piece){ at, length };
}

/* Bytes before the next separator that isn't inside a quoted string. */
static size_t
span(const char *at, size_t length, char separator)
{
	bool quoted = false;
	size_t i;

	for (i = 0; i < length; i++) {
		if (at[i] == '"')
			quoted = !quoted;
		else if (at[i] == '\\' && quoted && i + 1 < length)
			i++;
		else if (at[i] == separator && !quoted)
			break;
	}
	return i;
}

/* Takes the piece up to the next separator off *rest. */
static struct piece
next_piece(struct piece *rest, char separator)
{
	size_t n = span(rest->at, rest->length, separator);
	struct piece piece = trimmed(rest->at, n);

	n += n < rest->length;
	rest->at += n;
	rest->length -= n;
	return piece;
}

static bool
piece_is(struct piece p, const char *text)
{
	return p.length == strlen(text) && strncasecmp(p.at, text, p.length) == 0;
}

/* A weight (section 12.4.2) in thousandths; what is none counts as 1. */
static int
weight(struct piece value)
{
	int thousandths = 0, scale = 100;

	if (value.length == 0 || (value.at[0] != '0' && value.at[0] != '1'))
		return 1000;
	if (value.at[0] == '1')
		return 1000;
	for (size_t i = 2; i < value.length && scale > 0; i++, scale /= 10) {
		if (value.at[i] < '0' || value.at[i] > '9')
			return 1000;
		thousandths += (value.at[i] - '0') * scale;
	}
	return thousandths;
}

/* The value of a media type's parameter, without its quotes; length 0 where it has none of that name. */
static struct piece
parameter(struct piece parameters, const char *name)
{
	while (parameters.length > 0) {
		struct piece value = next_piece(&parameters, ';'), key = next_piece(&value, '=');

		if (!piece_is(key, name))
			continue;
		value = trimmed(value.at, value.length);
		if (value.length >= 2 && value.at[0] == '"' && value.at[value.length - 1] == '"')
			value = (struct piece){ value.at + 1, value.length - 2 };
		return value;
	}
	return (struct piece){ "", 0 };
}

/* What a type weighs: the most specific range that fits it decides (section 12.5.1), of equal ones the heaviest. */
struct weights {
	const char *type;
	int exact, subtypes, all; /* in thousandths; -1: no such range */
};

static void
weigh(struct weights *w, struct piece range, int weight)
{
	size_t major = strcspn(w->type, "/") + 1;
	int *fits = NULL;

	if (piece_is(range, w->type))
		fits = &w->exact;
	else if (range.length == major + 1 && range.at[major] == '*' && strncasecmp(range.at, w->type, major) == 0)
		fits = &w->subtypes;
	else if (piece_is(range, "*/*") || piece_is(range, "*"))
		fits = &w->all;
	if (fits != NULL && weight > *fits)
		*fits = weight;
}

static int
weight_of(const struct weights *w)
{
	return w->exact >= 0 ? w->exact : w->subtypes >= 0 ? w->subtypes : w->all;
}

struct media_accept
media_accept(const char *header, const char *other)
{
	struct weights ours = { "application/json", -1, -1, -1 }, others = { other != NULL ? other : "", -1, -1, -1 };
	struct media_accept accept = { .json = header == NULL, .other = header == NULL && other != NULL };
	struct piece rest;

	if (header == NULL)
		return accept;
	rest = (struct piece){ header, strlen(header) };
	while (rest.length > 0) {
		struct piece range = next_piece(&rest, ','), type = next_piece(&range, ';');
		int w = weight(parameter(range, "q"));

		weigh(&ours, type, w);
		if (other != NULL)
			weigh(&others, type, w);
		if (piece_is(type, "application/problem+json"))
			accept.problem = w > 0;
	}
	accept.json = weight_of(&ours) > 0 || accept.problem;
	accept.other = weight_of(&others) > 0;
	accept.first = accept.other &&
		       (weight_of(&others) > weight_of(&ours) ||
			   (weight_of(&others) == weight_of(&ours) && others.exact >= 0 && ours.exact < 0));
	return accept;
}

bool
media_is_json(const char *content_type)
{
	struct piece rest = { content_type, strlen(content_type) }, type = next_piece(&rest, ';'), charset;

	charset = parameter(rest, "charset");
	return piece_is(type, "application/json") && (charset.length == 0 || piece_is(charset, "utf-8"));
}

/* The version in "123"; 0 for a tag that isn't one of ours. */
static int64_t
tag_version(struct piece tag)
{
	int64_t version = 0;

	if (tag.length < 3 || tag.length > 20 || tag.at[0] != '"' || tag.at[tag.length - 1] != '"' ||
	    tag.at[1] == '0')
		return 0;
	for (size_t i = 1; i < tag.length - 1; i++) {
		if (tag.at[i] < '0' || tag.at[i] > '9')
			return 0;
		version = version * 10 + (tag.at[i] - '0'); /* at most 18 digits */
	}
	return version;
}

bool
etag_match(const char *header, int64_t *ret_version)
{
	struct piece rest = { header, strlen(header) };
	int64_t highest = 0;

	if (piece_is(trimmed(rest.at, rest.length), "*")) {
		*ret_version = 0;
		return true;
	}
	while (rest.length > 0) {
		int64_t version = tag_version(next_piece(&rest, ','));

		highest = version > highest ? version : highest;
	}
	if (highest > 0)
		*ret_version = highest;
	return highest > 0;
}

bool
etag_none_match(const char *header, int64_t version)
{
	struct piece rest = { header, strlen(header) };

	if (piece_is(trimmed(rest.at, rest.length), "*"))
		return true;
	while (rest.length > 0) {
		struct piece tag = next_piece(&rest, ',');

		if (tag.length > 2 && tag.at[0] == 'W' && tag.at[1] == '/')
			tag = (struct piece){ tag.at + 2, tag.length - 2 };
		if (tag_version(tag) == version)
			return true;
	}
	return false;
}
