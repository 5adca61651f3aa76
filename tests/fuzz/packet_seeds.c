/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Writes the parity table's frames as inputs for fuzz_packet, a file each: the corpus that it
 * starts from. Called by tests/fuzz/run.sh.
 */
#include "rows.h"

#include <stdio.h>
#include <stdlib.h>

/* Every row, and of every fourth one a part: 40 bytes in reach. */
static int seed_write(const char *folder, size_t i, const struct frame *frame)
{
	const unsigned char reach[2] = {i % 4 == 3 ? 40 : 0, 0};
	char path[4096];
	FILE *file;
	bool done;

	snprintf(path, sizeof(path), "%s/row-%04zu", folder, i);
	file = fopen(path, "wb");
	if (!file)
		return -1;
	done = fwrite(reach, sizeof(reach), 1, file) == 1 &&
	       fwrite(frame->bytes, frame->n, 1, file) == 1;
	return fclose(file) == 0 && done ? 0 : -1;
}

int main(int argc, char **argv)
{
	static struct frame frame;
	struct row_list rows;

	if (argc != 2) {
		fprintf(stderr, "usage: packet_seeds FOLDER\n");
		return 2;
	}
	rows_make(&rows);
	for (size_t i = 0; i < rows.n; i++) {
		frame_build(&rows.rows[i].spec, &frame);
		if (frame.n > 0 && seed_write(argv[1], i, &frame) < 0) {
			perror(argv[1]);
			return 1;
		}
	}
	rows_free(&rows);
	return 0;
}
