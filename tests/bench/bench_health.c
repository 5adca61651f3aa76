/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How many backends one core can check, by the daemon's own code against servers on this host, and how
 * late checks begin, beside a client that asks `show backends` without a pause. `make bench-health`.
 *
 *   bench_health [WHAT [BACKENDS [SECONDS [INTERVAL_MS]]]]
 *
 * WHAT: tcp, http, https, icmp: each backend is checked once in the interval, by the process that makes
 * checks in the daemon. https-thread: the same in the control thread, as it was before there was that
 * process. icmp-stop: the process stands still for 3 s in the middle, and nobody may be found down.
 * Without arguments: tcp, http and https of 5,000 in 1,000 ms, and icmp-stop of 30,000 in 2,000 ms.
 *
 * Backends are addresses of 127.0.0.0/8, on which another process accepts connections (health_servers.h).
 * What that process and the client take of the CPU isn't counted.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h> /* of fake_daemon.h, which the control server here asks */

#include <dirent.h>
#include <event2/event.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "../unit/fake_daemon.h"
#include "control.h"
#include "health.h"
#include "health_servers.h"
#include "log.h"
#include "loop.h"

enum {
	WARM_UP_S = 4, /* first runs, which come at once, and the way to each one's place */
	STOP_S = 3,
	BACKENDS_MAX = 60000,
};

struct bench {
	const char *what;
	enum health_type type;
	bool in_thread, stops;
	uint32_t backends, seconds, interval_ms;
	struct event_base *base;
	struct settings settings;
	struct model *model;
	struct health *health;   /* or */
	struct checker *checker; /* in the control thread */
	struct fake_daemon fake;
	char folder[32], path[64];
	uint32_t down_n;
};

static struct bench bench;

/* ---- the checks ---- */

static void set_down(void *ctx, const char *service, const char *backend, bool down)
{
	(void)ctx;
	(void)service;
	(void)backend;
	bench.down_n += down;
}

static void checker_set_down(void *ctx, const struct service_conf *service, uint32_t i, bool down)
{
	set_down(ctx, service->name, service->backends[i].name, down);
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

static const struct health_ops ops = {.set_down = set_down, .is_down = is_down, .outer = outer};
static const struct checker_ops checker_ops = {
	.set_down = checker_set_down, .is_down = is_down, .outer = outer};

static void totals_read(struct health_totals *totals)
{
	if (bench.checker)
		checker_totals(bench.checker, totals);
	else
		health_totals(bench.health, totals);
}

static bool model_make(void)
{
	struct service_conf *spec = service_conf_new(bench.backends);
	struct model *empty = model_new(&bench.settings);
	struct model_error error = {.text = "no memory"};

	strcpy(spec->name, "web");
	ip_parse("198.51.100.10", &spec->vip);
	spec->port = bench.type == HEALTH_TCP     ? PORT_TCP
		     : bench.type == HEALTH_HTTPS ? PORT_HTTPS
						  : PORT_HTTP;
	spec->proto = 6;
	spec->health = health_conf_default();
	spec->health.type = (uint8_t)bench.type;
	spec->health.verify = false;
	spec->health.timing.interval_ms = bench.interval_ms;
	spec->health.timing.timeout_ms = bench.interval_ms * 9 / 10;
	if (bench.stops)
		spec->health.timing.fall = 1;
	for (uint32_t i = 0; i < bench.backends; i++) {
		uint8_t bytes[4] = {10, (uint8_t)(i >> 16), (uint8_t)(i >> 8), (uint8_t)i};

		snprintf(spec->backends[i].name, MODEL_NAME_MAX, "b%u", i);
		spec->backends[i].addr = ip_from_bytes(IP_V4, bytes);
		spec->backends[i].weight = 100;
	}
	bench.model = model_service_add(empty, spec, &error);
	if (!bench.model)
		fprintf(stderr, "bench_health: %s\n", error.text);
	/* A model refuses addresses of 127/8, for good reason; here they are what is wanted. */
	for (uint32_t i = 0; bench.model && i < bench.backends; i++)
		bench.model->services[0]->backends[i].addr.bytes[0] = 127;
	service_conf_unref(spec);
	model_free(empty);
	return bench.model;
}

/* ---- the client, in a process of its own ---- */

static void health_of(void *ctx, const struct service_conf *service, uint32_t i,
		      struct health_report *out)
{
	(void)ctx;
	if (bench.checker)
		checker_read(bench.checker, service, i, out);
	else
		health_read(bench.health, service, i, out);
}

__attribute__((noreturn)) static void ask(void)
{
	static const char show[] = "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"backends.list\"}\n";
	static char bytes[1 << 16];
	struct sockaddr_un addr = {.sun_family = AF_UNIX};
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	strcpy(addr.sun_path, bench.path);
	if (connect(fd, (struct sockaddr *)&addr, sizeof(addr)) != 0)
		_exit(1);
	for (;;) {
		ssize_t n;

		if (send(fd, show, sizeof(show) - 1, MSG_NOSIGNAL) < 0)
			_exit(1);
		do
			n = recv(fd, bytes, sizeof(bytes), 0);
		while (n > 0 && bytes[n - 1] != '\n');
		if (n <= 0)
			_exit(1);
	}
}

static struct control *control_start(void)
{
	struct control_config config = CONTROL_CONFIG_DEFAULT;
	struct daemon_api api = fake_api(&bench.fake);
	struct control *control = NULL;
	char error[CONTROL_ERROR_MAX];

	api.health_read = health_of;
	bench.fake.model = bench.model;
	config.path = bench.path;
	if (control_new(bench.base, &config, &api, &control, error) != 0)
		fprintf(stderr, "bench_health: %s\n", error);
	return control;
}

/* ---- figures ---- */

/* The process that makes checks: a child of a child. */
static pid_t process_pid(void)
{
	DIR *proc = opendir("/proc");
	const struct dirent *entry;
	pid_t found = 0;

	while (proc && !found && (entry = readdir(proc))) {
		char path[300], comm[32] = "", of[32] = "";
		int pid = 0, parent = 0, ours = 0;
		FILE *file;

		snprintf(path, sizeof(path), "/proc/%s/stat", entry->d_name);
		file = atoi(entry->d_name) > 0 ? fopen(path, "r") : NULL;
		if (file && fscanf(file, "%d (%31[^)]) %*c %d", &pid, comm, &parent) == 3 &&
		    strcmp(comm, "sluiced-checks") == 0) {
			FILE *above;

			snprintf(path, sizeof(path), "/proc/%d/stat", parent);
			above = fopen(path, "r");
			if (above && fscanf(above, "%*d (%31[^)]) %*c %d", of, &ours) == 2 &&
			    ours == getpid())
				found = pid;
			if (above)
				fclose(above);
		}
		if (file)
			fclose(file);
	}
	if (proc)
		closedir(proc);
	return found;
}

static double cpu_s(pid_t pid)
{
	char path[64];
	unsigned long user = 0, system = 0;
	FILE *file;

	snprintf(path, sizeof(path), "/proc/%d/stat", (int)pid);
	file = fopen(path, "r");
	if (!file)
		return 0;
	if (fscanf(file, "%*d (%*[^)]) %*c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %lu %lu", &user,
		   &system) != 2)
		user = system = 0;
	fclose(file);
	return (double)(user + system) / (double)sysconf(_SC_CLK_TCK);
}

static void run_for(uint32_t seconds)
{
	struct timeval time = {.tv_sec = seconds};

	event_base_loopexit(bench.base, &time);
	event_base_dispatch(bench.base);
}

/* False: a backend was found down, or nothing was checked. */
static bool measure(void)
{
	struct health_totals before, after;
	double began_s, share;
	uint64_t n;
	pid_t pid;

	run_for(WARM_UP_S);
	pid = bench.checker ? getpid() : process_pid(); /* which has its name by now */
	if (pid == 0) {
		fprintf(stderr, "bench_health: no process makes checks\n");
		return false;
	}
	bench.down_n = 0;
	totals_read(&before);
	began_s = cpu_s(pid);
	if (bench.stops) {
		kill(pid, SIGSTOP);
		run_for(STOP_S);
		kill(pid, SIGCONT);
	}
	run_for(bench.seconds);
	totals_read(&after);
	share = 100 * (cpu_s(pid) - began_s) / bench.seconds;
	n = after.begun - before.begun;
	printf("%-12s %6u backends, %7.0f checks/s: %5.1f %% of a core (%5.1f us a check); late by "
	       "median %.2f ms, p99 %.2f ms; %u found down, %llu not made, %llu answers lost\n",
	       bench.what, bench.backends, (double)n / bench.seconds, share,
	       n ? share * 1e4 * bench.seconds / (double)n : 0,
	       (double)health_late_quantile_us(&after, &before, 0.5) / 1e3,
	       (double)health_late_quantile_us(&after, &before, 0.99) / 1e3, bench.down_n,
	       (unsigned long long)(after.not_made - before.not_made),
	       (unsigned long long)after.lost_answers);
	fflush(stdout);
	return n > 0 && bench.down_n == 0 && after.lost_answers == 0;
}

/* One of them, in a process of its own. */
static int run(const char *what, uint32_t backends, uint32_t seconds, uint32_t interval_ms)
{
	static const char *const types[] = {[HEALTH_TCP] = "tcp",
					    [HEALTH_HTTP] = "http",
					    [HEALTH_HTTPS] = "https",
					    [HEALTH_ICMP] = "icmp"};
	struct control *control;
	pid_t client;
	bool fine = false;

	bench = (struct bench){.what = what,
			       .backends = backends,
			       .seconds = seconds,
			       .interval_ms = interval_ms,
			       .base = loop_new(),
			       .in_thread = strstr(what, "-thread"),
			       .stops = strstr(what, "-stop")};
	for (size_t i = 0; i < sizeof(types) / sizeof(types[0]); i++)
		if (types[i] && strncmp(what, types[i], strcspn(what, "-")) == 0 &&
		    strlen(types[i]) == strcspn(what, "-"))
			bench.type = (enum health_type)i;
	bench.settings = (struct settings){.services_max = 16,
					   .backends_max = BACKENDS_MAX,
					   .health_rate = 20000,
					   .vip_mark = 20942};
	strcpy(bench.folder, "/tmp/bench-health-XXXXXX");
	if (!bench.base || bench.type == HEALTH_NO_CHECK || !mkdtemp(bench.folder) || !model_make())
		return 2;
	snprintf(bench.path, sizeof(bench.path), "%s/control.sock", bench.folder);
	if (bench.in_thread
		    ? checker_new(bench.base, &bench.settings, &checker_ops, &bench.checker) != 0
		    : health_new(bench.base, &bench.settings, &ops, &bench.health) != 0)
		return 2;
	if (bench.checker)
		checker_files_set(bench.checker, 100000);
	control = control_start();
	client = control ? fork() : -1;
	if (client == 0)
		ask();
	if (bench.checker)
		checker_follow(bench.checker, bench.model);
	else
		health_follow(bench.health, bench.model);
	if (client > 0) {
		fine = measure();
		kill(client, SIGKILL);
		waitpid(client, NULL, 0);
	}
	control_free(control);
	health_free(bench.health);
	checker_free(bench.checker);
	model_free(bench.model);
	event_base_free(bench.base);
	unlink(bench.path);
	rmdir(bench.folder);
	return fine ? 0 : 1;
}

int main(int argc, char **argv)
{
	static const struct {
		const char *what;
		uint32_t backends, interval_ms;
	} all[] = {{"tcp", 5000, 1000},
		   {"http", 5000, 1000},
		   {"https", 5000, 1000},
		   {"icmp-stop", 30000, 2000}};
	uint32_t seconds = argc > 3 ? (uint32_t)atoi(argv[3]) : 10;
	uint32_t backends = argc > 2 ? (uint32_t)atoi(argv[2]) : 5000;
	uint32_t interval_ms = argc > 4 ? (uint32_t)atoi(argv[4]) : 1000;
	pid_t servers = health_servers_start();
	int rc = 0;

	log_set_level(FAST_PATH_LOG_ERROR);
	if (servers < 0 || backends == 0 || backends > BACKENDS_MAX || seconds == 0) {
		fprintf(stderr, "usage: bench_health [WHAT [BACKENDS [SECONDS [INTERVAL_MS]]]]\n");
		return 2;
	}
	if (argc > 1)
		rc = run(argv[1], backends, seconds, interval_ms);
	for (size_t i = 0; argc < 2 && i < sizeof(all) / sizeof(all[0]); i++)
		rc |= run(all[i].what, all[i].backends, seconds, all[i].interval_ms);
	kill(servers, SIGKILL);
	waitpid(servers, NULL, 0);
	return rc;
}
