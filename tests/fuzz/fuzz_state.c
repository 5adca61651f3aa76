/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Fuzz target: the state file, of every version that is read. The input is the file's text, over
 * tests/unit/state/version1.conf: as at a start, the run-time changes in it are laid over the file's services, and the notes in
 * it are read for each service. A file that is refused must say why. What comes of one that is taken must be a
 * model like any other; what differs in it from the configuration, written and read again, must come to the same;
 * and times and sizes of the notes must be within their bounds. Called by libFuzzer, on one thread.
 */
#include "config.h"
#include "fuzz.h"
#include "maglev.h"
#include "notes.h"
#include "overlay.h"
#include "state_file.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

enum {
	NOW_US = 1000000000,
};

static struct model *file;
static int losses;

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
	static char error[CONFIG_ERROR_MAX];

	(void)argc;
	(void)argv;
	file = config_load(CONFIGURATION, error);
	if (!file)
		fuzz_fail("the configuration is refused: %s", error);
	return 0;
}

static void lost(void *ctx, const char *text)
{
	(void)ctx;
	if (!text[0])
		fuzz_fail("a change is lost without a word");
	losses++;
}

static struct model *laid_over(const json_t *overlay)
{
	static char error[CONFIG_ERROR_MAX];

	error[0] = 0;
	struct model *m = overlay_apply(file, &file->settings, overlay, lost, NULL, error);

	/* The file's services can be in force, whatever is laid over them. */
	if (!m)
		fuzz_fail("the file's services can't be in force: %s", error);
	return m;
}

static void check_model(const struct model *m)
{
	for (uint32_t i = 0; i < m->services_n; i++) {
		const struct service_conf *s = m->services[i];

		if (!model_name_valid(s->name) || model_find(m, s->name) != s)
			fuzz_fail("a service \"%s\"", s->name);
		for (uint32_t k = 0; k < s->backends_n; k++)
			if (!model_name_valid(s->backends[k].name) ||
			    ip_refusal(&s->backends[k].addr))
				fuzz_fail("service \"%s\": backend %u", s->name, k);
	}
}

/* What is written of this model and read again is this model. */
static void check_again(const struct model *m)
{
	json_t *overlay = overlay_make(file, m), *second;
	struct model *again;

	if (!overlay)
		fuzz_fail("no overlay can be made");
	losses = 0;
	again = laid_over(overlay);
	if (losses > 0)
		fuzz_fail("what was written is lost when it is read again");
	second = overlay_make(file, again);
	if (!json_equal(overlay, second))
		fuzz_fail("what was written is read as something else: %s, then %s",
			  json_dumps(overlay, 0), json_dumps(second, 0));
	json_decref(overlay);
	json_decref(second);
	model_free(again);
}

static void check_notes(const json_t *tree, const struct model *m)
{
	struct notes *notes = notes_read(tree, NOW_US, NOW_US);
	const struct former none = {0};

	for (uint32_t i = 0; notes && i < m->services_n; i++) {
		const struct service_conf *s = m->services[i];
		struct course *courses = notes_courses(notes, s);
		struct phase phase = {0};

		if (notes_slots(notes, s) > MAGLEV_SLOTS_MAX)
			fuzz_fail("a table of %u slots", notes_slots(notes, s));
		if (notes_phase(notes, s, &none, &phase) && phase.changed_us > NOW_US)
			fuzz_fail("a change that is still to come");
		for (uint32_t k = 0; courses && k < s->backends_n; k++)
			if (courses[k].ramp_us > NOW_US || courses[k].drain.started_us > NOW_US)
				fuzz_fail("a slow start or drain that is still to come");
		free(courses);
	}
	notes_free(notes);
}

/* Notes of the boot "ours" are of this one. */
static void boot_set(json_t *notes)
{
	const char *boot = json_string_value(json_object_get(notes, "boot"));
	char ours[64] = "";
	FILE *id = boot && strcmp(boot, "ours") == 0
			   ? fopen("/proc/sys/kernel/random/boot_id", "re")
			   : NULL;

	if (id && fgets(ours, sizeof(ours), id)) {
		ours[strcspn(ours, "\n")] = 0;
		json_object_set_new(notes, "boot", json_string(ours));
	}
	if (id)
		fclose(id);
}

static void check_taken(const json_t *state)
{
	json_t *empty = json_array();
	const json_t *services = json_object_get(state, "services");
	struct model *m = laid_over(services ? services : empty);

	check_model(m);
	check_again(m);
	boot_set(json_object_get(state, "notes"));
	check_notes(json_object_get(state, "notes"), m);
	json_decref(empty);
	model_free(m);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t data_bytes)
{
	char error[256] = "";
	json_t *state;
	int fd = memfd_create("state", MFD_CLOEXEC), err;

	if (fd < 0 || write(fd, data, data_bytes) != (ssize_t)data_bytes ||
	    lseek(fd, 0, SEEK_SET) != 0)
		fuzz_fail("no file: %s", strerror(errno));
	err = state_file_read_open(fd, &state, error);
	if (err == 0)
		check_taken(state);
	else if (err != -EINVAL || !error[0] || state)
		fuzz_fail("refused with %d: \"%s\"", err, error);
	json_decref(state);
	return 0;
}
