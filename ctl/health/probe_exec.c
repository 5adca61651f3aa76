/* SPDX-License-Identifier: Apache-2.0 */
/*
 * exec: passes when a program ends with status 0 in time. What is checked stands in its
 * environment. Control thread.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "exec_helper.h"
#include "probe.h"

struct exec {
	struct exec_run run; /* first: exec_ended() goes from it to us */
	const struct probe_env *env;
	const struct probe_target *target;
	probe_done_fn *done;
	void *ctx;
	bool running;
};

static void exec_ended(struct exec_run *run, enum exec_end end, int code)
{
	struct exec *e = (struct exec *)run;
	enum probe_outcome outcome = PROBE_FAILED;
	char reason[PROBE_REASON_MAX] = "";

	e->running = false;
	switch (end) {
	case EXEC_EXITED:
		snprintf(reason, sizeof(reason), "exec exit status %d", code);
		outcome = code == 0 ? PROBE_PASSED : PROBE_FAILED;
		break;
	case EXEC_SIGNALLED:
		snprintf(reason, sizeof(reason), "exec ended by signal %d (%s)", code,
			 strsignal(code));
		break;
	case EXEC_TIMED_OUT:
		snprintf(reason, sizeof(reason), "exec timed out after %u ms, and was killed",
			 e->target->timing.timeout_ms);
		break;
	case EXEC_NOT_STARTED:
		snprintf(reason, sizeof(reason), "exec: %s can't be run as %s: %s",
			 e->target->service->health.program, e->env->exec_user, strerror(code));
		outcome = PROBE_NOT_MADE;
		break;
	case EXEC_NO_HELPER:
		snprintf(reason, sizeof(reason), "exec: no process to run it: %s", strerror(code));
		outcome = PROBE_NOT_MADE;
		break;
	}
	e->done(e->ctx, outcome, reason);
}

/* Appends one with its 0, if there is room. */
static void text_add(char texts[EXEC_TEXTS_MAX], uint32_t *used, const char *name,
		     const char *value)
{
	int n = snprintf(texts + *used, EXEC_TEXTS_MAX - *used, "%s%s", name, value);

	if (n >= 0 && *used + (uint32_t)n + 1 <= EXEC_TEXTS_MAX)
		*used += (uint32_t)n + 1;
}

static void exec_start(void *probe)
{
	struct exec *e = probe;
	const struct service_conf *service = e->target->service;
	char args[EXEC_TEXTS_MAX], env[EXEC_TEXTS_MAX], addr[IP_TEXT_MAX], port[8];
	uint32_t args_bytes = 0, env_bytes = 0;
	int err;

	if (!e->env->exec) {
		e->done(e->ctx, PROBE_NOT_MADE, "exec: no process to run it");
		return;
	}
	text_add(args, &args_bytes, service->health.program, "");
	memcpy(args + args_bytes, service->health.args, service->health.args_bytes);
	args_bytes += service->health.args_bytes;
	snprintf(port, sizeof(port), "%u", e->target->timing.port);
	text_add(env, &env_bytes, "PATH=", "/usr/local/bin:/usr/bin:/bin:/usr/sbin:/sbin");
	text_add(env, &env_bytes, "SLUICE_SERVICE=", service->name);
	text_add(env, &env_bytes, "SLUICE_BACKEND=", e->target->backend->name);
	text_add(env, &env_bytes, "SLUICE_ADDRESS=", ip_format(&e->target->backend->addr, addr));
	text_add(env, &env_bytes, "SLUICE_PORT=", port);
	text_add(env, &env_bytes, "SLUICE_VIP=", ip_format(&service->vip, addr));
	text_add(env, &env_bytes, "SLUICE_PROTOCOL=", proto_name(service->proto));
	e->running = true;
	err = exec_helper_start(e->env->exec, &e->run, e->target->timing.timeout_ms, args,
				args_bytes, env, env_bytes);
	if (err)
		exec_ended(&e->run, EXEC_NO_HELPER, -err);
}

static void exec_cancel(void *probe)
{
	struct exec *e = probe;

	if (e->running)
		exec_helper_cancel(e->env->exec, &e->run);
	e->running = false;
}

static void exec_free(void *probe)
{
	exec_cancel(probe);
	free(probe);
}

static void *exec_new(const struct probe_env *env, const struct probe_target *target,
		      probe_done_fn *done, void *ctx)
{
	struct exec *e = calloc(1, sizeof(*e));

	if (e)
		*e = (struct exec){
			.run = {.ended = exec_ended},
			.env = env,
			.target = target,
			.done = done,
			.ctx = ctx,
		};
	return e;
}

const struct probe_kind probe_exec = {
	.new = exec_new,
	.start = exec_start,
	.cancel = exec_cancel,
	.free = exec_free,
};
