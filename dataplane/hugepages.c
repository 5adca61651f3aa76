/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which hugepages the machine has to give. Control thread.
 */
#include "hugepages.h"

#include <dirent.h>
#include <inttypes.h>
#include <stdio.h>

#define HUGEPAGES_DIR "/sys/kernel/mm/hugepages"

/* 0 when it can't be read. */
static uint64_t free_pages_read(const char *size_dir)
{
	char path[512];
	uint64_t pages = 0;
	FILE *f;

	snprintf(path, sizeof(path), HUGEPAGES_DIR "/%s/free_hugepages", size_dir);
	f = fopen(path, "re");
	if (!f)
		return 0;
	if (fscanf(f, "%" SCNu64, &pages) != 1)
		pages = 0;
	fclose(f);
	return pages;
}

struct hugepages hugepages_read(void)
{
	struct hugepages h = {0};
	DIR *dir = opendir(HUGEPAGES_DIR);
	struct dirent *entry;

	if (!dir)
		return h;
	while ((entry = readdir(dir))) {
		uint64_t pages;
		uint32_t kb;

		if (sscanf(entry->d_name, "hugepages-%" SCNu32 "kB", &kb) != 1)
			continue;
		pages = free_pages_read(entry->d_name);
		h.free_bytes += pages * kb * 1024;
		if (pages > 0 && kb > h.largest_kb)
			h.largest_kb = kb;
	}
	closedir(dir);
	return h;
}
