/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The writer's thread, and what the control thread shares with it. The thread touches the members
 * under the lock, and `path`, alone.
 */
#include "state_writer.h"

#include <errno.h>
#include <event2/event.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "state_file.h"
#include "thread.h"

struct state_writer {
	char *path;
	state_written_fn *written;
	void *ctx;
	int fd; /* an eventfd: something was written */
	struct event *event;
	pthread_t thread;
	pthread_mutex_t lock;
	pthread_cond_t wake;

	/* Under the lock. */
	char *text;
	bool waiting; /* `text` is to be written; NULL: the file is to go */
	bool writing;
	bool ending;
	int rc; /* of the last time */
};

static void *thread_run(void *ctx)
{
	struct state_writer *w = ctx;

	pthread_mutex_lock(&w->lock);
	for (;;) {
		uint64_t one = 1;
		char *text;
		int rc;

		while (!w->waiting && !w->ending)
			pthread_cond_wait(&w->wake, &w->lock);
		if (!w->waiting)
			break;
		text = w->text;
		w->text = NULL;
		w->waiting = false;
		w->writing = true;
		pthread_mutex_unlock(&w->lock);
		rc = text ? state_file_write(w->path, text, false) : state_file_remove(w->path);
		free(text);
		pthread_mutex_lock(&w->lock);
		w->rc = rc;
		w->writing = false;
		if (write(w->fd, &one, sizeof(one)) < 0)
			continue; /* it counts up already: the event comes anyway */
	}
	pthread_mutex_unlock(&w->lock);
	return NULL;
}

static void on_written(evutil_socket_t fd, short events, void *ctx)
{
	struct state_writer *w = ctx;
	uint64_t count;
	int rc;

	(void)events;
	if (read(fd, &count, sizeof(count)) < 0 && errno == EAGAIN)
		return;
	pthread_mutex_lock(&w->lock);
	rc = w->rc;
	pthread_mutex_unlock(&w->lock);
	w->written(w->ctx, rc);
}

int state_writer_new(struct event_base *base, const char *path, state_written_fn *written,
		     void *ctx, struct state_writer **writer)
{
	struct state_writer *w = calloc(1, sizeof(*w));
	int err = -ENOMEM;

	if (!w)
		return err;
	w->written = written;
	w->ctx = ctx;
	w->path = strdup(path);
	if (!w->path)
		goto err_free;
	w->fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
	if (w->fd < 0) {
		err = -errno;
		goto err_free;
	}
	w->event = event_new(base, w->fd, EV_READ | EV_PERSIST, on_written, w);
	if (!w->event || event_add(w->event, NULL) != 0)
		goto err_event;
	pthread_mutex_init(&w->lock, NULL);
	pthread_cond_init(&w->wake, NULL);
	err = thread_start(&w->thread, thread_run, w);
	if (err)
		goto err_event;
	*writer = w;
	return 0;

err_event:
	if (w->event)
		event_free(w->event);
	close(w->fd);
err_free:
	free(w->path);
	free(w);
	return err;
}

void state_writer_put(struct state_writer *w, char *text)
{
	pthread_mutex_lock(&w->lock);
	free(w->text);
	w->text = text;
	w->waiting = true;
	pthread_cond_signal(&w->wake);
	pthread_mutex_unlock(&w->lock);
}

bool state_writer_is_idle(struct state_writer *w, int *rc)
{
	bool idle;

	pthread_mutex_lock(&w->lock);
	idle = !w->waiting && !w->writing;
	if (rc)
		*rc = w->rc;
	pthread_mutex_unlock(&w->lock);
	return idle;
}

int state_writer_free(struct state_writer *w)
{
	int rc;

	if (!w)
		return 0;
	pthread_mutex_lock(&w->lock);
	w->ending = true;
	pthread_cond_signal(&w->wake);
	pthread_mutex_unlock(&w->lock);
	pthread_join(w->thread, NULL);
	rc = w->rc;
	event_free(w->event);
	close(w->fd);
	pthread_mutex_destroy(&w->lock);
	pthread_cond_destroy(&w->wake);
	free(w->path);
	free(w);
	return rc;
}
