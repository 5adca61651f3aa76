/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Why a packet gets its verdict, in a sentence. Used by methods_explain.c, on the control thread.
 */
#ifndef SLUICE_CONTROL_EXPLAIN_WHY_H
#define SLUICE_CONTROL_EXPLAIN_WHY_H

#include "api.h"

enum { EXPLAIN_WHY_MAX = 512 };

/* One line. */
void explain_why(const struct packet_probe *probe, const struct daemon_explanation *explanation,
		 char why[EXPLAIN_WHY_MAX]);

#endif
