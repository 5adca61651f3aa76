/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How the backends of a service are checked. Control thread.
 */
#include "health_conf.h"

#include <arpa/inet.h>
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct health_conf health_conf_default(void)
{
	struct health_conf conf;

	memset(&conf, 0, sizeof(conf)); /* padding too */
	conf.verify = true;
	conf.timing.interval_ms = 2000;
	conf.timing.timeout_ms = 1000;
	conf.timing.rise = 2;
	conf.timing.fall = 3;
	conf.timing.jitter_percent = 10;
	conf.timing.jitter_set = true;
	conf.flap_count = 4;
	conf.flap_window_s = 600;
	conf.flap_hold_s = 10;
	conf.statuses[0] = (struct health_status_range){200, 399};
	strcpy(conf.path, "/");
	return conf;
}

static void inherit32(uint32_t *value, uint32_t own)
{
	if (own != 0)
		*value = own;
}

static void inherit16(uint16_t *value, uint16_t own)
{
	if (own != 0)
		*value = own;
}

struct health_timing health_timing_of(const struct health_conf *conf,
				      const struct health_override *own, uint16_t service_port)
{
	struct health_timing t = conf->timing;

	if (own) {
		const struct health_timing *o = &own->timing;

		inherit32(&t.interval_ms, o->interval_ms);
		inherit32(&t.fast_interval_ms, o->fast_interval_ms);
		inherit32(&t.timeout_ms, o->timeout_ms);
		inherit16(&t.rise, o->rise);
		inherit16(&t.fall, o->fall);
		inherit16(&t.port, o->port);
		if (o->jitter_set)
			t.jitter_percent = o->jitter_percent;
	}
	if (t.port == 0)
		t.port = service_port;
	if (t.fast_interval_ms == 0)
		t.fast_interval_ms = t.interval_ms < HEALTH_FAST_MS_DEFAULT
					     ? t.interval_ms
					     : HEALTH_FAST_MS_DEFAULT;
	return t;
}

/* ---- statuses ---- */

/* Three digits; 0: they aren't a status. */
static uint16_t status_read(const char **text)
{
	uint16_t status = 0;

	for (int i = 0; i < 3; i++, (*text)++) {
		if (!isdigit((unsigned char)**text))
			return 0;
		status = (uint16_t)(status * 10 + (**text - '0'));
	}
	return status >= 100 && status <= 599 && !isdigit((unsigned char)**text) ? status : 0;
}

bool health_statuses_parse(const char *text, struct health_status_range out[HEALTH_STATUSES_MAX])
{
	struct health_status_range ranges[HEALTH_STATUSES_MAX] = {0};

	for (int n = 0;; n++) {
		struct health_status_range range;

		text += strspn(text, " ");
		range.low = range.high = status_read(&text);
		if (*text == '-') {
			text++;
			range.high = status_read(&text);
		}
		if (range.low == 0 || range.high < range.low || n == HEALTH_STATUSES_MAX)
			return false;
		ranges[n] = range;
		if (*text == '\0')
			break;
		if (*text++ != ',')
			return false;
	}
	memcpy(out, ranges, sizeof(ranges));
	return true;
}

const char *health_statuses_format(const struct health_status_range *ranges, char *buf,
				   size_t buf_bytes)
{
	size_t used = 0;

	buf[0] = '\0';
	for (int i = 0; i < HEALTH_STATUSES_MAX && ranges[i].low != 0 && used < buf_bytes; i++) {
		used += (size_t)snprintf(buf + used, buf_bytes - used, "%s%u", i ? "," : "",
					 ranges[i].low);
		if (ranges[i].high != ranges[i].low && used < buf_bytes)
			used += (size_t)snprintf(buf + used, buf_bytes - used, "-%u",
						 ranges[i].high);
	}
	return buf;
}

bool health_status_expected(const struct health_conf *conf, long status)
{
	for (int i = 0; i < HEALTH_STATUSES_MAX && conf->statuses[i].low != 0; i++)
		if (status >= conf->statuses[i].low && status <= conf->statuses[i].high)
			return true;
	return false;
}

/* ---- bytes ---- */

static int hex_digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	c = (char)tolower((unsigned char)c);
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

bool health_bytes_parse(const char *text, struct health_bytes *out)
{
	struct health_bytes bytes = {0};
	size_t length = strlen(text);

	if (strncmp(text, "hex:", 4) != 0) {
		if (length > sizeof(bytes.bytes))
			return false;
		memcpy(bytes.bytes, text, length);
		bytes.n = (uint16_t)length;
		*out = bytes;
		return true;
	}
	text += 4;
	length -= 4;
	if (length % 2 != 0 || length / 2 > sizeof(bytes.bytes))
		return false;
	for (size_t i = 0; i < length / 2; i++) {
		int high = hex_digit(text[2 * i]), low = hex_digit(text[2 * i + 1]);

		if (high < 0 || low < 0)
			return false;
		bytes.bytes[i] = (uint8_t)(high << 4 | low);
	}
	bytes.n = (uint16_t)(length / 2);
	*out = bytes;
	return true;
}

const char *health_bytes_format(const struct health_bytes *bytes, char *buf)
{
	bool text = bytes->n < 4 || memcmp(bytes->bytes, "hex:", 4) != 0;

	for (uint16_t i = 0; i < bytes->n; i++)
		text = text && isprint(bytes->bytes[i]);
	if (text) {
		memcpy(buf, bytes->bytes, bytes->n);
		buf[bytes->n] = '\0';
		return buf;
	}
	strcpy(buf, "hex:");
	for (uint16_t i = 0; i < bytes->n; i++)
		sprintf(buf + 4 + 2 * i, "%02x", bytes->bytes[i]);
	return buf;
}

/* ---- http ---- */

const char *health_path_refusal(const char *path)
{
	if (*path != '/')
		return "does not begin with a /";
	for (const char *c = path; *c; c++) {
		if (*c == ' ')
			return "has a space in it: write %20";
		if (*c == '#')
			return "has a # in it, behind which nothing is asked for: write %23";
		if (*c < 0x21 || *c > 0x7e)
			return "has a byte that is no printable ASCII: write it as % and two hex "
			       "digits";
		if (*c == '%' && (hex_digit(c[1]) < 0 || hex_digit(c[2]) < 0))
			return "has a % without two hex digits behind it: write %25";
	}
	return NULL;
}

/* Behind a host: nothing, or ":" and 1 to 65535. */
static bool is_port(const char *text)
{
	unsigned long value;

	if (*text == '\0')
		return true;
	if (*text++ != ':' || strlen(text) > 5 || strspn(text, "0123456789") != strlen(text))
		return false;
	value = strtoul(text, NULL, 10);
	return value >= 1 && value <= 65535;
}

const char *health_host_refusal(const char *host, bool port)
{
	const char *rest =
		host + strspn(host, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
				    "0123456789-._");
	const char *bracket = strchr(host, ']');
	char addr[INET6_ADDRSTRLEN];
	struct in6_addr in6;

	if (*host == '[') {
		if (!bracket || bracket - host > (long)sizeof(addr))
			return "is no IPv6 address in brackets";
		snprintf(addr, sizeof(addr), "%.*s", (int)(bracket - host - 1), host + 1);
		if (inet_pton(AF_INET6, addr, &in6) != 1)
			return "is no IPv6 address in brackets";
		rest = bracket + 1;
	} else if (rest == host) {
		return "does not begin with a host's name";
	}
	if (port && !is_port(rest))
		return "is no host, nor a host with a port: letters, digits, - . _ and \":80\"; "
		       "other "
		       "letters as punycode (xn--...)";
	if (!port && *rest != '\0')
		return "is no host: letters, digits, - . _ alone; other letters as punycode "
		       "(xn--...)";
	return NULL;
}
