/* SPDX-License-Identifier: Apache-2.0 */
/*
 * `show generation`, and what a change, or its dry run, says. Called through the table in
 * commands.c.
 */
#include "show.h"

static double milliseconds(const json_t *object, const char *key)
{
	return (double)show_number(object, key) / 1000;
}

void show_generation(const struct show *show, const json_t *result)
{
	double used = (double)show_number(result, "arena_used_bytes");
	double total = (double)show_number(result, "arena_bytes");
	char time[64];

	fprintf(show->out, "generation  %" JSON_INTEGER_FORMAT "\n",
		show_number(result, "generation"));
	fprintf(show->out, "published   %s\n",
		show_time(show_number(result, "published_us"), time));
	fprintf(show->out, "took        %.3f ms\n", milliseconds(result, "took_us"));
	fprintf(show->out, "arena       %.1f of %.1f MiB in use (%.1f%%)\n", used / (1 << 20),
		total / (1 << 20), total > 0 ? used * 100 / total : 0);
}

static void show_preview(const struct show *show, const json_t *row)
{
	json_int_t slots = show_number(row, "slots"), moved = show_number(row, "slots_moved");
	json_int_t touched = show_number(row, "flows_touched"), cut = show_number(row, "flows_cut");
	char share[32];

	if (slots == 0)
		fprintf(show->out, "  service %s would be gone, with all it has\n",
			show_text(row, "service"));
	else
		fprintf(show->out,
			"  service %s: %" JSON_INTEGER_FORMAT " of %" JSON_INTEGER_FORMAT
			" slots (%s) would move\n",
			show_text(row, "service"), moved, slots, show_share(moved, slots, share));
	fprintf(show->out,
		"  remembered flows: %" JSON_INTEGER_FORMAT
		" touched, of which %" JSON_INTEGER_FORMAT " would break\n",
		touched, cut);
	if (slots == 0)
		return;
	fprintf(show->out,
		"  other flows under way: %.1f %% would go elsewhere without a transition, %.1f %% "
		"with the one of %" JSON_INTEGER_FORMAT " s\n",
		100 * json_number_value(json_object_get(row, "moved_without_transition")),
		100 * json_number_value(json_object_get(row, "moved_with_transition")),
		show_number(row, "transition_s"));
}

void show_change(const struct show *show, const json_t *result)
{
	const json_t *preview = json_object_get(result, "preview");
	json_t *row;
	size_t i;

	if (!preview) {
		fprintf(show->out,
			"done: generation %" JSON_INTEGER_FORMAT ", published in %.3f ms\n",
			show_number(result, "generation"), milliseconds(result, "took_us"));
		return;
	}
	fprintf(show->out, "dry run: %s\n",
		json_array_size(preview) > 0 ? "nothing has changed, but" : "nothing would change");
	json_array_foreach (preview, i, row)
		show_preview(show, row);
}
