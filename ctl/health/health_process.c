/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The process that makes health checks: kept alive by keeper.c, it has one thread and an event loop, and
 * nothing of the daemon's but a socket to it and the memory of health_shared.c. It reads what backends
 * send, so it has neither tables nor memory of packets, nor BPF. Of root's power it keeps what daemon_confine.h says.
 */
#include "health_wire.h"

#include <cap-ng.h>
#include <errno.h>
#include <event2/event.h>
#include <sched.h>
#include <signal.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include "clock.h"
#include "log.h"
#include "loop.h"
#include "model_index.h"
#include "shortage.h"

enum {
	MESSAGES_PER_TURN = 64, /* before checks have their turn */
	OUTER_FRESH_US = 1000000,
	OUTER_AGAIN_US = 100000, /* where there was no way */
	REST_US = 50000,
};

/* What the daemon's packets to a backend have around them, of checks by way of the vip. */
struct outer_seat {
	uint32_t tenant;
	int64_t asked_us;
	struct vip_outer outer;
};

struct process {
	const struct health_process *job;
	struct health_shared *shared;
	struct event_base *base;
	struct checker *checker;
	struct event *readable, *beat, *again;
	int fd;
	bool reset; /* the daemon has begun to tell: before that it is told what another was told */
	/* Services by the daemon's ids: images. */
	struct service_conf **images;
	uint32_t images_n;
	/* The one that is on its way here. */
	uint8_t *coming;
	size_t coming_bytes, coming_at;
	uint32_t coming_id;
	struct outer_seat **outers; /* by slot */
	uint64_t log_lost;
};

static struct process process;

static bool say(uint32_t kind, struct wire_head head, const void *bytes, size_t n)
{
	struct iovec parts[] = {{&head, sizeof(head)}, {(void *)(uintptr_t)bytes, n}};
	struct msghdr message = {.msg_iov = parts, .msg_iovlen = n ? 2 : 1};

	head.kind = kind;
	return sendmsg(process.fd, &message, MSG_DONTWAIT | MSG_NOSIGNAL) >= 0;
}

/* Of log.h: the daemon's log has it. */
static void log_say(enum fast_path_log level, const char *line)
{
	size_t n = strnlen(line, WIRE_TEXT_MAX - 1);

	if (!say(WIRE_LOG, (struct wire_head){.id = (uint32_t)level}, line, n))
		process.log_lost++;
}

/* ---- seats ---- */

static const struct image_seat *seat_of(const struct service_conf *service, uint32_t i)
{
	const uint8_t *image = (const uint8_t *)service;

	return (const struct image_seat *)(const void *)(image + image_seats_at(service)) + i;
}

static bool is_down(void *ctx, const struct service_conf *service, uint32_t i)
{
	(void)ctx;
	return seat_of(service, i)->out != 0;
}

static bool known(void *ctx, const struct service_conf *service, uint32_t i,
		  struct health_known *out)
{
	const struct image_seat *seat = seat_of(service, i);

	(void)ctx;
	return health_record_read(&process.shared->records[seat->slot], seat->tenant, out);
}

static void news_say(void)
{
	struct health_shared *shared = process.shared;

	if (__atomic_exchange_n(&shared->page->news_told, 1, __ATOMIC_ACQ_REL) == 0)
		say(WIRE_NEWS, (struct wire_head){0}, NULL, 0); /* else it looks each 0.1 s */
}

static void told(void *ctx, const struct service_conf *service, uint32_t i,
		 const struct health_known *now, bool state_changed)
{
	const struct image_seat *seat = seat_of(service, i);
	struct health_shared *shared = process.shared;

	(void)ctx;
	health_record_write(&shared->records[seat->slot], seat->tenant, now);
	if (!state_changed)
		return;
	__atomic_fetch_or(&shared->news[seat->slot / 64], 1ULL << seat->slot % 64,
			  __ATOMIC_RELEASE);
	news_say();
}

/* ---- checks by way of the vip ---- */

static struct outer_seat *outer_seat(uint32_t slot)
{
	if (slot == 0 || slot > process.shared->slots_n)
		return NULL;
	if (!process.outers)
		process.outers =
			calloc((size_t)process.shared->slots_n + 1, sizeof(*process.outers));
	if (process.outers && !process.outers[slot])
		process.outers[slot] = calloc(1, sizeof(**process.outers));
	return process.outers ? process.outers[slot] : NULL;
}

static void outer_set(uint32_t slot, uint32_t tenant, const struct vip_outer *outer)
{
	struct outer_seat *seat = outer_seat(slot);

	if (!seat)
		return;
	seat->tenant = tenant;
	seat->outer = *outer;
}

/* What is known, at once; and what is new, for the next packet. */
static void outer(void *ctx, const struct service_conf *service, const struct backend_conf *backend,
		  struct vip_outer *out)
{
	const struct image_seat *at = seat_of(service, (uint32_t)(backend - service->backends));
	struct outer_seat *seat = outer_seat(at->slot);
	int64_t now_us = clock_now_us();
	bool resolved;

	(void)ctx;
	memset(out, 0, sizeof(*out));
	if (!seat)
		return;
	resolved = seat->tenant == at->tenant && seat->outer.entry.flags & BACKEND_RESOLVED;
	if (now_us - seat->asked_us > (resolved ? OUTER_FRESH_US : OUTER_AGAIN_US) &&
	    say(WIRE_ASK_OUTER, (struct wire_head){.slot = at->slot, .tenant = at->tenant}, NULL,
		0))
		seat->asked_us = now_us;
	if (seat->tenant == at->tenant)
		*out = seat->outer;
}

static void outers_take(const struct service_conf *service)
{
	const uint8_t *image = (const uint8_t *)service;

	if (service->health.via != HEALTH_VIA_VIP)
		return;
	for (uint32_t i = 0; i < service->backends_n; i++) {
		struct vip_outer one;

		memcpy(&one, image + image_outers_at(service) + i * sizeof(one), sizeof(one));
		outer_set(seat_of(service, i)->slot, seat_of(service, i)->tenant, &one);
	}
}

/* ---- services ---- */

static void image_drop(uint32_t id)
{
	if (id >= process.images_n)
		return;
	service_conf_unref(process.images[id]);
	process.images[id] = NULL;
}

static void image_begin(const struct wire_head *head)
{
	free(process.coming);
	process.coming_id = head->id;
	process.coming_at = 0;
	process.coming_bytes = head->bytes;
	process.coming = malloc(head->bytes);
}

/* Without memory, or told what can't be, the process ends: another is told all of it again. */
__attribute__((noreturn)) static void give_up(const char *why)
{
	log_error("health checks: %s", why);
	_exit(1);
}

static void image_part(const uint8_t *bytes, size_t n)
{
	struct service_conf *service = (struct service_conf *)(void *)process.coming;

	if (!process.coming || n > process.coming_bytes - process.coming_at)
		give_up("no memory");
	memcpy(process.coming + process.coming_at, bytes, n);
	process.coming_at += n;
	if (process.coming_at < process.coming_bytes)
		return;
	process.coming = NULL;
	if (process.coming_bytes < sizeof(*service) || image_bytes(service) != process.coming_bytes)
		give_up("a service that isn't as long as it says");
	if (process.coming_id >= process.images_n) {
		uint32_t images_n = 2 * process.coming_id + 64;
		struct service_conf **more =
			realloc(process.images, images_n * sizeof(struct service_conf *));

		if (!more)
			give_up("no memory");
		memset(more + process.images_n, 0,
		       (images_n - process.images_n) * sizeof(struct service_conf *));
		process.images = more;
		process.images_n = images_n;
	}
	service->refs = 1;
	outers_take(service);
	image_drop(process.coming_id);
	process.images[process.coming_id] = service;
}

static void apply(void)
{
	struct model model = {.settings = *process.job->settings};

	for (uint32_t i = 0; i < process.images_n; i++)
		model.services_n += process.images[i] != NULL;
	model.services = calloc(model.services_n + 1U, sizeof(struct service_conf *));
	model.index = model_index_new(model.services_n);
	if (!model.services || !model.index)
		give_up("no memory");
	for (uint32_t i = 0, n = 0; i < process.images_n; i++) {
		if (!process.images[i])
			continue;
		model.services[n] = process.images[i];
		model_index_insert(model.index, model.services, INDEX_ENDPOINT, n++);
	}
	if (checker_follow(process.checker, &model) != 0)
		log_error("no memory to check all backends: some count as they did");
	log_debug("health checks: of %u services", model.services_n);
	model_index_unref(model.index);
	free(model.services);
}

static void reset(void)
{
	free(process.coming);
	process.coming = NULL;
	for (uint32_t i = 0; i < process.images_n; i++)
		image_drop(i);
	process.reset = true;
}

/* ---- what the daemon says ---- */

static void take(const struct wire_head *head, const uint8_t *bytes, size_t n)
{
	if (head->kind == WIRE_RESET)
		reset();
	if (!process.reset)
		return;
	switch ((enum wire_kind)head->kind) {
	case WIRE_IMAGE:
		image_begin(head);
		break;
	case WIRE_IMAGE_PART:
		image_part(bytes, n);
		break;
	case WIRE_GONE:
		image_drop(head->id);
		break;
	case WIRE_APPLY:
		apply();
		break;
	case WIRE_FILES:
		checker_files_set(process.checker, head->id);
		break;
	case WIRE_OUTER:
		if (n == sizeof(struct vip_outer)) {
			struct vip_outer one;

			memcpy(&one, bytes, sizeof(one));
			outer_set(head->slot, head->tenant, &one);
		}
		break;
	default:
		break;
	}
}

/* Kills this process unless it is called again in time: its keeper starts another then. */
static void hang_arm(void)
{
	const uint32_t ms = process.job->hang_ms;
	const struct itimerval in = {
		.it_value = {.tv_sec = ms / 1000, .tv_usec = ms % 1000 * 1000}};

	setitimer(ITIMER_REAL, &in, NULL);
}

static void beat(void)
{
	struct health_page *page = process.shared->page;
	const uint32_t level = page->log_level;

	if (level <= FAST_PATH_LOG_DEBUG)
		log_set_level((enum fast_path_log)level);
	checker_totals(process.checker, &page->totals);
	__atomic_store_n(&page->beat_us, clock_now_us(), __ATOMIC_RELAXED);
	hang_arm();
}

static void on_readable(evutil_socket_t fd, short events, void *ctx)
{
	static const struct timeval pause = {.tv_usec = REST_US};
	static uint8_t bytes[sizeof(struct wire_head) + WIRE_PART_BYTES];
	struct wire_head head;

	(void)events;
	(void)ctx;
	for (int i = 0; i < MESSAGES_PER_TURN; i++) {
		ssize_t n = recv(fd, bytes, sizeof(bytes), MSG_DONTWAIT);

		if (n == 0 || (n < 0 && (errno == ECONNRESET || errno == EPIPE))) {
			event_base_loopbreak(process.base); /* the daemon has ended */
			return;
		}
		if (n < 0) {
			if (errno == EAGAIN || errno == EINTR)
				return;
			/* What can't be read now stays readable: without a rest the loop would do
			 * nothing else. */
			shortage_note(SHORTAGE_HEALTH, errno);
			if (event_add(process.again, &pause) == 0)
				event_del(process.readable);
			return;
		}
		if ((size_t)n < sizeof(head))
			continue;
		memcpy(&head, bytes, sizeof(head));
		take(&head, bytes + sizeof(head), (size_t)n - sizeof(head));
	}
}

static void on_again(evutil_socket_t fd, short events, void *ctx)
{
	static const struct timeval pause = {.tv_usec = REST_US};

	(void)fd;
	(void)events;
	(void)ctx;
	if (event_add(process.readable, NULL) != 0)
		event_add(process.again, &pause);
}

static void on_beat(evutil_socket_t fd, short events, void *ctx)
{
	(void)fd;
	(void)events;
	(void)ctx;
	beat();
}

/* ---- life ---- */

/* Not where DPDK's workers poll: each check would stop packets for as long as it takes. */
static void cores_leave(const struct settings *settings)
{
	cpu_set_t allowed;

	if (settings->mode == PATH_XDP || sched_getaffinity(0, sizeof(allowed), &allowed) != 0)
		return;
	for (uint32_t i = 0; i < settings->cores_n; i++)
		if (settings->cores[i] < CPU_SETSIZE)
			CPU_CLR(settings->cores[i], &allowed);
	if (CPU_COUNT(&allowed) > 0)
		sched_setaffinity(0, sizeof(allowed), &allowed);
}

/* Where memory is short this goes before what forwards: it is started again, and costs nobody a packet. */
static void oom_offer(void)
{
	enum { MORE = 200, MOST = 1000 };
	FILE *file = fopen("/proc/self/oom_score_adj", "r+e");
	int now = 0;

	if (!file)
		return;
	if (fscanf(file, "%d", &now) == 1 && now < MOST) {
		rewind(file);
		fprintf(file, "%d", now + MORE < MOST ? now + MORE : MOST);
	}
	fclose(file);
}

/* The keeper ends it, if it must. Becoming another user clears this, so it is said twice. */
static void die_with_keeper(pid_t keeper)
{
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (getppid() != keeper)
		_exit(1);
}

/* Others stay blocked: those that end the daemon end this by way of the socket. */
static void signals_take(void)
{
	sigset_t hang;

	signal(SIGPIPE, SIG_IGN);
	signal(SIGALRM, SIG_DFL);
	sigemptyset(&hang);
	sigaddset(&hang, SIGALRM);
	sigprocmask(SIG_UNBLOCK, &hang, NULL);
}

void health_process_rights_drop(void)
{
	static const unsigned int kept[] = {CAP_NET_ADMIN, CAP_NET_RAW, CAP_SETUID,
					    CAP_SETGID,    CAP_KILL,    CAP_SETPCAP};
	bool has[sizeof(kept) / sizeof(kept[0])];

	capng_get_caps_process();
	for (size_t i = 0; i < sizeof(kept) / sizeof(kept[0]); i++)
		has[i] = capng_have_capability(CAPNG_PERMITTED, kept[i]);
	capng_clear(CAPNG_SELECT_CAPS);
	for (size_t i = 0; i < sizeof(kept) / sizeof(kept[0]); i++)
		if (has[i])
			capng_update(CAPNG_ADD, (capng_type_t)(CAPNG_EFFECTIVE | CAPNG_PERMITTED),
				     kept[i]);
	capng_apply(CAPNG_SELECT_CAPS);
	prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
}

void health_process_lost(int fd, int signal_number)
{
	const struct wire_head head = {.kind = WIRE_LOST, .id = (uint32_t)signal_number};

	while (send(fd, &head, sizeof(head), MSG_NOSIGNAL) < 0 && errno == EINTR)
		;
}

static bool begin(const struct health_process *job)
{
	static const struct checker_ops ops = {
		.is_down = is_down, .known = known, .told = told, .outer = outer};
	static const struct timeval each = {.tv_usec = SHARED_BEAT_MS * 1000};

	process.base = loop_new();
	if (!process.base || checker_new(process.base, job->settings, &ops, &process.checker) != 0)
		return false;
	process.readable =
		event_new(process.base, process.fd, EV_READ | EV_PERSIST, on_readable, NULL);
	process.beat = event_new(process.base, -1, EV_PERSIST, on_beat, NULL);
	process.again = evtimer_new(process.base, on_again, NULL);
	return process.readable && process.beat && process.again &&
	       event_add(process.readable, NULL) == 0 && event_add(process.beat, &each) == 0;
}

void health_process_run(int fd, const void *ctx)
{
	const struct health_process *job = ctx;

	const pid_t keeper = getppid();

	prctl(PR_SET_NAME, "sluiced-checks");
	die_with_keeper(keeper);
	process = (struct process){.job = job, .shared = job->shared, .fd = fd};
	signals_take();
	oom_offer();
	log_divert(log_say);
	cores_leave(job->settings);
	if (!begin(job)) {
		log_error("health checks: no memory for an event loop, or no file");
		_exit(1);
	}
	if (job->confine && !job->confine(job->ctx))
		_exit(1);
	die_with_keeper(keeper);
	beat();
	while (event_base_dispatch(process.base) < 0)
		usleep(REST_US);
	checker_free(process.checker); /* with the way of checks by way of the vip */
	_exit(0);
}
