/* capture.h - what a function writes to standard error. */
#ifndef UNIT_BASE_CAPTURE_H
#define UNIT_BASE_CAPTURE_H

#define CAPTURE_SIZE 16384

/* Runs fn(arg) with standard error in a file, and gives what was written to it. */
void capture_stderr(void (*fn)(void *arg), void *arg, char ret_text[CAPTURE_SIZE]);

#endif
