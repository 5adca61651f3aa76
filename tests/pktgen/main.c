/* SPDX-License-Identifier: Apache-2.0 */
/*
 * sluice-pktgen: plays clients and the backends' router for a balancer, and checks what it does.
 * The main thread reads the command line, tells of progress and reports; one lcore does the work.
 */
#include "generator.h"
#include "report.h"

#include <rte_launch.h>
#include <rte_lcore.h>

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <time.h>

enum {
	EXIT_CHECK_FAILED = 1,
	EXIT_USAGE = 2,
	EXIT_CANT_RUN = 3,
	POLL_MS = 20,
};

static struct generator *running;

static void on_signal(int number)
{
	(void)number;
	generator_stop(running);
}

static void signals_take(void)
{
	struct sigaction action = {.sa_handler = on_signal};

	sigaction(SIGINT, &action, NULL);
	sigaction(SIGTERM, &action, NULL);
}

static struct progress progress_load(const struct generator *g)
{
	const struct progress *p = &g->progress;

	return (struct progress){
		.running = __atomic_load_n(&p->running, __ATOMIC_RELAXED),
		.sent = __atomic_load_n(&p->sent, __ATOMIC_RELAXED),
		.received = __atomic_load_n(&p->received, __ATOMIC_RELAXED),
		.under_way = __atomic_load_n(&p->under_way, __ATOMIC_RELAXED),
		.faults = __atomic_load_n(&p->faults, __ATOMIC_RELAXED),
		.moved = __atomic_load_n(&p->moved, __ATOMIC_RELAXED),
		.reordered = __atomic_load_n(&p->reordered, __ATOMIC_RELAXED),
	};
}

/* Waits for the generator's core; a line each second of the run. */
static void watch(const struct generator *g)
{
	const struct timespec nap = {.tv_nsec = POLL_MS * 1000000L};
	struct progress before = {0};
	uint64_t second = 0, naps = 0;

	while (rte_eal_get_lcore_state(link_lcore()) == RUNNING) {
		struct progress now = progress_load(g);

		nanosleep(&nap, NULL);
		if (!now.running || ++naps % (1000 / POLL_MS) != 0)
			continue;
		now = progress_load(g);
		if (!g->options->quiet)
			report_progress(&before, &now, ++second, stderr);
		before = now;
	}
	rte_eal_wait_lcore(link_lcore());
}

static int report(const struct generator *g)
{
	struct report r;

	report_make(&r, g);
	if (!g->options->json)
		report_text(&r, stdout);
	else if (report_json(&r, stdout) < 0)
		return EXIT_CANT_RUN;
	return r.failures_n > 0 ? EXIT_CHECK_FAILED : EXIT_SUCCESS;
}

static int run(const struct options *options)
{
	struct generator *g = calloc(1, sizeof(*g));
	char error[GENERATOR_ERROR_MAX] = "no memory";
	int status = EXIT_CANT_RUN;

	if (!g || generator_create(g, options, error) < 0) {
		fprintf(stderr, "sluice-pktgen: %s\n", error);
		free(g);
		return EXIT_CANT_RUN;
	}
	running = g;
	signals_take();
	if (rte_eal_remote_launch(generator_run, g, link_lcore()) < 0) {
		fprintf(stderr, "sluice-pktgen: the generator's core does not start\n");
	} else {
		watch(g);
		if (g->failed)
			fprintf(stderr, "sluice-pktgen: %s\n", g->error);
		else
			status = report(g);
	}
	generator_destroy(g);
	free(g);
	return status;
}

int main(int argc, char **argv)
{
	char error[OPTIONS_ERROR_MAX] = "no memory";
	struct options options;
	int status;

	if (options_parse(&options, argc, argv, error) < 0) {
		fprintf(stderr, "sluice-pktgen: %s\n", error);
		options_free(&options);
		return EXIT_USAGE;
	}
	if (options.help) {
		options_help(stdout);
		options_free(&options);
		return EXIT_SUCCESS;
	}
	status = run(&options);
	options_free(&options);
	return status;
}
