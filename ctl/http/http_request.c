/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Reads the head of an HTTP/1 request. Control thread.
 */
#include "http_request.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

/* Text that is not ended by a 0. */
struct span {
	const char *at;
	size_t bytes;
};

size_t http_head_length(const char *bytes, size_t n_bytes)
{
	for (size_t i = 0; i + 1 < n_bytes; i++) {
		if (bytes[i] != '\n')
			continue;
		if (bytes[i + 1] == '\n')
			return i + 2;
		if (i + 2 < n_bytes && bytes[i + 1] == '\r' && bytes[i + 2] == '\n')
			return i + 3;
	}
	return 0;
}

static bool span_is(struct span s, const char *text)
{
	return strlen(text) == s.bytes && memcmp(s.at, text, s.bytes) == 0;
}

static bool span_is_name(struct span s, const char *name)
{
	return strlen(name) == s.bytes && strncasecmp(s.at, name, s.bytes) == 0;
}

/* Up to `end`, or all; what is left of *rest begins behind it. */
static struct span span_cut(struct span *rest, char end)
{
	const char *found = memchr(rest->at, end, rest->bytes);
	struct span s = {rest->at, found ? (size_t)(found - rest->at) : rest->bytes};
	size_t gone = s.bytes + (found ? 1 : 0);

	rest->at += gone;
	rest->bytes -= gone;
	return s;
}

static struct span line_cut(struct span *rest)
{
	struct span line = span_cut(rest, '\n');

	if (line.bytes > 0 && line.at[line.bytes - 1] == '\r')
		line.bytes--;
	return line;
}

static struct span trimmed(struct span s)
{
	while (s.bytes > 0 && (*s.at == ' ' || *s.at == '\t'))
		s.at++, s.bytes--;
	while (s.bytes > 0 && (s.at[s.bytes - 1] == ' ' || s.at[s.bytes - 1] == '\t'))
		s.bytes--;
	return s;
}

/* Whether a comma-separated list, as in Connection, has the word. */
static bool list_has(struct span list, const char *word)
{
	while (list.bytes > 0)
		if (span_is_name(trimmed(span_cut(&list, ',')), word))
			return true;
	return false;
}

static bool span_is_visible(struct span s)
{
	for (size_t i = 0; i < s.bytes; i++)
		if ((unsigned char)s.at[i] <= ' ' || (unsigned char)s.at[i] >= 0x7f)
			return false;
	return true;
}

static int parse_first(struct span line, struct http_request *request)
{
	struct span method = span_cut(&line, ' '), target = span_cut(&line, ' ');
	struct span path = span_cut(&target, '?');

	if (memchr(line.at, ' ', line.bytes) || path.bytes == 0 || path.at[0] != '/')
		return 400;
	if (line.bytes != 8 || memcmp(line.at, "HTTP/", 5) != 0)
		return 400;
	if (!span_is(line, "HTTP/1.1") && !span_is(line, "HTTP/1.0"))
		return 505;
	if (!span_is_visible(path) || !span_is_visible(target))
		return 400;
	if (path.bytes >= HTTP_PATH_MAX || target.bytes >= HTTP_QUERY_MAX)
		return 414;
	request->head = span_is(method, "HEAD");
	if (!request->head && !span_is(method, "GET"))
		return 405;
	snprintf(request->path, sizeof(request->path), "%.*s", (int)path.bytes, path.at);
	snprintf(request->query, sizeof(request->query), "%.*s", (int)target.bytes, target.at);
	request->old = line.at[7] == '0';
	request->keeps = !request->old;
	return 200;
}

static int parse_header(struct span line, struct http_request *request, int *hosts)
{
	struct span value = line, name = span_cut(&value, ':');

	/* No colon, a blank before it, or a line that goes on from the one before. */
	if (name.bytes == 0 || name.bytes == line.bytes || memchr(name.at, ' ', name.bytes) ||
	    memchr(name.at, '\t', name.bytes) || memchr(line.at, 0, line.bytes))
		return 400;
	value = trimmed(value);
	if (span_is_name(name, "Host")) {
		if (value.bytes >= sizeof(request->host))
			return 400;
		++*hosts;
		snprintf(request->host, sizeof(request->host), "%.*s", (int)value.bytes, value.at);
	} else if (span_is_name(name, "Content-Length") && !span_is(value, "0")) {
		return 413;
	} else if (span_is_name(name, "Transfer-Encoding")) {
		return 413;
	} else if (span_is_name(name, "Accept")) {
		snprintf(request->accept, sizeof(request->accept), "%.*s", (int)value.bytes,
			 value.at);
	} else if (span_is_name(name, "Connection") && list_has(value, "close")) {
		request->keeps = false;
	}
	return 200;
}

int http_request_parse(const char *bytes, size_t n_bytes, struct http_request *request)
{
	struct span rest = {bytes, n_bytes}, line = line_cut(&rest);
	int hosts = 0, status;

	*request = (struct http_request){.keeps = false};
	status = parse_first(line, request);
	while (status == 200 && (line = line_cut(&rest)).bytes > 0)
		status = parse_header(line, request, &hosts);
	if (status == 200 && (hosts > 1 || (hosts == 0 && !request->old)))
		status = 400;
	if (status != 200)
		request->keeps = false;
	return status;
}
