// SPDX-License-Identifier: Apache-2.0
/*
 * The daemon's life. Started from the outside in (configuration, control socket's place, fast
 * path, generation, control server), ended in reverse. Control thread.
 */
#include "daemon.h"

#include <errno.h>
#include <event2/event.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "api.h"
#include "capture.h"
#include "config.h"
#include "control.h"
#include "daemon_confine.h"
#include "events.h"
#include "health.h"
#include "http.h"
#include "log.h"
#include "methods.h"
#include "model_events.h"
#include "notify.h"
#include "path.h"
#include "publisher.h"
#include "watchdog.h"

struct daemon {
	const struct daemon_options *options;
	int64_t started_us;
	struct event_base *base;
	struct event *signals[3];
	struct event *log_timer;
	struct settings settings;
	struct path path;
	struct publisher *publisher;
	struct health *health;
	struct captures *captures;
	struct control *control, *readers; /* who may change things, who may only look */
	struct watchdog *watchdog;
	struct http *http;
};

static struct daemon the_daemon;

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

static const struct health_ops health_ops = {
	.ctx = &the_daemon,
	.set_down = health_set_down,
	.is_down = health_is_down,
	.outer = health_outer,
};

/* Another model is in force: its backends are checked from now on. */
static void model_changed(void *ctx, const struct model *model)
{
	if (health_follow(((struct daemon *)ctx)->health, model) != 0)
		log_error("no memory to check all backends: some count as they did");
}

/* ---- what the methods ask (api.h): passed on, with the publisher as context ---- */

static const struct model *api_model(void *ctx)
{
	return publisher_model(((struct daemon *)ctx)->publisher);
}

static const struct model *api_newest(void *ctx)
{
	return publisher_newest(((struct daemon *)ctx)->publisher);
}

/* A change under way, to be told as events when it is in force. */
struct told {
	struct model_diff diff;
	daemon_done_fn *done;
	void *ctx;
	char who[];
};

/* daemon_done_fn */
static void tell_change(void *ctx, int rc, const struct model_error *error)
{
	struct told *told = ctx;

	if (rc == 0)
		model_events_tell(&told->diff, told->who);
	told->done(told->ctx, rc, error);
	model_diff_free(&told->diff);
	free(told);
}

static void api_submit(void *ctx, struct model *next, const char *who, bool alone,
		       daemon_done_fn *done, void *done_ctx)
{
	static const struct model_error no_memory = {MODEL_FULL, "no memory"};
	struct publisher *publisher = ((struct daemon *)ctx)->publisher;
	size_t who_bytes = strlen(who) + 1;
	struct told *told = calloc(1, sizeof(*told) + who_bytes);

	if (!told || model_diff(publisher_newest(publisher), next, &told->diff) != 0) {
		free(told);
		model_free(next);
		done(done_ctx, -ENOMEM, &no_memory);
		return;
	}
	told->done = done;
	told->ctx = done_ctx;
	memcpy(told->who, who, who_bytes);
	publisher_submit(publisher, next, who, alone, tell_change, told);
}

static int api_service_counters(void *ctx, const struct service_conf *service,
				struct service_counters *out)
{
	return publisher_service_counters(((struct daemon *)ctx)->publisher, service, out);
}

static int api_vip_counters(void *ctx, const struct ip_addr *vip, struct service_counters *out)
{
	return publisher_vip_counters(((struct daemon *)ctx)->publisher, vip, out);
}

static int api_other_counters(void *ctx, struct service_counters *out)
{
	return publisher_other_counters(((struct daemon *)ctx)->publisher, out);
}

static int api_backends_read(void *ctx, const struct service_conf *service,
			     struct daemon_backend *rows)
{
	return publisher_backends_read(((struct daemon *)ctx)->publisher, service, rows);
}

static int api_backend_counters(void *ctx, const struct service_conf *service,
				struct backend_counters *rows)
{
	return publisher_backend_counters(((struct daemon *)ctx)->publisher, service, rows);
}

static void api_health_totals(void *ctx, struct health_totals *out)
{
	health_totals(((struct daemon *)ctx)->health, out);
}

static void api_health_read(void *ctx, const struct service_conf *service, uint32_t i,
			    struct health_report *out)
{
	health_read(((struct daemon *)ctx)->health, service, i, out);
}

static void api_transition_read(void *ctx, const struct service_conf *service,
				struct daemon_transition *out)
{
	publisher_transition_read(((struct daemon *)ctx)->publisher, service, out);
}

static int api_preview(void *ctx, const struct model *next, struct daemon_preview *rows,
		       uint32_t max)
{
	return publisher_preview(((struct daemon *)ctx)->publisher, next, rows, max);
}

static int api_flows_read(void *ctx, const struct daemon_flow_filter *filter,
			  void (*each)(void *each_ctx, const struct daemon_flow *flow),
			  void *each_ctx, uint64_t *matching)
{
	return publisher_flows_read(((struct daemon *)ctx)->publisher, filter, each, each_ctx,
				    matching);
}

static int api_explain(void *ctx, const struct packet_probe *probe, uint32_t port,
		       struct daemon_explanation *out)
{
	return publisher_explain(((struct daemon *)ctx)->publisher, probe, port, out);
}

static int api_capture_start(void *ctx, const struct daemon_capture_request *request, uint64_t *id)
{
	return captures_start(((struct daemon *)ctx)->captures, request, id);
}

static int api_capture_read(void *ctx, uint64_t id, struct daemon_capture_chunk *chunk)
{
	return captures_read(((struct daemon *)ctx)->captures, id, chunk);
}

static int api_capture_stop(void *ctx, uint64_t id)
{
	return captures_stop(((struct daemon *)ctx)->captures, id);
}

static void api_capture_show(void *ctx, struct daemon_capture *out)
{
	captures_show(((struct daemon *)ctx)->captures, out);
}

static int api_memory_read(void *ctx, struct memory_counters *out)
{
	return ((struct daemon *)ctx)->path.module->memory_read(out);
}

static int api_port_read(void *ctx, uint32_t port, struct fast_path_port_info *info)
{
	return ((struct daemon *)ctx)->path.module->port_read(port, info);
}

static int api_workers_read(void *ctx, struct worker_counters *rows, uint32_t max)
{
	return ((struct daemon *)ctx)->path.module->workers_read(rows, max);
}

static void api_generation(void *ctx, struct daemon_generation *out)
{
	publisher_generation(((struct daemon *)ctx)->publisher, out);
}

static void api_dataplane(void *ctx, struct daemon_dataplane *out)
{
	const struct path *path = &((struct daemon *)ctx)->path;

	*out = (struct daemon_dataplane){
		.path = path->module->name,
		.reason = path->why,
		.description = path->started.description,
	};
}

static void api_info(void *ctx, struct daemon_info *out)
{
	const struct daemon *d = ctx;

	*out = (struct daemon_info){
		.version = SLUICE_VERSION,
		.build = "gcc-compatible " __VERSION__,
		.config_path = d->options->config_path,
		.started_us = d->started_us,
	};
}

static const struct daemon_api api = {
	.ctx = &the_daemon,
	.model = api_model,
	.newest = api_newest,
	.submit = api_submit,
	.service_counters = api_service_counters,
	.vip_counters = api_vip_counters,
	.other_counters = api_other_counters,
	.backends_read = api_backends_read,
	.backend_counters = api_backend_counters,
	.health_read = api_health_read,
	.health_totals = api_health_totals,
	.transition_read = api_transition_read,
	.preview = api_preview,
	.flows_read = api_flows_read,
	.explain = api_explain,
	.capture_start = api_capture_start,
	.capture_read = api_capture_read,
	.capture_stop = api_capture_stop,
	.capture_show = api_capture_show,
	.memory_read = api_memory_read,
	.port_read = api_port_read,
	.workers_read = api_workers_read,
	.generation = api_generation,
	.dataplane = api_dataplane,
	.info = api_info,
};

/* ---- life ---- */

static void on_signal(evutil_socket_t number, short events, void *ctx)
{
	struct daemon *d = ctx;

	if (number == SIGHUP) {
		log_warning("SIGHUP: the file is read at start only; restart to load it");
		return;
	}
	events_add(EVENT_DAEMON, "daemon", NULL, NULL, "%s: ending",
		   number == SIGTERM ? "SIGTERM" : "SIGINT");
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
	rc = control_new(d->base, &config, &api, out, error);
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

/* Publishes the configured model, opens the control socket, runs. Takes `model` over. */
static enum daemon_end serve(struct daemon *d, struct model *model)
{
	enum daemon_end end = DAEMON_FAILED;
	struct model_error error;
	char who[PATH_MAX];

	if (publisher_new(d->base, &d->path, &d->settings, &d->publisher, error.text) != 0) {
		log_error("%s", error.text);
		model_free(model);
		return end;
	}
	publisher_watch(d->publisher, model_changed, d);
	snprintf(who, sizeof(who), "config: %s", d->options->config_path);
	if (publisher_apply(d->publisher, model, who, &error) != 0) {
		log_error("%s", error.text);
		goto out;
	}
	/* It may listen at a port below 1024: before root's power is given up. */
	if (http_new(d->base, &d->settings, &api, &d->http) != 0) {
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
	if (watchdog_new(d->base, d->path.module, &d->watchdog) != 0) {
		log_error("watchdog: out of memory");
		goto out;
	}
	events_add(EVENT_DAEMON, "daemon", NULL, NULL, "ready: %u services, control socket %s",
		   publisher_model(d->publisher)->services_n, d->settings.socket_path);
	notify_ready("%s, %u services", d->path.started.description,
		     publisher_model(d->publisher)->services_n);
	event_base_dispatch(d->base);
	notify_stopping();
	publisher_flush(d->publisher);
	end = DAEMON_DONE;
out:
	http_free(d->http);
	watchdog_free(d->watchdog);
	controls_close(d);
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

	d->base = event_base_new();
	if (!d->base || signals_watch(d) != 0 || log_watch(d) != 0) {
		log_error("no event loop: %s", strerror(errno));
		model_free(model);
		goto out;
	}
	/* Before the fast path has threads. */
	err = d->options->detach ? 0 : health_new(d->base, &d->settings, &health_ops, &d->health);
	if (err) {
		log_error("health checks can't start: %s", strerror(-err));
		model_free(model);
		goto out;
	}
	if (path_start(&d->path, &d->settings, d->options->module_dirs, d->options->replace,
		       error) != 0) {
		log_error("the fast path can't start: %s", error);
		model_free(model);
		goto out;
	}
	if (d->options->detach) {
		model_free(model);
		end = DAEMON_DONE;
	} else {
		end = serve(d, model);
	}
	path_stop(&d->path, d->options->detach);
out:
	health_free(d->health);
	signals_forget(d);
	if (d->log_timer)
		event_free(d->log_timer);
	if (d->base)
		event_base_free(d->base);
	return end;
}

enum daemon_end daemon_run(const struct daemon_options *options)
{
	struct daemon *d = &the_daemon;
	char error[CONFIG_ERROR_MAX];
	struct timespec now;
	struct model *model;
	enum daemon_end end;

	clock_gettime(CLOCK_REALTIME, &now);
	d->started_us = (int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000;
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
	if (!options->detach && !daemon_confine_check(&d->settings)) {
		model_free(model);
		return DAEMON_BAD_CONFIG;
	}
	notify_open();
	if (options->detach)
		d->settings.mode = PATH_XDP;
	end = run(d, model);
	log_flush(true);
	return end;
}
