/* SPDX-License-Identifier: Apache-2.0
 *
 * `show generation`, and what a change says. Called through the table in commands.c.
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

void show_change(const struct show *show, const json_t *result)
{
	fprintf(show->out, "done: generation %" JSON_INTEGER_FORMAT ", published in %.3f ms\n",
		show_number(result, "generation"), milliseconds(result, "took_us"));
}
