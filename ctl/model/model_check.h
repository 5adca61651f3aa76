/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The rules that a model keeps, each reported where it is broken. Used by model.c on the control
 * thread.
 */
#ifndef SLUICE_MODEL_CHECK_H
#define SLUICE_MODEL_CHECK_H

#include "model.h"

struct fault_sink {
	model_fault_fn *fn;
	void *ctx;
	uint32_t faults_n; /* so far */
};

/* Makes a text that may quote anything fit for a log: what isn't printable ASCII becomes '?'. */
void fault_text_clean(char *text);

/* Reports one fault, its text cleaned. */
__attribute__((format(printf, 6, 7))) void fault_report(struct fault_sink *sink,
							enum model_error_kind kind,
							uint32_t service, uint32_t backend,
							const char *key, const char *format, ...);

/* What a service, or backend, must be in itself. The numbers are for the place alone. */
void service_check(struct fault_sink *sink, uint32_t service, const struct service_conf *s);
void backend_check(struct fault_sink *sink, uint32_t service, uint32_t backend,
		   const struct backend_conf *b);

/* Whether the service's backends can be checked as it says. */
void health_check(struct fault_sink *sink, uint32_t service, const struct service_conf *s,
		  const struct settings *settings);

/* Fills the model's index: no name, and no vip + port + protocol, may be there twice. */
void model_check_unique(struct fault_sink *sink, struct model *m);

/* No backend of services[position] may be a vip. */
void model_check_backends(struct fault_sink *sink, const struct model *m, uint32_t position);

/* The vip of services[position] may be no other service's backend. */
void model_check_vip(struct fault_sink *sink, const struct model *m, uint32_t position);

/* The settings' services_max and backends_max. */
void model_check_limits(struct fault_sink *sink, const struct model *m);

#endif
