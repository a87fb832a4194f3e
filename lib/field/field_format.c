/* field_format.c - is it an e-mail address, a code, a time zone?  All take valid UTF-8. */
#include <stdio.h>
#include <string.h>

#include "lib/field/member.h"

#define ZONES "/usr/share/zoneinfo/"
#define ZONE_MAX 64
#define LOCAL_MAX 64 /* RFC 5321, section 4.5.3.1.1 */
#define LABEL_MAX 63 /* RFC 1035, section 2.3.4 */

static bool
is_alnum(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
}

/* The letters of other scripts, but no white space and no C1 control: *s is moved behind the code point. */
static bool
foreign_letter(const char **s)
{
	unsigned char lead = (unsigned char)**s;
	size_t size = lead < 0xe0 ? 2 : lead < 0xf0 ? 3 : 4;
	char one[5] = { 0 };

	memcpy(one, *s, size);
	*s += size;
	return !text_blank(one) && !(lead == 0xc2 && (unsigned char)one[1] < 0xa0);
}

/* Characters (others than also) up to end, in parts of at most part_max bytes that dots separate and none
 * of which is empty. */
static bool
dotted(const char *s, const char *end, const char *also, size_t part_max)
{
	const char *part = s;

	for (;;) {
		if (s == end || *s == '.') {
			if (s == part || (size_t)(s - part) > part_max)
				return false;
			if (s == end)
				return true;
			part = ++s;
		} else if ((unsigned char)*s >= 0x80) {
			if (!foreign_letter(&s))
				return false;
		} else if (is_alnum(*s) || strchr(also, *s) != NULL) {
			s++;
		} else {
			return false;
		}
	}
}

/* RFC 5322's addr-spec with a dot-atom on the left and host name labels on the right, letters of any script
 * in both (RFC 6531). One label will do: x@localhost is an address. */
bool
email_valid(const char *text)
{
	const char *at = strchr(text, '@'), *domain, *end = text + strlen(text);

	if (at == NULL || (size_t)(at - text) > LOCAL_MAX)
		return false;
	domain = at + 1;
	if (!dotted(text, at, "!#$%&'*+-/=?^_`{|}~", LOCAL_MAX) || !dotted(domain, end, "-", LABEL_MAX))
		return false;
	for (const char *s = domain; s < end; s++)
		if (*s == '-' && (s == domain || s[-1] == '.' || s[1] == '.' || s + 1 == end))
			return false;
	return true;
}

bool
code_valid(const char *text)
{
	if (*text == '\0')
		return false;
	for (; *text != '\0'; text++)
		if (!is_alnum(*text) && strchr("._-", *text) == NULL)
			return false;
	return true;
}

/* The name is a path below the zone directory: no dot is taken, so it can't leave it, and each of IANA's
 * names begins with a capital, unlike the other things there (posix/, right/, localtime). */
bool
zone_valid(const char *text)
{
	char path[sizeof(ZONES) + ZONE_MAX], magic[4];
	size_t length = strlen(text);
	FILE *file;
	bool found;

	if (length == 0 || length > ZONE_MAX || text[0] < 'A' || text[0] > 'Z' || strstr(text, "//") != NULL)
		return false;
	for (const char *s = text; *s != '\0'; s++)
		if (!is_alnum(*s) && strchr("_+-/", *s) == NULL)
			return false;
	if (strcmp(text, "UTC") == 0)
		return true;
	snprintf(path, sizeof(path), ZONES "%s", text);
	file = fopen(path, "re");
	if (file == NULL)
		return false;
	found = fread(magic, 1, sizeof(magic), file) == sizeof(magic) &&
		memcmp(magic, "TZif", sizeof(magic)) == 0;
	fclose(file);
	return found;
}
