/* SPDX-License-Identifier: Apache-2.0 */
/*
 * `sluicectl doctor`. Works without a daemon, too: then the file tells of the node. Called
 * through the table in commands.c.
 */
#include "doctor_run.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "client.h"
#include "config.h"
#include "doctor.h"

/* What was gathered for struct patient, which only points at it. */
struct gathered {
	const struct cli *cli;
	char config_error[CONFIG_ERROR_MAX], daemon_error[CLIENT_ERROR_MAX];
	char config_path[HOST_TEXT_MAX];
	struct model *config;
	json_t *version;
	struct patient patient;
};

static json_t *ask(struct gathered *g, const char *method)
{
	json_t *params = json_object(), *result = NULL;

	if (!g->patient.daemon_error &&
	    client_request(g->cli->socket, method, params, CLIENT_TIMEOUT_MS, &result,
			   g->daemon_error) != 0) {
		g->patient.daemon_error = g->daemon_error;
		result = NULL;
	}
	json_decref(params);
	return result;
}

static void gather_daemon(struct gathered *g)
{
	struct patient *p = &g->patient;
	json_t **const parts[] = {&p->node,     &p->dataplane, &p->backends,
				  &p->services, &p->counters,  &p->daemon};

	g->version = ask(g, "version");
	p->node = ask(g, "node.show");
	p->dataplane = ask(g, "dataplane.show");
	p->backends = ask(g, "backends.list");
	p->services = ask(g, "services.list");
	p->counters = ask(g, "counters.list");
	p->daemon = ask(g, "daemon.show");
	if (!p->daemon_error)
		return;
	for (size_t i = 0; i < sizeof(parts) / sizeof(parts[0]); i++) { /* all of them, or none */
		json_decref(*parts[i]);
		*parts[i] = NULL;
	}
}

static void gather_config(struct gathered *g, const char *path)
{

	if (!path)
		path = json_string_value(json_object_get(g->version, "config_path"));
	snprintf(g->config_path, sizeof(g->config_path), "%s", path ? path : CONFIG_PATH_DEFAULT);
	g->config = config_load(g->config_path, g->config_error);
	g->patient.config_path = g->config_path;
	g->patient.config = g->config;
	g->patient.config_error = g->config_error;
}

/* Whether there is one to compare with, or none was asked for. */
static bool gather_peer(struct gathered *g, const char *path)
{
	json_error_t why;

	if (!path)
		return true;
	if (strcmp(path, "-") == 0)
		g->patient.peer = json_loadf(stdin, 0, &why);
	else
		g->patient.peer = json_load_file(path, 0, &why);
	if (json_is_object(g->patient.peer))
		return true;
	cli_error("--peer %s: not the output of \"sluicectl --json doctor\" of another node: %s",
		  path, g->patient.peer ? "no object" : why.text);
	return false;
}

static void gathered_free(struct gathered *g)
{
	struct patient *p = &g->patient;

	model_free(g->config);
	json_decref(g->version);
	json_decref(p->node);
	json_decref(p->dataplane);
	json_decref(p->backends);
	json_decref(p->services);
	json_decref(p->counters);
	json_decref(p->daemon);
	json_decref(p->peer);
	free(g);
}

static void print_text(const struct doctor *d)
{
	size_t counts[FINDING_LEVELS] = {0};

	for (size_t i = 0; i < d->findings_n; i++) {
		const struct finding *f = &d->findings[i];

		counts[f->level]++;
		printf("%-8s %-14s %s\n", finding_level_name(f->level), f->check, f->text);
		if (f->mend)
			printf("%-8s %-14s   mend: %s\n", "", "", f->mend);
	}
	printf("\n%zu wrong, %zu slow, %zu unknown, %zu good\n", counts[FINDING_WRONG],
	       counts[FINDING_SLOW], counts[FINDING_UNKNOWN], counts[FINDING_GOOD]);
}

static int print_json(const struct doctor *d)
{
	json_t *list = json_array(), *whole;

	for (size_t i = 0; i < d->findings_n; i++) {
		const struct finding *f = &d->findings[i];

		json_array_append_new(list, json_pack("{s:s, s:s, s:s, s:s?}", "level",
						      finding_level_name(f->level), "check",
						      f->check, "text", f->text, "mend", f->mend));
	}
	whole = json_pack("{s:o, s:O?}", "findings", list, "node", d->patient->node);
	if (!whole)
		return -ENOMEM;
	cli_print_json(whole);
	json_decref(whole);
	return 0;
}

/* 0, or -ENOMEM. */
static int examine(const struct patient *patient, bool json, enum finding_level *worst)
{
	struct doctor doctor;
	int err = doctor_examine(&doctor, patient);

	if (!err && json)
		err = print_json(&doctor);
	else if (!err)
		print_text(&doctor);
	*worst = doctor_worst(&doctor);
	doctor_free(&doctor);
	return err;
}

enum cli_status doctor_run(const struct cli *cli, const struct command_line *line)
{
	struct gathered *g = calloc(1, sizeof(*g));
	enum cli_status status = CLI_FAILED;
	enum finding_level worst;

	if (!g) {
		cli_error("no memory");
		return status;
	}
	g->cli = cli;
	g->patient.host = &host_here;
	if (!gather_peer(g, command_text(line, "peer")))
		goto out;
	gather_daemon(g);
	gather_config(g, command_text(line, "config"));
	if (examine(&g->patient, cli->json, &worst) != 0)
		cli_error("no memory");
	else if (worst < FINDING_SLOW)
		status = CLI_DONE;
out:
	gathered_free(g);
	return status;
}
