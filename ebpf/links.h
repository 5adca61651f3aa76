/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The links of all ports: they hold the program on the interfaces, and follow these when they change.
 * Called by module.c. Control thread.
 */
#ifndef SLUICE_LINKS_H
#define SLUICE_LINKS_H

#include "sluice/module.h"

struct module;

/* Adopts each port's link where there is one that will do, else makes it. 0, or -errno and error. */
int links_start(struct module *m, char error[FAST_PATH_ERROR_MAX]);

/*
 * The links exchange the program, between two packets; then the pins are what runs. 0, or -errno and
 * error: some links may have it, and what is pinned is not the whole.
 */
int links_commit(struct module *m, char error[FAST_PATH_ERROR_MAX]);

/* As fast_path.ports_changed(). */
int links_follow(struct module *m);

#endif
