/*
 * notify.h - what a program tells whoever supervises it, by the protocol of sd_notify(3): a datagram of NAME=value lines to the socket
 * that $NOTIFY_SOCKET names.  Without one nothing happens, and costs nothing.  Any thread may call.
 */
#ifndef BASE_NOTIFY_H
#define BASE_NOTIFY_H

#include <stdbool.h>

bool notify_wanted(void); /* somebody listens */

/* It serves from now on, or again after reloading.  The words, one line, are what `systemctl status` shows; in notify_status too. */
void notify_ready(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
void notify_status(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
void notify_reloading(void);
void notify_reloaded(void);
void notify_stopping(void);

/* Ends the patience of $WATCHDOG_USEC anew.  notify_watchdog_ms is how often that is due, half of it; 0: nobody watches. */
void notify_alive(void);
int notify_watchdog_ms(void);

#endif
