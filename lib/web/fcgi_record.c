#include "lib/web/fcgi_record.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum type {
	BEGIN_REQUEST = 1,
	ABORT_REQUEST = 2,
	END_REQUEST = 3,
	PARAMS = 4,
	STDIN = 5,
	STDOUT = 6,
	GET_VALUES = 9,
	GET_VALUES_RESULT = 10,
	UNKNOWN_TYPE = 11,
};

enum end_status { REQUEST_COMPLETE = 0, CANT_MPX_CONN = 1, UNKNOWN_ROLE = 3 };

#define VERSION 1
#define RESPONDER 1
#define KEEP_CONN 1

/* What nearly every request fits into, and what is free behind its variables for its body. */
#define ROOM_FIRST ((size_t)16 * 1024)
#define ROOM_BODY ((size_t)4 * 1024)

/* Nobody asks for more than three names. */
#define VALUES_MOST 1024

/* fcgi_next's own: look at the next record. */
#define GO_ON ((enum fcgi_is)-1)

struct head {
	unsigned type, id;
	size_t length, padding;
};

/* --- what we say --- */

static void
put_head(unsigned char *into, enum type type, unsigned id, size_t length)
{
	into[0] = VERSION;
	into[1] = (unsigned char)type;
	into[2] = (unsigned char)(id >> 8);
	into[3] = (unsigned char)id;
	into[4] = (unsigned char)(length >> 8);
	into[5] = (unsigned char)length;
	into[6] = into[7] = 0;
}

static void
put_end(unsigned char *into, unsigned id, enum end_status status)
{
	put_head(into, END_REQUEST, id, 8);
	memset(into + FCGI_HEAD_SIZE, 0, 8);
	into[FCGI_HEAD_SIZE + 4] = (unsigned char)status;
}

void
fcgi_stdout_head(unsigned char into[FCGI_HEAD_SIZE], uint16_t id, size_t length)
{
	put_head(into, STDOUT, id, length);
}

void
fcgi_end(unsigned char into[FCGI_END_SIZE], uint16_t id)
{
	put_head(into, STDOUT, id, 0);
	put_end(into + FCGI_HEAD_SIZE, id, REQUEST_COMPLETE);
}

static enum fcgi_is
reply_end(struct fcgi_in *in, unsigned id, enum end_status status)
{
	put_end(in->reply, id, status);
	in->reply_length = FCGI_HEAD_SIZE + 8;
	return FCGI_REPLY;
}

/* --- memory --- */

/* Where what must stay where it is ends: variables, and a NUL behind the last. */
static size_t
kept(const struct fcgi_in *in)
{
	return in->stage == FCGI_IDLE || in->params_length == 0 ? 0 : in->params_at + in->params_length + 1;
}

static void
move_down(struct fcgi_in *in, size_t to)
{
	if (in->at <= to)
		return;
	memmove(in->bytes + to, in->bytes + in->at, in->end - in->at);
	in->end -= in->at - to;
	in->at = to;
}

/* As in an arena: requests are bounded, so that nobody has anything sensible to do about it. */
static void
grow(struct fcgi_in *in, size_t room)
{
	in->bytes = realloc(in->bytes, room);
	if (in->bytes == NULL) {
		fputs("out of memory\n", stderr);
		abort();
	}
	in->room = room;
}

unsigned char *
fcgi_room(struct fcgi_in *in, size_t *ret_size)
{
	if (in->room == 0)
		grow(in, ROOM_FIRST);
	if (in->at == in->end || in->end == in->room)
		move_down(in, kept(in));
	if (in->end == in->room)
		grow(in, 2 * in->room); /* a record of variables, which are bounded */
	*ret_size = in->room - in->end;
	return in->bytes + in->end;
}

void
fcgi_filled(struct fcgi_in *in, size_t length)
{
	in->end += length;
}

void
fcgi_forget(struct fcgi_in *in)
{
	free(in->bytes);
	in->bytes = NULL;
	in->room = in->at = in->end = 0;
}

/* --- what they say --- */

/* A name's or value's length; false where it goes beyond the end. */
static bool
read_length(const unsigned char **at, const unsigned char *end, size_t *ret_length)
{
	const unsigned char *p = *at;

	if (p == end)
		return false;
	if (*p < 128) {
		*ret_length = *p;
		*at = p + 1;
		return true;
	}
	if (end - p < 4)
		return false;
	*ret_length = (size_t)(p[0] & 127) << 24 | (size_t)p[1] << 16 | (size_t)p[2] << 8 | p[3];
	*at = p + 4;
	return true;
}

static bool
read_lengths(const unsigned char **at, const unsigned char *end, size_t *ret_name, size_t *ret_value)
{
	size_t left;

	if (!read_length(at, end, ret_name) || !read_length(at, end, ret_value))
		return false;
	left = (size_t)(end - *at);
	return *ret_name <= left && *ret_value <= left - *ret_name;
}

static void
add_value(struct fcgi_in *in, const char *name, unsigned value)
{
	unsigned char *at = in->reply + in->reply_length;
	int length = snprintf((char *)at + 2, sizeof(in->reply) - in->reply_length - 2, "%s%u", name, value);

	at[0] = (unsigned char)strlen(name);
	at[1] = (unsigned char)((size_t)length - strlen(name));
	in->reply_length += 2 + (size_t)length;
}

/* Each that we know, once. */
static enum fcgi_is
get_values(struct fcgi_in *in, const unsigned char *at, size_t length)
{
	static const char *const names[] = { "FCGI_MAX_CONNS", "FCGI_MAX_REQS", "FCGI_MPXS_CONNS" };
	const unsigned char *end = at + length;
	size_t name, value;
	bool asked[3] = { false };

	for (; at < end; at += name + value) {
		if (!read_lengths(&at, end, &name, &value))
			return FCGI_WRONG;
		for (size_t i = 0; i < 3; i++)
			if (name == strlen(names[i]) && memcmp(at, names[i], name) == 0)
				asked[i] = true;
	}
	in->reply_length = FCGI_HEAD_SIZE;
	for (size_t i = 0; i < 3; i++)
		if (asked[i])
			add_value(in, names[i], i == 2 ? 0 : in->capacity);
	put_head(in->reply, GET_VALUES_RESULT, 0, in->reply_length - FCGI_HEAD_SIZE);
	return FCGI_REPLY;
}

static enum fcgi_is
unknown_type(struct fcgi_in *in, const struct head *h)
{
	put_head(in->reply, UNKNOWN_TYPE, 0, 8);
	memset(in->reply + FCGI_HEAD_SIZE, 0, 8);
	in->reply[FCGI_HEAD_SIZE] = (unsigned char)h->type;
	in->reply_length = FCGI_HEAD_SIZE + 8;
	return FCGI_REPLY;
}

static enum fcgi_is
begin_request(struct fcgi_in *in, const struct head *h, const unsigned char *content)
{
	if (in->stage != FCGI_IDLE)
		return h->id == in->id ? FCGI_WRONG : reply_end(in, h->id, CANT_MPX_CONN);
	in->keep = (content[2] & KEEP_CONN) != 0;
	if ((content[0] << 8 | content[1]) != RESPONDER) {
		in->over = !in->keep;
		return reply_end(in, h->id, UNKNOWN_ROLE);
	}
	in->id = (uint16_t)h->id;
	in->stage = FCGI_IN_PARAMS;
	in->params_at = in->params_length = 0;
	return GO_ON;
}

static enum fcgi_is
abort_request(struct fcgi_in *in)
{
	if (in->stage == FCGI_IN_BODY) {
		in->stage = FCGI_ALL_READ;
		return FCGI_ABORTED;
	}
	if (in->stage == FCGI_ALL_READ)
		return GO_ON; /* the answer is on its way */
	in->stage = FCGI_IDLE;
	in->over = !in->keep;
	return reply_end(in, in->id, REQUEST_COMPLETE);
}

/* Puts the pieces together; most come in one. */
static enum fcgi_is
params(struct fcgi_in *in, const struct head *h, size_t content)
{
	if (in->stage != FCGI_IN_PARAMS)
		return FCGI_WRONG;
	if (h->length > 0) {
		if (in->params_length == 0)
			in->params_at = content;
		else
			memmove(in->bytes + in->params_at + in->params_length, in->bytes + content, h->length);
		in->params_length += h->length;
		return GO_ON;
	}
	/* From here on they mustn't move. */
	if (in->room - kept(in) < ROOM_BODY)
		grow(in, in->room + ROOM_BODY);
	in->stage = FCGI_IN_BODY;
	return FCGI_REQUEST;
}

static enum fcgi_is
body(struct fcgi_in *in, const struct head *h)
{
	if (in->stage != FCGI_IN_BODY)
		return FCGI_WRONG;
	in->content_left = h->length;
	if (h->length > 0)
		return GO_ON;
	in->stage = FCGI_ALL_READ;
	return FCGI_BODY_END;
}

static bool
read_head(const struct fcgi_in *in, struct head *ret_head)
{
	const unsigned char *at = in->bytes + in->at;

	*ret_head = (struct head){
		.type = at[1],
		.id = (unsigned)at[2] << 8 | at[3],
		.length = (size_t)at[4] << 8 | at[5],
		.padding = at[6],
	};
	return at[0] == VERSION;
}

/* Records of requests that there are none of are to be ignored. */
static bool
concerns(const struct fcgi_in *in, const struct head *h)
{
	if (h->id == 0)
		return h->type == GET_VALUES;
	if (h->type == BEGIN_REQUEST)
		return true;
	return in->stage != FCGI_IDLE && h->id == in->id && (h->type == ABORT_REQUEST || h->type == PARAMS || h->type == STDIN);
}

/* What can't be right, whatever is in it; so that no more than variables makes us take more memory. */
static bool
wrong(const struct fcgi_in *in, const struct head *h)
{
	switch (h->type) {
	case BEGIN_REQUEST:
		return h->length != 8;
	case PARAMS:
		return in->stage == FCGI_IN_PARAMS && h->length > FCGI_PARAMS_MOST - in->params_length;
	case GET_VALUES:
		return h->length > VALUES_MOST;
	default:
		return false;
	}
}

static enum fcgi_is
take_record(struct fcgi_in *in, const struct head *h, size_t content)
{
	switch (h->type) {
	case BEGIN_REQUEST:
		return begin_request(in, h, in->bytes + content);
	case ABORT_REQUEST:
		return abort_request(in);
	case PARAMS:
		return params(in, h, content);
	case STDIN:
		return body(in, h);
	default:
		return get_values(in, in->bytes + content, h->length);
	}
}

/* The record that begins at .at, whose head is there.  Of a body, and of what is nobody's, the rest may come later. */
static enum fcgi_is
next_record(struct fcgi_in *in)
{
	size_t content = in->at + FCGI_HEAD_SIZE;
	bool ours, whole;
	struct head h;

	if (!read_head(in, &h))
		return FCGI_WRONG;
	ours = concerns(in, &h);
	if (ours && wrong(in, &h))
		return FCGI_WRONG;
	whole = ours && h.type != STDIN && h.type != ABORT_REQUEST;
	if (whole && in->end - content < h.length)
		return FCGI_SHORT;
	in->at = whole ? content + h.length : content;
	in->skip = h.padding + (whole || (ours && h.type == STDIN) ? 0 : h.length);
	if (ours)
		return take_record(in, &h, content);
	return h.id == 0 ? unknown_type(in, &h) : GO_ON;
}

enum fcgi_is
fcgi_next(struct fcgi_in *in)
{
	enum fcgi_is is = GO_ON;

	while (is == GO_ON) {
		size_t skipped = in->end - in->at;

		if (in->over)
			return FCGI_WRONG;
		if (in->content_left > 0)
			return skipped > 0 ? FCGI_BODY : FCGI_SHORT;
		if (skipped > in->skip)
			skipped = in->skip;
		in->at += skipped;
		in->skip -= skipped;
		if (in->skip > 0 || in->end - in->at < FCGI_HEAD_SIZE)
			return FCGI_SHORT;
		is = next_record(in);
	}
	return is;
}

size_t
fcgi_take(struct fcgi_in *in, void *into, size_t size)
{
	size_t n = in->end - in->at;

	if (n > in->content_left)
		n = in->content_left;
	if (n > size)
		n = size;
	memcpy(into, in->bytes + in->at, n);
	in->at += n;
	in->content_left -= n;
	return n;
}

void
fcgi_answered(struct fcgi_in *in)
{
	in->stage = FCGI_IDLE;
	in->skip += in->content_left;
	in->content_left = 0;
	if (in->at == in->end && in->room > ROOM_FIRST + ROOM_BODY)
		fcgi_forget(in);
}

bool
fcgi_between(const struct fcgi_in *in)
{
	return in->stage == FCGI_IDLE && in->at == in->end && in->skip == 0;
}

/* --- a request's variables --- */

static size_t
bucket(const char *name, size_t length)
{
	const unsigned char *n = (const unsigned char *)name;

	if (length == 0)
		return 0;
	return (length * 7 + n[length / 2] * 3u + n[length - 1]) % (sizeof(((struct fcgi_params *)0)->buckets) / sizeof(uint32_t));
}

/* How many there are; false where they don't end where they should, or one has a NUL, behind which C would see nothing. */
static bool
count_params(const unsigned char *at, size_t length, uint32_t *ret_count)
{
	const unsigned char *end = at + length;
	size_t name, value;

	for (*ret_count = 0; at < end; at += name + value, ++*ret_count)
		if (!read_lengths(&at, end, &name, &value) || memchr(at, '\0', name + value) != NULL)
			return false;
	return true;
}

/* A value's NUL takes the place of the next one's lengths, once these are known. */
bool
fcgi_params_read(struct fcgi_params *p, struct arena *a, const struct fcgi_in *in)
{
	unsigned char *start = in->bytes + in->params_at, *last = NULL;
	const unsigned char *at = start, *end = start + in->params_length;
	size_t name, value;
	uint32_t count;

	memset(p, 0, sizeof(*p));
	if (in->params_length == 0)
		return true;
	if (!count_params(at, in->params_length, &count))
		return false;
	p->all = arena_alloc(a, (count + 1) * sizeof(*p->all));
	for (uint32_t i = 1; i <= count; i++) {
		(void)read_lengths(&at, end, &name, &value);
		if (last != NULL)
			*last = '\0';
		last = start + (at - start) + name + value;
		p->all[i] = (struct fcgi_param){ .name = (const char *)at, .value = (const char *)at + name, .name_length = (uint32_t)name };
		at = last;
	}
	*last = '\0';
	for (uint32_t i = count; i > 0; i--) { /* so that the first of a name is met first */
		uint32_t *b = &p->buckets[bucket(p->all[i].name, p->all[i].name_length)];

		p->all[i].next = *b;
		*b = i;
	}
	return true;
}

const char *
fcgi_params_get(const struct fcgi_params *p, const char *name)
{
	size_t length = strlen(name);

	for (uint32_t i = p->buckets[bucket(name, length)]; i != 0; i = p->all[i].next)
		if (p->all[i].name_length == length && memcmp(p->all[i].name, name, length) == 0)
			return p->all[i].value;
	return NULL;
}
