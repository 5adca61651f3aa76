/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The files of the status page, as they stand in page/: made at the build by page/embed.py. Read by
 * http.c.
 */
#ifndef SLUICE_PAGE_FILES_H
#define SLUICE_PAGE_FILES_H

struct page_file {
	const char *name; /* "page.html"; NULL: the end */
	const char *type, *text;
};

extern const struct page_file page_files[];

#endif
