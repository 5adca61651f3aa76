/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The daemon's end of health checks, with the process that makes them: neither waits for the other, the
 * process is killed and another goes on from what was known, and what is said is of whom it is said of.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <arpa/inet.h>
#include <dirent.h>
#include <event2/event.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "clock.h"
#include "health_internal.h"
#include "log.h"
#include "loop.h"
#include "named_rows.h"

enum {
	PATIENCE_MS = 20000,
	SERVICES_MAX = 512,
	HANG_MS = 5000,
};

static struct {
	struct event_base *base;
	struct settings settings;
	struct health *health;
	struct model *model;
	int listener; /* connections wait in its backlog: who connects needs nobody at once */
	struct event *accepts;
	uint16_t port;
	char down[4096]; /* "web/b1- " */
	uint32_t told_n;
	uint32_t lines_n; /* of the log, of what the process was told */
} room;

static void line_take(enum fast_path_log level, const char *line)
{
	room.lines_n += level == FAST_PATH_LOG_DEBUG && strstr(line, "health checks: of ");
}

static void set_down(void *ctx, const char *service, const char *backend, bool down)
{
	size_t used = strlen(room.down);

	(void)ctx;
	room.told_n++;
	snprintf(room.down + used, sizeof(room.down) - used, "%s/%s%c ", service, backend,
		 down ? '-' : '+');
}

static bool is_down(void *ctx, const struct service_conf *service, uint32_t i)
{
	(void)ctx;
	(void)service;
	(void)i;
	return false;
}

static void outer(void *ctx, const struct service_conf *service, const struct backend_conf *backend,
		  struct vip_outer *out)
{
	(void)ctx;
	(void)service;
	(void)backend;
	memset(out, 0, sizeof(*out));
}

/* As security.user does, which costs a process the signal of its parent's death. */
static bool confine(void *ctx)
{
	enum { NOBODY = 65534 };

	(void)ctx;
	return setresgid(NOBODY, NOBODY, NOBODY) == 0 && setresuid(NOBODY, NOBODY, NOBODY) == 0;
}

static const struct health_ops ops = {
	.set_down = set_down, .is_down = is_down, .outer = outer, .hang_ms = HANG_MS};
static const struct health_ops confined_ops = {
	.set_down = set_down, .is_down = is_down, .outer = outer, .confine = confine};

/* So that the backlog doesn't fill up. */
static void on_connection(evutil_socket_t fd, short events, void *ctx)
{
	int connection;

	(void)events;
	(void)ctx;
	while ((connection = accept(fd, NULL, NULL)) >= 0)
		close(connection);
}

static void listener_close(void)
{
	event_free(room.accepts);
	close(room.listener);
}

static void listener_open(void)
{
	struct sockaddr_in any = {.sin_family = AF_INET, .sin_port = htons(room.port)};
	const int on = 1;
	socklen_t bytes = sizeof(any);

	room.listener = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	setsockopt(room.listener, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
	assert_int_equal(bind(room.listener, (struct sockaddr *)&any, sizeof(any)), 0);
	assert_int_equal(listen(room.listener, 4096), 0);
	getsockname(room.listener, (struct sockaddr *)&any, &bytes);
	room.port = ntohs(any.sin_port);
	room.accepts =
		event_new(room.base, room.listener, EV_READ | EV_PERSIST, on_connection, NULL);
	event_add(room.accepts, NULL);
}

static int setup(void **state)
{
	(void)state;
	log_set_level(FAST_PATH_LOG_ERROR);
	memset(&room, 0, sizeof(room));
	room.base = loop_new();
	room.settings = (struct settings){
		.services_max = SERVICES_MAX, .backends_max = 8192, .health_rate = 20000};
	room.model = model_new(&room.settings);
	assert_int_equal(health_new(room.base, &room.settings, &ops, &room.health), 0);
	listener_open();
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	health_free(room.health);
	/* Nobody is left, the keeper included. */
	if (waitpid(-1, NULL, WNOHANG) != -1)
		return -1;
	listener_close();
	model_free(room.model);
	event_base_free(room.base);
	return 0;
}

/* A service `name` at 198.51.100.`vip` with backends 127.0.0.first and so on. */
static struct service_conf *service_make(const char *name, uint8_t vip, uint8_t first, uint32_t n)
{
	struct service_conf *s = service_conf_new(n);

	snprintf(s->name, sizeof(s->name), "%s", name);
	s->vip = (struct ip_addr){.family = IP_V4, .bytes = {198, 51, 100, vip}};
	s->port = 80;
	s->proto = 6;
	s->health = health_conf_default();
	s->health.type = HEALTH_TCP;
	s->health.timing.interval_ms = s->health.timing.timeout_ms = 200;
	s->health.timing.fast_interval_ms = 20;
	s->health.timing.fall = 2;
	s->health.timing.rise = 1;
	s->health.timing.port = room.port;
	for (uint32_t i = 0; i < n; i++) {
		snprintf(s->backends[i].name, MODEL_NAME_MAX, "b%u", first + i);
		s->backends[i].addr = (struct ip_addr){.family = IP_V4,
						       .bytes = {10, 0, 0, (uint8_t)(first + i)}};
		s->backends[i].weight = 100;
	}
	return s;
}

/* Takes the services over, and follows them. */
static void follow(struct service_conf **services, uint32_t n)
{
	struct model *model = model_build(&room.settings, services, n, NULL, NULL);

	assert_non_null(model);
	for (uint32_t i = 0; i < n; i++) {
		service_conf_unref(services[i]);
		/* Which a model refuses, for good reason. */
		for (uint32_t j = 0; j < model->services[i]->backends_n; j++)
			model->services[i]->backends[j].addr.bytes[0] = 127;
	}
	assert_int_equal(health_follow(room.health, model), 0);
	model_free(room.model);
	room.model = model;
}

static struct health_report report(uint32_t service, uint32_t i)
{
	struct health_report r;

	health_read(room.health, room.model->services[service], i, &r);
	return r;
}

static void run_ms(uint32_t ms)
{
	struct timeval time = {.tv_sec = ms / 1000, .tv_usec = ms % 1000 * 1000};

	event_base_loopexit(room.base, &time);
	event_base_dispatch(room.base);
}

/* In the record, and told of. */
static void becomes(uint32_t service, uint32_t i, enum health_state state)
{
	int64_t end_us = clock_now_us() + PATIENCE_MS * 1000LL;
	struct health_report r;

	do {
		run_ms(5);
		r = report(service, i);
	} while (r.state != state && clock_now_us() < end_us);
	if (r.state != state)
		fail_msg("%u/%u is %s (%s), not %s", service, i, health_state_name(r.state),
			 r.reason, health_state_name(state));
	run_ms(20);
}

/* The same, where many do: the loop runs only where it hasn't yet. */
static void becomes_soon(uint32_t service, uint32_t i, enum health_state state)
{
	if (report(service, i).state != state)
		becomes(service, i, state);
}

/* A child of `parent` with that name; 0: there is none. */
static pid_t child_of(pid_t parent, const char *name)
{
	DIR *proc = opendir("/proc");
	const struct dirent *entry;
	pid_t found = 0;

	while (!found && (entry = readdir(proc))) {
		char path[300], comm[32] = "";
		int pid = 0, ppid = 0;
		FILE *file;

		snprintf(path, sizeof(path), "/proc/%s/stat", entry->d_name);
		file = atoi(entry->d_name) > 0 ? fopen(path, "r") : NULL;
		if (!file)
			continue;
		if (fscanf(file, "%d (%31[^)]) %*c %d", &pid, comm, &ppid) == 3 && ppid == parent &&
		    strcmp(comm, name) == 0)
			found = pid;
		fclose(file);
	}
	closedir(proc);
	return found;
}

static pid_t process_pid(void)
{
	int64_t end_us = clock_now_us() + PATIENCE_MS * 1000LL;
	pid_t pid = 0;

	while (!pid && clock_now_us() < end_us) {
		pid_t keeper = child_of(getpid(), "sluiced-keeper");

		pid = keeper ? child_of(keeper, "sluiced-checks") : 0;
		run_ms(2);
	}
	assert_true(pid > 0);
	return pid;
}

static void test_states_are_told(void **state)
{
	struct service_conf *web[] = {service_make("web", 1, 1, 3)};
	struct health_totals totals;

	(void)state;
	follow(web, 1);
	assert_int_equal(report(0, 0).state, HEALTH_UNKNOWN);
	assert_string_equal(report(0, 0).reason, "no result yet");
	for (uint32_t i = 0; i < 3; i++)
		becomes(0, i, HEALTH_UP);
	assert_int_equal(room.told_n, 3);
	room.down[0] = '\0';
	listener_close();
	becomes(0, 2, HEALTH_DOWN);
	assert_non_null(strstr(room.down, "web/b3- "));
	assert_non_null(strstr(report(0, 2).reason, "refused"));
	listener_open();
	becomes(0, 2, HEALTH_UP);
	assert_non_null(strstr(room.down, "web/b3+ "));
	run_ms(300);
	health_totals(room.health, &totals);
	assert_true(totals.begun > 10 && totals.passed > 3 && totals.failed >= 2);
}

/* What changes nothing about checks isn't told: all stays known, and in its place. */
static void test_changes(void **state)
{
	struct service_conf *services[] = {service_make("web", 1, 1, 2),
					   service_make("api", 2, 11, 2)};
	struct health_report before;

	(void)state;
	follow(services, 2);
	becomes(0, 0, HEALTH_UP);
	becomes(1, 1, HEALTH_UP);
	before = report(0, 0);
	/* b2 goes, and b3 and b4, of whom nothing is known, come; another order of services. */
	services[0] = service_make("api", 2, 11, 2);
	services[0]->backends[1].weight = 7;
	services[1] = service_make("web", 1, 1, 3);
	memcpy(services[1]->backends[1].name, "b4", 3);
	services[1]->backends[1].addr.bytes[3] = 4;
	room.down[0] = '\0';
	follow(services, 2);
	assert_int_equal(report(1, 0).since_us, before.since_us);
	assert_int_equal(report(0, 1).state, HEALTH_UP);
	/* b4 has nothing of b2's, whose place it took; its own first check may be over by now. */
	assert_true(report(1, 1).since_us > before.since_us);
	becomes(1, 1, HEALTH_UP);
	becomes(1, 2, HEALTH_UP);
	assert_null(strstr(room.down, "web/b1"));
	assert_null(strstr(room.down, "api"));
	/* One isn't checked any more. */
	listener_close();
	becomes(1, 0, HEALTH_DOWN);
	services[0] = service_make("web", 1, 1, 3);
	services[0]->health.type = HEALTH_NO_CHECK;
	room.down[0] = '\0';
	follow(services, 1);
	assert_int_equal(report(0, 0).state, HEALTH_NONE);
	assert_non_null(strstr(room.down, "web/b1+ "));
	listener_open();
}

/* It dies: what is known stays, nobody is told of anything, and another goes on. */
static void test_killed(void **state)
{
	struct service_conf *web[] = {service_make("web", 1, 1, 2)};
	struct health_report before[2];
	struct health_life life;

	(void)state;
	web[0]->backends[1].health.timing.port = 1; /* where nobody listens */
	web[0]->health.timing.rise = 3;
	follow(web, 1);
	becomes(0, 0, HEALTH_UP);
	becomes(0, 1, HEALTH_DOWN);
	for (int round = 1; round <= 3; round++) {
		pid_t pid = process_pid();
		int64_t end_us = clock_now_us() + PATIENCE_MS * 1000LL;

		before[0] = report(0, 0);
		before[1] = report(0, 1);
		room.told_n = 0;
		kill(pid, SIGKILL);
		do {
			run_ms(5);
			health_life(room.health, &life);
		} while (life.deaths < (uint64_t)round && clock_now_us() < end_us);
		assert_int_equal(life.deaths, round);
		assert_int_not_equal(process_pid(), pid);
		run_ms(300);
		for (uint32_t i = 0; i < 2; i++) {
			assert_int_equal(report(0, i).state, before[i].state);
			assert_int_equal(report(0, i).since_us, before[i].since_us);
			assert_true(report(0, i).checked_us > before[i].checked_us);
		}
		assert_int_equal(room.told_n, 0);
	}
	listener_close();
	becomes(0, 0, HEALTH_DOWN);
	listener_open();
}

/* It stands still: the daemon doesn't, and all that it was to be told it is told later. */
static void test_stopped(void **state)
{
	struct service_conf *services[SERVICES_MAX];
	struct health_life life;
	int64_t began_us, longest_us = 0;
	pid_t pid = process_pid();

	(void)state;
	kill(pid, SIGSTOP);
	for (int round = 0; round < 10; round++) {
		uint32_t n = round == 9 ? 2 : 250;

		for (uint32_t i = 0; i < n; i++) {
			char name[16];

			snprintf(name, sizeof(name), "s%u", i);
			services[i] = service_make(name, (uint8_t)(i + 1), 1, 4);
			services[i]->health.timing.interval_ms += (uint32_t)round;
		}
		began_us = clock_now_us();
		follow(services, n);
		if (clock_now_us() - began_us > longest_us)
			longest_us = clock_now_us() - began_us;
	}
	assert_true(longest_us < 500000);
	run_ms(500);
	health_life(room.health, &life);
	assert_true(life.still_us > 300000);
	assert_int_equal(report(1, 3).state, HEALTH_UNKNOWN);
	kill(pid, SIGCONT);
	becomes(1, 3, HEALTH_UP);
	becomes(0, 0, HEALTH_UP);
	run_ms(250);
	health_life(room.health, &life);
	assert_true(life.still_us < 5000000 && life.deaths == 0);
}

/* Nobody need have waited for it. */
static bool is_dead(pid_t pid)
{
	char path[64], mode = 'X';
	FILE *file;

	snprintf(path, sizeof(path), "/proc/%d/stat", (int)pid);
	file = fopen(path, "r");
	if (!file)
		return true;
	if (fscanf(file, "%*d (%*[^)]) %c", &mode) != 1)
		mode = 'X';
	fclose(file);
	return mode == 'Z' || mode == 'X';
}

static void dies_within(pid_t pid, uint32_t ms)
{
	const int64_t end_us = clock_now_us() + ms * 1000LL;

	while (!is_dead(pid) && clock_now_us() < end_us)
		run_ms(5);
	assert_true(is_dead(pid));
}

/* It stands still for so long that nothing more is to be hoped for: another goes on. */
static void test_hangs(void **state)
{
	struct service_conf *web[] = {service_make("web", 1, 1, 1)};
	struct health_report before;
	struct health_life life = {0};
	const int64_t end_us = clock_now_us() + (HANG_MS + PATIENCE_MS) * 1000LL;
	pid_t pid;

	(void)state;
	follow(web, 1);
	becomes(0, 0, HEALTH_UP);
	pid = process_pid();
	before = report(0, 0);
	room.told_n = 0;
	kill(pid, SIGSTOP);
	run_ms(HANG_MS + 200);
	assert_int_equal(report(0, 0).state, HEALTH_UP);
	kill(pid, SIGCONT); /* what hangs by itself need not wait for that */
	while (life.deaths == 0 && clock_now_us() < end_us) {
		run_ms(5);
		health_life(room.health, &life);
	}
	assert_int_equal(life.deaths, 1);
	dies_within(pid, PATIENCE_MS);
	assert_int_not_equal(process_pid(), pid);
	run_ms(500);
	assert_true(report(0, 0).checked_us > before.checked_us);
	assert_int_equal(room.told_n, 0);
}

/* The daemon ends: a process that can't go along doesn't stay behind, whoever it has become. */
static void test_end_of_a_stopped_one(void **state)
{
	pid_t pid;

	(void)state;
	health_free(room.health);
	assert_int_equal(health_new(room.base, &room.settings, &confined_ops, &room.health), 0);
	pid = process_pid();
	run_ms(300);
	assert_int_equal(kill(pid, SIGSTOP), 0);
	health_free(room.health);
	room.health = NULL;
	dies_within(pid, 2000);
}

/* The log's level changes at run time, and so does that of what the process has to say. */
static void test_log_level(void **state)
{
	const int64_t end_us = clock_now_us() + PATIENCE_MS * 1000LL;

	(void)state;
	log_divert(line_take);
	follow((struct service_conf *[]){service_make("web", 1, 1, 1)}, 1);
	becomes(0, 0, HEALTH_UP);
	assert_int_equal(room.lines_n, 0);
	log_set_level(FAST_PATH_LOG_DEBUG);
	for (uint8_t first = 2; room.lines_n == 0 && clock_now_us() < end_us; first++) {
		run_ms(250);
		follow((struct service_conf *[]){service_make("web", 1, first, 1)}, 1);
		becomes(0, 0, HEALTH_UP);
	}
	log_divert(NULL);
	assert_int_not_equal(room.lines_n, 0);
}

/* The daemon stands still: checks go on, and nobody is down for that. */
static void test_daemon_stands_still(void **state)
{
	struct service_conf *web[] = {service_make("web", 1, 1, 8)};
	struct health_totals before, after;

	(void)state;
	follow(web, 1);
	for (uint32_t i = 0; i < 8; i++)
		becomes(0, i, HEALTH_UP);
	room.told_n = 0;
	run_ms(200);
	health_totals(room.health, &before);
	usleep(1500000);
	health_totals(room.health, &after);
	assert_true(after.passed >= before.passed + 16); /* 56, less what this machine is late by */
	assert_int_equal(after.failed, before.failed);
	run_ms(100);
	assert_int_equal(room.told_n, 0);
}

/*
 * 3,000 backends by icmp, of an interval of 1 s, and the process stands still for 3 s: nobody is down, no
 * answer is lost, and they don't come back all at once.
 */
static void test_many_by_icmp(void **state)
{
	enum { MANY = 3000 };
	struct service_conf *many = service_make("many", 1, 1, MANY);
	struct health_totals before, after;
	pid_t pid = process_pid();

	(void)state;
	many->health.type = HEALTH_ICMP;
	many->health.timing.interval_ms = many->health.timing.timeout_ms = 1000;
	many->health.timing.fall = 1;
	for (uint32_t i = 0; i < MANY; i++) {
		snprintf(many->backends[i].name, MODEL_NAME_MAX, "m%u", i);
		many->backends[i].addr.bytes[1] = 1;
		many->backends[i].addr.bytes[2] = (uint8_t)(i / 250);
		many->backends[i].addr.bytes[3] = (uint8_t)(1 + i % 250);
	}
	follow(&many, 1);
	for (uint32_t i = 0; i < MANY; i++)
		becomes_soon(0, i, HEALTH_UP);
	room.told_n = 0;
	kill(pid, SIGSTOP);
	run_ms(3000);
	health_totals(room.health, &before);
	kill(pid, SIGCONT);
	run_ms(3000);
	health_totals(room.health, &after);
	assert_true(after.passed >= before.passed + MANY);
	assert_int_equal(after.failed, 0);
	assert_int_equal(after.lost_answers, 0);
	assert_int_equal(room.told_n, 0);
}

/* What a process wrote that went mad harms nobody. */
static void test_record_is_made_safe(void **state)
{
	static const struct {
		const char *name, *reason, *read;
	} rows[] = {
		{"as it is", "tcp connect", "tcp connect"},
		{"controls", "a\nb\x1b[2J", "a?b?[2J"},
		{"no UTF-8", "a\xff\xfe", "a??"},
		{"UTF-8", "gr\xc3\xbc\xc3\x9f", "gr\xc3\xbc\xc3\x9f"},
	};
	struct health_shared *shared = health_shared_new(8);
	struct health_known known = {.track.state = HEALTH_UP}, out;

	(void)state;
	assert_non_null(shared);
	for (size_t i = 0; i < ROWS(rows); i++) {
		print_message("# row: %s\n", rows[i].name);
		snprintf(known.reason, sizeof(known.reason), "%s", rows[i].reason);
		health_record_write(&shared->records[3], 7, &known);
		assert_true(health_record_read(&shared->records[3], 7, &out));
		assert_string_equal(out.reason, rows[i].read);
		assert_false(health_record_read(&shared->records[3], 8, &out)); /* another tenant */
	}
	memset(known.reason, 'x', sizeof(known.reason)); /* without an end */
	health_record_write(&shared->records[3], 7, &known);
	assert_true(health_record_read(&shared->records[3], 7, &out));
	assert_int_equal(strlen(out.reason), sizeof(out.reason) - 1);
	known.track.state = (enum health_state)77;
	health_record_write(&shared->records[3], 7, &known);
	assert_false(health_record_read(&shared->records[3], 7, &out));
	shared->records[3].sequence |= 1; /* its writer was killed in it: the next mends it */
	known.track.state = HEALTH_DOWN;
	assert_false(health_record_read(&shared->records[3], 7, &out));
	health_record_write(&shared->records[3], 7, &known);
	assert_true(health_record_read(&shared->records[3], 7, &out));
	assert_true(out.track.out);
	health_shared_free(shared);
}

/* Its writer is stopped in it: the state that it then has is told as soon as it can be read. */
static void test_record_torn(void **state)
{
	struct service_conf *web[] = {service_make("web", 1, 1, 1)};
	struct health_record *record;
	struct health_known down;
	pid_t pid = process_pid();
	uint32_t slot;

	(void)state;
	follow(web, 1);
	becomes(0, 0, HEALTH_UP);
	kill(pid, SIGSTOP);
	run_ms(50);
	slot = room.health->groups[0]->slots[0];
	record = &room.health->shared->records[slot];
	down = record->known;
	down.track.state = HEALTH_DOWN;
	health_record_write(record, record->tenant, &down);
	record->sequence |= 1;
	room.health->shared->news[slot / 64] |= 1ULL << slot % 64;
	room.health->shared->page->news_told = 1;
	room.down[0] = '\0';
	run_ms(300);
	assert_string_equal(room.down, "");
	record->sequence++;
	run_ms(300);
	assert_string_equal(room.down, "web/b1- ");
	kill(pid, SIGCONT);
}

/* The process is somebody else's: whatever it writes, the daemon goes on, and believes nothing. */
static void test_memory_of_a_foe(void **state)
{
	struct service_conf *web[] = {service_make("web", 1, 1, 2)};
	struct health_shared *shared = room.health->shared;
	struct health_totals totals;
	struct health_life life;
	pid_t pid = process_pid();

	(void)state;
	follow(web, 1);
	becomes(0, 0, HEALTH_UP);
	becomes(0, 1, HEALTH_UP);
	room.told_n = 0;
	kill(pid, SIGSTOP);
	run_ms(50);
	for (int round = 0; round < 3; round++) {
		static const uint8_t bytes[] = {0xff, 0x7f, 0x55};

		memset(shared->page, bytes[round], sizeof(*shared->page));
		memset(shared->news, 0xff, shared->slots_n / 64 * sizeof(*shared->news));
		memset(shared->records, bytes[round],
		       (shared->slots_n + 1) * sizeof(*shared->records));
		run_ms(250);
		assert_int_equal(report(0, 0).state, HEALTH_UP);
		health_totals(room.health, &totals);
		health_life(room.health, &life);
	}
	assert_int_equal(room.told_n, 0);
	kill(pid, SIGKILL);
	kill(pid, SIGCONT);
	run_ms(500);
	becomes(0, 0, HEALTH_UP);
	becomes(0, 1, HEALTH_UP);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
		TEST(test_states_are_told), TEST(test_changes),
		TEST(test_killed),          TEST(test_stopped),
		TEST(test_hangs),           TEST(test_end_of_a_stopped_one),
		TEST(test_log_level),       TEST(test_daemon_stands_still),
		TEST(test_many_by_icmp),    cmocka_unit_test(test_record_is_made_safe),
		TEST(test_record_torn),     TEST(test_memory_of_a_foe),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
