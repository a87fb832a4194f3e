/* Own lines rather than libsystemd's: the protocol is documented and stable, and the library would be mapped into each program. */
#include "lib/base/notify.h"

#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "lib/base/clock.h"

#define WORDS_MAX 512

/* "/path", or "@name" for one that is no file; 0 for any other, which later protocols may have. */
static socklen_t
address_of(const char *name, struct sockaddr_un *ret_address)
{
	size_t length = strlen(name);

	*ret_address = (struct sockaddr_un){ .sun_family = AF_UNIX };
	if ((*name != '/' && *name != '@') || length < 2 || length >= sizeof(ret_address->sun_path))
		return 0;
	memcpy(ret_address->sun_path, name, length);
	if (*name == '@')
		ret_address->sun_path[0] = '\0';
	else
		length++;
	return (socklen_t)(offsetof(struct sockaddr_un, sun_path) + length);
}

bool
notify_wanted(void)
{
	const char *name = getenv("NOTIFY_SOCKET");

	return name != NULL && *name != '\0';
}

/* A socket for each, since there are few and from any thread.  Nobody is left to tell where it fails. */
static void
tell(const char *text)
{
	const char *name = getenv("NOTIFY_SOCKET");
	struct sockaddr_un address;
	socklen_t size = name == NULL ? 0 : address_of(name, &address);
	int fd;

	if (size == 0)
		return;
	fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return;
	while (sendto(fd, text, strlen(text), MSG_NOSIGNAL, (const struct sockaddr *)&address, size) < 0 && errno == EINTR)
		;
	close(fd);
}

/* first, and STATUS= in one line, whatever is in the words. */
static void
tell_status(const char *first, const char *fmt, va_list ap)
{
	char words[WORDS_MAX], text[WORDS_MAX + 64];

	if (!notify_wanted())
		return;
	vsnprintf(words, sizeof(words), fmt, ap);
	for (char *c = words; *c != '\0'; c++)
		if ((unsigned char)*c < ' ')
			*c = ' ';
	snprintf(text, sizeof(text), "%sSTATUS=%s\n", first, words);
	tell(text);
}

void
notify_ready(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	tell_status("READY=1\n", fmt, ap);
	va_end(ap);
}

void
notify_status(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	tell_status("", fmt, ap);
	va_end(ap);
}

void
notify_reloading(void)
{
	char text[64];

	snprintf(text, sizeof(text), "RELOADING=1\nMONOTONIC_USEC=%" PRId64 "\n", clock_monotonic_ns() / 1000);
	tell(text);
}

void
notify_reloaded(void)
{
	tell("READY=1\n");
}

void
notify_stopping(void)
{
	tell("STOPPING=1\n");
}

void
notify_alive(void)
{
	tell("WATCHDOG=1\n");
}

/* A number of the environment; 0 where it is none. */
static long long
number_of(const char *variable)
{
	const char *text = getenv(variable);
	char *end;
	long long n;

	if (text == NULL || *text < '0' || *text > '9')
		return 0;
	errno = 0;
	n = strtoll(text, &end, 10);
	return errno == 0 && *end == '\0' ? n : 0;
}

int
notify_watchdog_ms(void)
{
	long long usec = number_of("WATCHDOG_USEC"), ms;

	/* It may be our parent's. */
	if (usec <= 0 || (getenv("WATCHDOG_PID") != NULL && number_of("WATCHDOG_PID") != getpid()))
		return 0;
	ms = usec / 2000;
	return ms < 1 ? 1 : ms > INT32_MAX ? INT32_MAX : (int)ms;
}
