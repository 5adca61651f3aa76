/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Reads the config file into a model. Called by main and at a reload, on the control thread.
 */
#include "config.h"

#include <stdlib.h>
#include <string.h>

#include "config_form.h"

/* libconfig's parser over the text. False with the fault reported. */
static bool text_parse(config_t *config, const struct config_text *text,
		       struct config_report *report)
{
	const char *what, *file;
	uint32_t line;

	if (config_read_string(config, text->text))
		return true;
	what = config_error_text(config);
	file = config_text_place(text, (uint32_t)config_error_line(config), &line);
	if (strcmp(what, "syntax error") == 0)
		what = "syntax error on this line, or before it: a missing ; or bracket?";
	config_report_add(report, file, line, "", "%s", what);
	return false;
}

/* The model of what the parser found, or NULL with the faults reported. */
static struct model *form_read(struct config_reader *r, const config_setting_t *root,
			       const struct model *prior)
{
	struct config_form form = {.idle = CONFIG_IDLE_ADAPTIVE};
	struct model *m;

	config_settings_default(&form.settings);
	config_group_read(r, root, config_root_keys, &form);
	if (r->report->faults_n == form.services_faults_n)
		config_settings_check(r, root, &form);
	else
		/* Limits may be among what is wrong: let the services not be judged by them. */
		form.settings.services_max = form.settings.backends_max = UINT32_MAX;
	config_settings_complete(&form);
	if (prior)
		config_services_keep_slots(&form, prior);
	m = config_services_build(r, root, &form);
	config_services_free(&form);
	return m;
}

struct model *config_load(const char *path, char error[CONFIG_ERROR_MAX])
{
	return config_reload(path, NULL, error);
}

struct model *config_reload(const char *path, const struct model *prior,
			    char error[CONFIG_ERROR_MAX])
{
	struct config_report report = {.text = error};
	struct config_text text = {0};
	struct config_reader r = {.report = &report, .text = &text};
	struct model *m = NULL;
	config_t config;

	config_init(&config);
	if (config_text_read(&text, path, &report) && text_parse(&config, &text, &report))
		m = form_read(&r, config_root_setting(&config), prior);
	config_destroy(&config);
	config_text_free(&text);
	if (report.faults_n == 0) {
		if (m && prior)
			model_share(m, prior);
		return m;
	}
	config_report_finish(&report);
	model_free(m);
	return NULL;
}

bool config_has_includes(const char *path)
{
	char *error = malloc(CONFIG_ERROR_MAX);
	struct config_report report = {.text = error};
	struct config_text text = {0};
	bool includes = false;

	if (error && config_text_read(&text, path, &report))
		includes = text.files_n > 1;
	config_text_free(&text);
	free(error);
	return includes;
}
