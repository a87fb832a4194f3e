/*
 * fcgi.c - what a web server sends, after a byte that says in which pieces it comes: it means the same as in one, takes no more memory
 * than is allowed, and no variable that is read goes beyond its bytes.
 */
#include "lib/web/fcgi_record.h"

#include <stdlib.h>
#include <string.h>

#include "lib/base/text.h"

#define ROOM_MOST (4 * FCGI_PARAMS_MOST)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
must(bool it_is_so)
{
	if (!it_is_so)
		abort();
}

/* Notes each variable; what can be looked up is the first of its name. */
static void
note_request(struct buf *noted, struct arena *a, const struct fcgi_in *in)
{
	struct fcgi_params p;
	size_t i = 1, left = in->params_length;

	if (!fcgi_params_read(&p, a, in)) {
		buf_add_text(noted, "unreadable;");
		return;
	}
	for (; left > 0; i++) {
		const struct fcgi_param *v = &p.all[i];
		size_t value = strlen(v->value), lengths = (v->name_length < 128 ? 1 : 4) + (value < 128 ? 1 : 4);
		const char *name = arena_strndup(a, v->name, v->name_length), *found = fcgi_params_get(&p, name);

		must(found != NULL && (found == v->value || found < v->value));
		buf_addf(noted, "%s=%s;", name, v->value);
		/* Lengths may be written longer than they need be. */
		must(left >= v->name_length + value + lengths);
		left = in->params_length - (size_t)((const unsigned char *)v->value + value - (in->bytes + in->params_at));
	}
}

/* What comes of one look. */
static void
note(struct buf *noted, struct arena *a, struct fcgi_in *in, enum fcgi_is is)
{
	char scratch[100];

	must(in->room <= ROOM_MOST && in->at <= in->end && in->end <= in->room);
	if (is == FCGI_REQUEST)
		note_request(noted, a, in);
	else if (is == FCGI_BODY)
		buf_add(noted, scratch, fcgi_take(in, scratch, sizeof(scratch)));
	else if (is == FCGI_REPLY)
		buf_add(noted, in->reply, in->reply_length);
	else
		buf_addf(noted, "%d;", is);
	if (is == FCGI_BODY_END || is == FCGI_ABORTED)
		fcgi_answered(in);
}

static struct buf
understood(struct arena *a, const uint8_t *data, size_t size, size_t piece)
{
	struct buf noted = { .arena = a };
	struct fcgi_in in = { .capacity = 8 };
	enum fcgi_is is;

	while ((is = fcgi_next(&in)) != FCGI_WRONG) {
		if (is == FCGI_SHORT) {
			size_t room, n = size < piece ? size : piece;
			unsigned char *into = fcgi_room(&in, &room);

			if (n == 0)
				break;
			n = n < room ? n : room;
			must(n > 0);
			memcpy(into, data, n);
			fcgi_filled(&in, n);
			data += n;
			size -= n;
		} else {
			note(&noted, a, &in, is);
		}
	}
	fcgi_forget(&in);
	return noted;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct arena *a;
	struct buf whole, pieces;

	if (size == 0)
		return 0;
	a = arena_new();
	whole = understood(a, data + 1, size - 1, SIZE_MAX);
	pieces = understood(a, data + 1, size - 1, 1 + data[0] % 32);
	must(whole.length == pieces.length && (whole.length == 0 || memcmp(whole.bytes, pieces.bytes, whole.length) == 0));
	arena_free(a);
	return 0;
}
