/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The daemon's life. Started from the outside in (configuration, control socket's place, fast
 * path, generation, control server), ended in reverse. Control thread.
 */
#include "clock.h"
#include "daemon_internal.h"

#include <errno.h>
#include <event2/event.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "capture.h"
#include "config.h"
#include "daemon_confine.h"
#include "events.h"
#include "log.h"
#include "loop.h"
#include "notify.h"
#include "signal_sender.h"

struct daemon the_daemon;

/* ---- health: asks of, and tells, the publisher that there is by then ---- */

static void health_set_down(void *ctx, const char *service, const char *backend, bool down)
{
	publisher_health_set(((struct daemon *)ctx)->publisher, service, backend, down);
}

static bool health_is_down(void *ctx, const struct service_conf *service, uint32_t i)
{
	return publisher_is_down(((struct daemon *)ctx)->publisher, service, i);
}

static void health_outer(void *ctx, const struct service_conf *service,
			 const struct backend_conf *backend, struct vip_outer *out)
{
	publisher_outer(((struct daemon *)ctx)->publisher, service, backend, out);
}

/* In the process that makes checks. */
static bool health_confine(void *ctx)
{
	return daemon_confine_checks(&((struct daemon *)ctx)->settings);
}

static const struct health_ops health_ops = {
	.ctx = &the_daemon,
	.set_down = health_set_down,
	.is_down = health_is_down,
	.outer = health_outer,
	.confine = health_confine,
};

/* There may be something else to keep over a restart. */
static void model_went_on(void *ctx)
{
	configuration_changed(((struct daemon *)ctx)->configuration);
}

/* Another model is in force: its backends are checked from now on, and it is kept. */
static void model_changed(void *ctx, const struct model *model)
{
	configuration_changed(((struct daemon *)ctx)->configuration);
	if (health_follow(((struct daemon *)ctx)->health, model) != 0)
		log_error("no memory to check all backends: some count as they did");
}

/* ---- life ---- */

/* To the service manager: at the start, and when a reload is over. */
static void tell_ready(const struct daemon *d)
{
	notify_ready("%s, %u services", d->path.started.description,
		     publisher_model(d->publisher)->services_n);
}

/* A reload under way, of which the service manager is told. */
struct told_reload {
	struct daemon *d;
	daemon_reloaded_fn *done;
	void *ctx;
};

/* daemon_reloaded_fn */
static void reload_over(void *ctx, int rc, struct daemon_reload *reload)
{
	struct told_reload *told = ctx;
	struct daemon *d = told->d;

	d->reloads--;
	if (d->reloads == 0 && rc != -ECANCELED)
		tell_ready(d);
	told->done(told->ctx, rc, reload);
	free(told);
}

void daemon_reload(struct daemon *d, const char *who, bool check, daemon_reloaded_fn *done,
		   void *done_ctx)
{
	struct daemon_reload none = {.rows_n = 0};
	struct told_reload *told;

	if (check) {
		configuration_reload(d->configuration, who, true, done, done_ctx);
		return;
	}
	told = malloc(sizeof(*told));
	if (!told) {
		done(done_ctx, -ENOMEM, &none);
		return;
	}
	*told = (struct told_reload){.d = d, .done = done, .ctx = done_ctx};
	d->reloads++;
	notify_reloading();
	configuration_reload(d->configuration, who, false, reload_over, told);
}

/* daemon_reloaded_fn */
static void hangup_over(void *ctx, int rc, struct daemon_reload *reload)
{
	struct daemon *d = ctx;

	(void)rc;
	d->hangups--;
	daemon_reload_free(reload);
}

/* One reads, one waits: that one reads what the file says after any further signal. */
static void on_hangup(struct daemon *d, const char *who)
{
	if (d->hangups >= 2) {
		notify_reloading();
		return;
	}
	d->hangups++;
	daemon_reload(d, who, false, hangup_over, d);
}

static void on_signal(evutil_socket_t number, short events, void *ctx)
{
	struct daemon *d = ctx;
	char who[SIGNAL_SENDER_MAX];

	signal_sender(number, who);
	if (number == SIGHUP) {
		on_hangup(d, who);
		return;
	}
	events_add(EVENT_DAEMON, who, NULL, NULL, "%s: ending",
		   number == SIGTERM ? "SIGTERM" : "SIGINT");
	event_base_loopbreak(d->base);
}

/* A port's device is there again, and another process has to take it up. */
static void on_restart(void *ctx)
{
	struct daemon *d = ctx;

	d->restarts = true;
	event_base_loopbreak(d->base);
}

static void on_log_timer(evutil_socket_t fd, short events, void *ctx)
{
	log_flush(false);
}

/* So that lines that were left out are told of, though no further line comes. */
static int log_watch(struct daemon *d)
{
	static const struct timeval every = {.tv_sec = 10};

	d->log_timer = event_new(d->base, -1, EV_PERSIST, on_log_timer, NULL);
	return d->log_timer && event_add(d->log_timer, &every) == 0 ? 0 : -ENOMEM;
}

static int signals_watch(struct daemon *d)
{
	static const int numbers[] = {SIGTERM, SIGINT, SIGHUP};

	signal(SIGPIPE, SIG_IGN);
	for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++) {
		d->signals[i] = evsignal_new(d->base, numbers[i], on_signal, d);
		if (!d->signals[i] || event_add(d->signals[i], NULL) != 0)
			return -ENOMEM;
		if (signal_sender_note(numbers[i]) != 0)
			log_warning("who sends signal %d won't be known", numbers[i]);
	}
	return 0;
}

static void signals_forget(struct daemon *d)
{
	for (size_t i = 0; i < sizeof(d->signals) / sizeof(d->signals[0]); i++)
		if (d->signals[i])
			event_free(d->signals[i]);
}

/* One of the two sockets. */
static int control_open(struct daemon *d, const char *path, const char *group, bool reads_only,
			struct control **out)
{
	struct control_config config = CONTROL_CONFIG_DEFAULT;
	char error[CONTROL_ERROR_MAX];
	int rc;

	config.path = path;
	config.group = group;
	config.reads_only = reads_only;
	config.clients_max = d->clients_max;
	rc = control_new(d->base, &config, &daemon_methods_api, out, error);
	if (rc < 0)
		log_error("%s", error);
	return rc;
}

static int controls_open(struct daemon *d)
{
	const struct settings *s = &d->settings;
	int rc = control_open(d, s->socket_path, s->socket_group, false, &d->control);

	if (rc < 0 || !s->read_socket_path[0])
		return rc;
	return control_open(d, s->read_socket_path, s->read_socket_group, true, &d->readers);
}

static void controls_close(struct daemon *d)
{
	control_free(d->readers);
	control_free(d->control);
}

/* Puts the file's services in force, with the run-time changes over them; or, if these have no room
 * by now, without. Takes `start` over. */
static int start_services(struct daemon *d, struct model *start)
{
	struct model_error error = {.text = ""};
	struct model *plain = configuration_plain(d->configuration);
	bool changed = plain && !model_same(plain, start);
	char who[PATH_MAX];
	int err;

	snprintf(who, sizeof(who), "config: %s", d->options->config_path);
	err = publisher_apply(d->publisher, start, who, &error);
	if (err && changed) {
		events_warn(EVENT_CONFIG, "daemon", NULL, NULL,
			    "run-time changes are lost: with them the services can't be in force: "
			    "%s",
			    error.text);
		err = publisher_apply(d->publisher, plain, who, &error);
		plain = NULL;
	}
	model_free(plain);
	if (err)
		log_error("%s", error.text);
	return err;
}

/* The fast path has its files by now, and what comes has a place in the reserve. */
static void files_divide(struct daemon *d)
{
	d->files = files_budget();
	d->clients_max = d->files.clients / DAEMON_SOCKETS;
	if (d->clients_max > CONTROL_CLIENTS_MAX)
		d->clients_max = CONTROL_CLIENTS_MAX;
	health_files_set(d->health, d->files.probes);
	log_info("files: %llu of %llu are open; %u health checks may have one at once, and %u "
		 "clients of each control socket",
		 (unsigned long long)d->files.used, (unsigned long long)d->files.limit,
		 d->files.probes, d->clients_max);
}

/* Publishes the configured model, opens the control socket, runs. Takes `file` over. */
static enum daemon_end serve(struct daemon *d, struct model *file)
{
	enum daemon_end end = DAEMON_FAILED;
	struct model_error error;
	struct model *start = NULL;

	if (publisher_new(d->base, &d->path, &d->settings, &d->publisher, error.text) != 0) {
		log_error("%s", error.text);
		model_free(file);
		goto out;
	}
	if (configuration_new(d->base, d->options->config_path, d->publisher, file,
			      &d->configuration, &start) != 0) {
		log_error("no memory");
		model_free(start);
		goto out;
	}
	publisher_watch(d->publisher, model_changed, model_went_on, d);
	files_divide(d);
	if (start_services(d, start) != 0)
		goto out;
	configuration_attach(d->configuration, d->publisher);
	/* It may listen at a port below 1024: before root's power is given up. */
	if (http_new(d->base, &d->settings, &daemon_methods_api, &d->http) != 0) {
		log_error("http: out of memory");
		goto out;
	}
	d->captures = captures_new(d->base, &d->path, d->publisher);
	if (!d->captures) {
		log_error("captures: out of memory");
		goto out;
	}
	if (controls_open(d) != 0 ||
	    !daemon_confine(&d->settings, &d->path, d->options->config_path))
		goto out;
	if (watchdog_new(d->base, d->path.module, &d->watchdog) != 0 ||
	    port_watch_new(d->base, &d->path, &d->settings, on_restart, d, &d->ports) != 0) {
		log_error("watching workers and ports: out of memory");
		goto out;
	}
	events_add(EVENT_DAEMON, "daemon", NULL, NULL, "ready: %u services, control socket %s",
		   publisher_model(d->publisher)->services_n, d->settings.socket_path);
	tell_ready(d);
	/* It ends by itself when it can't wait for events now. */
	while (event_base_dispatch(d->base) < 0)
		nanosleep(&(struct timespec){.tv_nsec = 10000000}, NULL);
	notify_stopping();
	publisher_flush(d->publisher);
	end = d->restarts ? DAEMON_FAILED : DAEMON_DONE;
out:
	port_watch_free(d->ports);
	http_free(d->http);
	watchdog_free(d->watchdog);
	controls_close(d);
	if (d->publisher)
		publisher_watch(d->publisher, NULL, NULL, NULL);
	configuration_free(d->configuration);
	captures_free(d->captures);
	/* Its checks speak to the publisher. */
	health_free(d->health);
	d->health = NULL;
	publisher_free(d->publisher);
	return end;
}

static enum daemon_end run(struct daemon *d, struct model *model)
{
	enum daemon_end end = DAEMON_FAILED;
	char error[PATH_WHY_MAX];
	int err;

	d->base = loop_new();
	if (!d->base || signals_watch(d) != 0 || log_watch(d) != 0) {
		log_error("no event loop: %s", strerror(errno));
		model_free(model);
		goto out;
	}
	/* Forks: before the fast path has threads. */
	err = health_new(d->base, &d->settings, &health_ops, &d->health);
	if (err) {
		log_error("health checks can't start: %s", strerror(-err));
		model_free(model);
		goto out;
	}
	/* Behind the fork for checks, and before anything that may have much to say. */
	err = log_start();
	if (err)
		log_warning("log: no thread for it (%s): it may have to wait for its reader",
			    strerror(-err));
	if (path_start(&d->path, &d->settings, d->options->module_dirs, d->options->replace,
		       error) != 0) {
		log_error("the fast path can't start: %s", error);
		model_free(model);
		goto out;
	}
	end = serve(d, model);
	path_stop(&d->path);
out:
	health_free(d->health);
	signals_forget(d);
	if (d->log_timer)
		event_free(d->log_timer);
	if (d->base)
		event_base_free(d->base);
	return end;
}

static enum daemon_end detach(const struct daemon *d)
{
	char error[PATH_WHY_MAX];

	if (path_forget(&d->settings, d->options->module_dirs, error) == 0)
		return DAEMON_DONE;
	log_error("can't detach: %s", error);
	return DAEMON_FAILED;
}

enum daemon_end daemon_run(const struct daemon_options *options)
{
	struct daemon *d = &the_daemon;
	char error[CONFIG_ERROR_MAX];
	struct model *model;
	enum daemon_end end;

	d->started_us = clock_us(CLOCK_REALTIME);
	d->options = options;
	model = config_load(options->config_path, error);
	if (!model) {
		for (char *rest = error, *line; (line = strsep(&rest, "\n"));)
			log_error("%s", line);
		return DAEMON_BAD_CONFIG;
	}
	if (options->check) {
		model_free(model);
		return DAEMON_DONE;
	}
	d->settings = model->settings;
	log_open(d->settings.log_target);
	if (!options->debug)
		log_set_level(d->settings.log_level);
	if (options->detach) {
		end = detach(d);
		model_free(model);
		return end;
	}
	if (!daemon_confine_begin(&d->settings, options->config_path)) {
		model_free(model);
		return DAEMON_BAD_CONFIG;
	}
	notify_open();
	end = run(d, model);
	log_flush(true);
	return end;
}
