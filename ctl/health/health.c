/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which backends of a model are down. Who is checked is known by health_follow.c, and told by
 * health_post.c. Control thread.
 */
#include "health.h"

#include <errno.h>
#include <event2/event.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "clock.h"
#include "events.h"
#include "health_internal.h"
#include "keeper.h"
#include "log.h"
#include "model_index.h"
#include "shortage.h"
#include "utf8.h"

enum {
	SLOTS_MAX = 1 << 22,
	SLOTS_SPARE = 64,
	STILL_US = 5000000, /* then the log says so */
	HANG_MS = 30000,
	END_MS = 3000, /* the process ends within that, or is killed */
};

/* ---- what is known ---- */

static void changed(struct health *h, struct health_seat *seat, const struct health_known *now)
{
	const struct service_conf *service = seat->group->conf;
	const struct backend_conf *backend = &service->backends[seat->index];
	enum health_state was = seat->state;
	char addr[IP_TEXT_MAX];

	seat->state = now->track.state;
	/* What ends badly is a warning. */
	(seat->state == HEALTH_DOWN ? events_warn : events_add)(
		EVENT_HEALTH, "health", service->name, backend->name, "%s %s -> %s (%s)",
		ip_format(&backend->addr, addr), health_state_name(was),
		health_state_name(seat->state), now->reason);
	h->ops->set_down(h->ops->ctx, service->name, backend->name, now->track.out);
}

/* A record that can't be read now, since its writer was stopped in it, is news at the next tick, too. */
static void news_of(struct health *h, uint32_t slot)
{
	struct health_shared *shared = h->shared;
	struct health_seat *seat = slot <= shared->slots_n ? &h->seats[slot] : NULL;
	struct health_known now;

	if (!seat || !seat->group)
		return;
	if (!health_record_read(&shared->records[slot], seat->tenant, &now)) {
		__atomic_fetch_or(&shared->news[slot / 64], 1ULL << slot % 64, __ATOMIC_RELAXED);
		__atomic_store_n(&shared->page->news_told, 1, __ATOMIC_RELEASE);
		return;
	}
	if (now.track.state != seat->state)
		changed(h, seat, &now);
}

static void news_take(struct health *h)
{
	struct health_shared *shared = h->shared;

	if (__atomic_exchange_n(&shared->page->news_told, 0, __ATOMIC_ACQ_REL) == 0)
		return;
	for (uint32_t word = 0; word <= shared->slots_n / 64; word++) {
		uint64_t bits = __atomic_load_n(&shared->news[word], __ATOMIC_RELAXED);

		if (bits == 0)
			continue;
		bits = __atomic_exchange_n(&shared->news[word], 0, __ATOMIC_ACQUIRE);
		for (; bits; bits &= bits - 1)
			news_of(h, word * 64 + (uint32_t)__builtin_ctzll(bits));
	}
}

static const struct health_group *group_of(const struct health *h,
					   const struct service_conf *service)
{
	uint32_t at =
		h->index ? model_index_endpoint(h->index, h->services, service) : MODEL_NOWHERE;

	return at == MODEL_NOWHERE ? NULL : h->groups[at];
}

void health_read(const struct health *h, const struct service_conf *service, uint32_t i,
		 struct health_report *out)
{
	const struct health_group *group = group_of(h, service);
	const struct health_seat *seat;
	struct health_known known;
	uint32_t slot;

	memset(out, 0, sizeof(*out));
	slot = group && group->conf == service && group->slots ? group->slots[i] : 0;
	if (slot == 0)
		return;
	seat = &h->seats[slot];
	if (!health_record_read(&h->shared->records[slot], seat->tenant, &known)) {
		out->state = seat->state;
		out->since_us = group->since_us;
		checker_first_reason(service, i, seat->out, out->reason);
		return;
	}
	out->state = known.track.state;
	out->since_us = known.since_us;
	out->checked_us = known.checked_us;
	memcpy(out->reason, known.reason, sizeof(out->reason));
}

void health_totals(const struct health *h, struct health_totals *out)
{
	*out = h->shared->page->totals;
	out->with_file_max = h->files;
}

void health_life(const struct health *h, struct health_life *out)
{
	int64_t beat_us = __atomic_load_n(&h->shared->page->beat_us, __ATOMIC_RELAXED);

	*out = (struct health_life){.deaths = h->deaths, .still_us = clock_now_us() - beat_us};
}

void health_files_set(struct health *h, uint32_t n)
{
	h->files = n;
	h->files_said = false;
	health_post_send(h);
}

/* ---- what the process says ---- */

static void ask_outer(struct health *h, const struct wire_head *head)
{
	const struct health_seat *seat =
		head->slot <= h->shared->slots_n ? &h->seats[head->slot] : NULL;
	const struct service_conf *service = seat && seat->group ? seat->group->conf : NULL;
	struct vip_outer outer;

	if (!service || seat->tenant != head->tenant)
		return;
	h->ops->outer(h->ops->ctx, service, &service->backends[seat->index], &outer);
	/* It is asked for again if there is no room for it now. */
	health_post_say(h, WIRE_OUTER, *head, &outer, sizeof(outer));
}

static void log_take(const struct wire_head *head, char *line, size_t n)
{
	line[n] = '\0';
	utf8_make_safe(line);
	if (head->id <= FAST_PATH_LOG_DEBUG)
		log_write((enum fast_path_log)head->id, "%s", line);
}

static void lost(struct health *h, uint32_t signal_number)
{
	const char *how = "by itself";

	if (signal_number == SIGALRM) /* of health_process.c */
		how = "it stood still for too long";
	else if (signal_number && signal_number < NSIG)
		how = strsignal((int)signal_number);
	h->deaths++;
	events_warn(EVENT_HEALTH, "daemon", NULL, NULL,
		    "the process that makes health checks died (%s): it is started again; backends "
		    "stay as "
		    "they are known meanwhile",
		    how);
	health_post_again(h);
}

static void gone(struct health *h)
{
	log_error("the process that makes health checks is gone: backends stay as they are known; "
		  "restart sluiced");
	event_del(h->readable);
	close(h->fd);
	h->fd = -1;
}

static void on_readable(evutil_socket_t fd, short events, void *ctx)
{
	struct {
		struct wire_head head;
		char text[WIRE_TEXT_MAX + 1];
	} message;
	struct health *h = ctx;

	(void)events;
	for (int i = 0; i < HEALTH_MESSAGES_PER_TURN; i++) {
		ssize_t n = recv(fd, &message, sizeof(message) - 1, MSG_DONTWAIT);

		if (n == 0 || (n < 0 && (errno == ECONNRESET || errno == EPIPE))) {
			gone(h);
			return;
		}
		if (n < 0) {
			if (errno == EAGAIN || errno == EINTR)
				return;
			/* It stays readable: until the next tick the loop has other things to do. */
			shortage_note(SHORTAGE_HEALTH, errno);
			event_del(h->readable);
			return;
		}
		if ((size_t)n < sizeof(message.head))
			continue;
		if (message.head.kind == WIRE_NEWS)
			news_take(h);
		else if (message.head.kind == WIRE_ASK_OUTER)
			ask_outer(h, &message.head);
		else if (message.head.kind == WIRE_LOG)
			log_take(&message.head, message.text, (size_t)n - sizeof(message.head));
		else if (message.head.kind == WIRE_LOST)
			lost(h, message.head.id);
	}
}

static void on_writable(evutil_socket_t fd, short events, void *ctx)
{
	(void)fd;
	(void)events;
	health_post_send(ctx);
}

static void still_tell(struct health *h)
{
	struct health_life life;

	health_life(h, &life);
	if (life.still_us > STILL_US && !h->still_told)
		log_warning("the process that makes health checks stands still: backends stay as "
			    "they are "
			    "known meanwhile");
	else if (life.still_us <= STILL_US && h->still_told)
		log_info("the process that makes health checks goes on");
	h->still_told = life.still_us > STILL_US;
}

/* For what nobody was told of, for want of something. It is always set, so that it needs nothing. */
static void on_tick(evutil_socket_t fd, short events, void *ctx)
{
	struct health *h = ctx;

	(void)fd;
	(void)events;
	h->shared->page->log_level = (uint32_t)log_level();
	news_take(h);
	if (h->fd < 0)
		return;
	if (!event_pending(h->readable, EV_READ, NULL))
		event_add(h->readable, NULL);
	health_post_send(h);
	still_tell(h);
}

/* ---- life ---- */

/* Each check under way has a file. */
static void files_raise(void)
{
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit) == 0 && limit.rlim_cur < limit.rlim_max) {
		limit.rlim_cur = limit.rlim_max;
		setrlimit(RLIMIT_NOFILE, &limit);
	}
}

static int process_start(struct health *h, const struct settings *settings)
{
	static const int room_bytes = 1 << 20;
	struct health_process process = {
		.settings = settings,
		.shared = h->shared,
		.hang_ms = h->ops->hang_ms ? h->ops->hang_ms : HANG_MS,
		.confine = h->ops->confine,
		.ctx = h->ops->ctx,
	};
	int fds[2], err;

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, fds) != 0)
		return -errno;
	setsockopt(fds[0], SOL_SOCKET, SO_SNDBUF, &room_bytes, sizeof(room_bytes));
	h->pid = fork();
	err = -errno;
	if (h->pid == 0)
		keeper_run(fds[1], &(struct keeper_job){
					   .ctx = &process,
					   .run = health_process_run,
					   .lost = health_process_lost,
					   .rights_drop = health_process_rights_drop,
				   });
	close(fds[1]);
	h->fd = fds[0];
	return h->pid < 0 ? err : 0;
}

int health_new(struct event_base *base, const struct settings *settings,
	       const struct health_ops *ops, struct health **health)
{
	static const struct timeval each = {.tv_usec = SHARED_BEAT_MS * 1000};
	struct health *h = calloc(1, sizeof(*h));
	uint32_t slots_n;
	int err = -ENOMEM;

	if (!h)
		return err;
	h->ops = ops;
	h->fd = -1;
	h->files = UINT32_MAX;
	STAILQ_INIT(&h->post);
	slots_n = settings->backends_max < SLOTS_MAX - SLOTS_SPARE
			  ? settings->backends_max + SLOTS_SPARE
			  : SLOTS_MAX;
	h->shared = health_shared_new(slots_n);
	h->seats = calloc((size_t)slots_n + 1, sizeof(*h->seats));
	if (!h->shared || !h->seats || shortage_share() != 0)
		goto err_free;
	h->shared->page->beat_us = clock_now_us();
	h->shared->page->log_level = (uint32_t)log_level();
	files_raise();
	err = process_start(h, settings);
	if (err)
		goto err_free;
	err = -ENOMEM;
	h->readable = event_new(base, h->fd, EV_READ | EV_PERSIST, on_readable, h);
	h->writable = event_new(base, h->fd, EV_WRITE, on_writable, h);
	h->tick = event_new(base, -1, EV_PERSIST, on_tick, h);
	if (!h->readable || !h->writable || !h->tick || event_add(h->readable, NULL) != 0 ||
	    event_add(h->tick, &each) != 0)
		goto err_free;
	health_post_again(h);
	*health = h;
	return 0;

err_free:
	health_free(h);
	return err;
}

/* The process ends when the socket does; one that doesn't is ended. */
static void process_end(struct health *h)
{
	const int64_t until_us = clock_now_us() + END_MS * 1000;

	if (h->fd >= 0)
		close(h->fd);
	while (h->pid > 0 && waitpid(h->pid, NULL, WNOHANG) == 0) {
		if (clock_now_us() > until_us) {
			/* And with it, by its PDEATHSIG, the process. */
			kill(h->pid, SIGKILL);
			waitpid(h->pid, NULL, 0);
			return;
		}
		usleep(1000);
	}
}

void health_free(struct health *h)
{
	if (!h)
		return;
	if (h->readable)
		event_free(h->readable);
	if (h->writable)
		event_free(h->writable);
	if (h->tick)
		event_free(h->tick);
	process_end(h);
	health_forget(h);
	health_post_free(h);
	health_shared_free(h->shared);
	free(h->seats);
	free(h);
}
