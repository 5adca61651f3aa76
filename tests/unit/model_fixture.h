/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Models for tests: two services, and the pieces to add more. Each test file has its own copy.
 */
#ifndef SLUICE_MODEL_FIXTURE_H
#define SLUICE_MODEL_FIXTURE_H

#include "model.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "sluice/wire.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static const struct settings settings = {.services_max = 16, .backends_max = 16};

static inline struct ip_addr addr(const char *text)
{
	struct ip_addr out;

	assert_int_equal(ip_parse(text, &out), 0);
	return out;
}

static inline struct backend_conf backend(const char *name, const char *address)
{
	struct backend_conf b = {.weight = MODEL_WEIGHT_DEFAULT};

	snprintf(b.name, sizeof(b.name), "%s", name);
	b.addr = addr(address);
	return b;
}

/* TCP and IPIP; the addresses of `backends_n` backends b1, b2 ... count up from `first`. */
static inline struct service_conf *service(const char *name, const char *vip, uint16_t port,
					   const char *first, uint32_t backends_n)
{
	struct service_conf *s = service_conf_new(backends_n);

	assert_non_null(s);
	snprintf(s->name, sizeof(s->name), "%s", name);
	s->vip = addr(vip);
	s->port = port;
	s->proto = PROTO_TCP;
	for (uint32_t i = 0; i < backends_n; i++) {
		snprintf(s->backends[i].name, MODEL_NAME_MAX, "b%u", i + 1);
		s->backends[i].weight = MODEL_WEIGHT_DEFAULT;
		s->backends[i].addr = addr(first);
		s->backends[i].addr.bytes[2] = (uint8_t)(s->backends[i].addr.bytes[2] + i / 256);
		s->backends[i].addr.bytes[3] = (uint8_t)(s->backends[i].addr.bytes[3] + i % 256);
	}
	return s;
}

/* The next model in the place of *m; it must be one. */
static inline void step(struct model **m, struct model *next)
{
	assert_non_null(next);
	model_free(*m);
	*m = next;
}

static inline void add(struct model **m, struct service_conf *spec)
{
	struct model_error error = {0};
	struct model *next = model_service_add(*m, spec, &error);

	service_conf_unref(spec);
	if (!next)
		fail_msg("%s", error.text);
	step(m, next);
}

/* web4: 198.51.100.10:80/tcp, b1 to b3 on 10.0.0.1 to .3; web6: the same on IPv6, empty. */
static inline struct model *two_services(void)
{
	struct model *m = model_new(&settings);

	assert_non_null(m);
	add(&m, service("web4", "198.51.100.10", 80, "10.0.0.1", 3));
	add(&m, service("web6", "2001:db8::10", 80, NULL, 0));
	return m;
}

static inline void refused(struct model *next, const struct model_error *error,
			   enum model_error_kind kind, const char *text)
{
	assert_null(next);
	assert_string_equal(error->text, text);
	assert_int_equal(error->kind, kind);
}

#endif
