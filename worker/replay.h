/* replay.h - dead letters that somebody asked to be tried again. */
#ifndef WORKER_REPLAY_H
#define WORKER_REPLAY_H

struct billing_ports;

/* On a thread of its own with a connection of its own, until the process is asked to stop. */
void replay_start(const struct billing_ports *ports);
void replay_join(void);

#endif
