/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Writes a file from a thread of its own, since a disk may take long: the control thread hands a
 * text over and goes on. Of texts that come while one is written, the last one counts.
 */
#ifndef SLUICE_STATE_WRITER_H
#define SLUICE_STATE_WRITER_H

#include <stdbool.h>

struct event_base;
struct state_writer;

/*
 * How the file was last written: rc 0 or -errno. Called from the event loop, on the control thread;
 * several may become one.
 */
typedef void state_written_fn(void *ctx, int rc);

/* 0, or -ENOMEM, -EAGAIN (no thread), or what eventfd() says. */
int state_writer_new(struct event_base *base, const char *path, state_written_fn *written,
		     void *ctx, struct state_writer **writer);

/* `text` is taken over; NULL: the file is to go. Never blocks. */
void state_writer_put(struct state_writer *writer, char *text);

/* Whether all that was put is written, or failed to be; *rc: how the last went, as state_written_fn is
 * told. NULL is allowed. */
bool state_writer_is_idle(struct state_writer *writer, int *rc);

/* Waits until the last text is written. Returns how that went. NULL is allowed. */
int state_writer_free(struct state_writer *writer);

#endif
