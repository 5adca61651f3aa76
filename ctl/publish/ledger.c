/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Counters of services, vips and backends. A row that was used before keeps its old counts, since only its worker writes
 * it: what it stood at when it was given is subtracted. Control thread.
 */
#include "ledger.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "model_index.h"
#include "rows.h"

struct ledger {
	const struct fast_path *path;
	bool used; /* some row may not stand at 0 */
	struct rows *services, *backends;
	struct service_counters *service_base; /* by row */
	struct backend_counters *backend_base;
};

struct ledger *ledger_new(const struct fast_path *path, const struct settings *settings, bool used)
{
	struct ledger *ledger = calloc(1, sizeof(*ledger));

	if (!ledger)
		return NULL;
	ledger->path = path;
	ledger->used = used;
	ledger->services = rows_new(settings->services_max);
	ledger->backends = rows_new(settings->backends_max);
	ledger->service_base = calloc(settings->services_max, sizeof(*ledger->service_base));
	ledger->backend_base = calloc(settings->backends_max, sizeof(*ledger->backend_base));
	if (!ledger->services || !ledger->backends || !ledger->service_base ||
	    !ledger->backend_base ||
	    (used && path->services_read(0, 1, &ledger->service_base[0]) != 0)) {
		ledger_free(ledger);
		return NULL;
	}
	return ledger;
}

void ledger_free(struct ledger *ledger)
{
	if (!ledger)
		return;
	rows_free(ledger->services);
	rows_free(ledger->backends);
	free(ledger->service_base);
	free(ledger->backend_base);
	free(ledger);
}

static char *hex_append(char *at, const uint8_t *bytes, size_t n)
{
	static const char digits[] = "0123456789abcdef";

	for (size_t i = 0; i < n; i++) {
		*at++ = digits[bytes[i] >> 4];
		*at++ = digits[bytes[i] & 0xf];
	}
	*at = '\0';
	return at;
}

/* An address's bytes, of which each family has its own number. */
static char *addr_append(char *at, const struct ip_addr *addr)
{
	return hex_append(at, addr->bytes, addr->family == IP_V4 ? 4 : sizeof(addr->bytes));
}

/*
 * Keys are of what makes a service or backend the same (model.h), not of names: counters go on where
 * it is called something else. Written by hand, since metrics ask for 100,000 of them.
 */
static char *vip_key(const struct ip_addr *vip, char key[ROW_KEY_MAX])
{
	key[0] = '@';
	return addr_append(key + 1, vip);
}

static char *service_key(const struct service_conf *service, char key[ROW_KEY_MAX])
{
	const uint8_t rest[] = {(uint8_t)(service->port >> 8), (uint8_t)service->port,
				service->proto};
	char *at = vip_key(&service->vip, key);

	*at++ = ':';
	return hex_append(at, rest, sizeof(rest));
}

static void backend_key(const struct service_conf *service, const struct backend_conf *backend,
			char key[ROW_KEY_MAX])
{
	char *at = service_key(service, key);

	*at++ = '/';
	addr_append(at, &backend->addr);
}

static int take_service(struct ledger *ledger, const char *key, uint32_t *row)
{
	bool fresh;
	int err = rows_take(ledger->services, key, row, &fresh);

	if (!err && fresh && ledger->used)
		err = ledger->path->services_read(*row, 1, &ledger->service_base[*row]);
	return err;
}

static int take_backend(struct ledger *ledger, const char *key, uint32_t *row)
{
	bool fresh;
	int err = rows_take(ledger->backends, key, row, &fresh);

	if (!err && fresh && ledger->used)
		err = ledger->path->backends_read(*row, 1, &ledger->backend_base[*row]);
	return err;
}

int ledger_take(struct ledger *ledger, const struct service_conf *service, uint32_t *service_row,
		uint32_t *vip_row, uint32_t *backend_rows)
{
	char key[ROW_KEY_MAX];
	int err;

	service_key(service, key);
	err = take_service(ledger, key, service_row);
	if (err)
		return err;
	vip_key(&service->vip, key);
	err = take_service(ledger, key, vip_row);
	for (uint32_t i = 0; !err && i < service->backends_n; i++) {
		backend_key(service, &service->backends[i], key);
		err = take_backend(ledger, key, &backend_rows[i]);
	}
	return err;
}

int ledger_take_backend(struct ledger *ledger, const struct service_conf *service,
			const struct backend_conf *backend, uint32_t *row)
{
	char key[ROW_KEY_MAX];

	backend_key(service, backend, key);
	return take_backend(ledger, key, row);
}

int ledger_claim(struct ledger *ledger, const struct service_conf *service, uint32_t row)
{
	char key[ROW_KEY_MAX];
	int err;

	service_key(service, key);
	err = rows_claim(ledger->services, key, row);
	if (!err && ledger->used)
		err = ledger->path->services_read(row, 1, &ledger->service_base[row]);
	return err;
}

void ledger_defer(struct ledger *ledger, uint32_t row)
{
	rows_defer(ledger->services, row);
}

static void sweep_service(struct ledger *ledger, const struct service_conf *before,
			  const struct model *after)
{
	const struct service_conf *now = model_find_same(after, before);
	char key[ROW_KEY_MAX];

	if (now == before)
		return;
	ledger->used = true;
	for (uint32_t i = 0; i < before->backends_n; i++) {
		const struct backend_conf *backend = &before->backends[i];

		if (now && service_conf_find_addr(now, &backend->addr, i))
			continue;
		backend_key(before, backend, key);
		rows_release(ledger->backends, key);
	}
	if (!now) {
		service_key(before, key);
		rows_release(ledger->services, key);
	}
	if (model_index_vip(after->index, after->services, &before->vip) == MODEL_NOWHERE) {
		vip_key(&before->vip, key);
		rows_release(ledger->services, key);
	}
}

void ledger_sweep(struct ledger *ledger, const struct model *before, const struct model *after)
{
	for (uint32_t i = 0; i < before->services_n; i++)
		if (i >= after->services_n || after->services[i] != before->services[i])
			sweep_service(ledger, before->services[i], after);
}

static int read_service_row(const struct ledger *ledger, uint32_t row, struct service_counters *out)
{
	const struct service_counters *base = &ledger->service_base[row];
	int err = ledger->path->services_read(row, 1, out);

	for (int v = 0; !err && v < VERDICT_COUNT; v++)
		out->packets[v] -= base->packets[v];
	return err;
}

int ledger_read_service(const struct ledger *ledger, const struct service_conf *service,
			struct service_counters *out)
{
	char key[ROW_KEY_MAX];

	if (!service)
		return read_service_row(ledger, 0, out);
	service_key(service, key);
	return read_service_row(ledger, rows_find(ledger->services, key), out);
}

int ledger_read_vip(const struct ledger *ledger, const struct ip_addr *vip,
		    struct service_counters *out)
{
	char key[ROW_KEY_MAX];

	vip_key(vip, key);
	return read_service_row(ledger, rows_find(ledger->services, key), out);
}

int ledger_read_backend(const struct ledger *ledger, const struct service_conf *service,
			const struct backend_conf *backend, struct backend_counters *out)
{
	char key[ROW_KEY_MAX];
	uint32_t row;
	int err;

	backend_key(service, backend, key);
	row = rows_find(ledger->backends, key);
	err = ledger->path->backends_read(row, 1, out);
	if (!err) {
		out->packets -= ledger->backend_base[row].packets;
		out->bytes -= ledger->backend_base[row].bytes;
	}
	return err;
}
