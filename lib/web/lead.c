/*
 * lead.c - the leader is who has a record lock (fcntl(2)) on the socket itself.
 *
 * So exactly those compete that share a socket, there is no file to agree on, and a process that dies has let go.  The lock is the process's:
 * it goes when any descriptor of the socket is closed, so nobody may close one.
 */
#include "lib/web/lead.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

static bool
lock(int listener, short type)
{
	return fcntl(listener, F_SETLK, &(struct flock){ .l_type = type, .l_whence = SEEK_SET }) == 0;
}

bool
lead_try(int listener)
{
	return lock(listener, F_WRLCK) || (errno != EAGAIN && errno != EACCES);
}

void
lead_leave(int listener)
{
	(void)lock(listener, F_UNLCK);
}
