/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Servers for bench_health to check.
 */
#include "health_servers.h"

#include <arpa/inet.h>
#include <event2/buffer.h>
#include <event2/bufferevent.h>
#include <event2/bufferevent_ssl.h>
#include <event2/event.h>
#include <event2/listener.h>
#include <openssl/ec.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>
#include <signal.h>
#include <stdint.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

/* NULL: it can't be made. */
static SSL_CTX *tls_new(void)
{
	SSL_CTX *tls = SSL_CTX_new(TLS_server_method());
	EVP_PKEY *key = EVP_EC_gen("P-256");
	X509 *certificate = X509_new();
	X509_NAME *name = X509_get_subject_name(certificate);

	ASN1_INTEGER_set(X509_get_serialNumber(certificate), 1);
	X509_gmtime_adj(X509_getm_notBefore(certificate), 0);
	X509_gmtime_adj(X509_getm_notAfter(certificate), 86400);
	X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC, (const unsigned char *)"bench", -1, -1,
				   0);
	X509_set_issuer_name(certificate, name);
	X509_set_pubkey(certificate, key);
	if (!X509_sign(certificate, key, EVP_sha256()) ||
	    SSL_CTX_use_certificate(tls, certificate) != 1 || SSL_CTX_use_PrivateKey(tls, key) != 1)
		_exit(1);
	return tls;
}

static void on_request(struct bufferevent *connection, void *ctx)
{
	static const char answer[] = "HTTP/1.1 200 OK\r\nContent-Length: 3\r\n"
				     "Connection: close\r\n\r\nok\n";

	(void)ctx;
	evbuffer_drain(bufferevent_get_input(connection), SIZE_MAX);
	bufferevent_write(connection, answer, sizeof(answer) - 1);
}

static void on_end(struct bufferevent *connection, short events, void *ctx)
{
	(void)events;
	(void)ctx;
	bufferevent_free(connection);
}

static void on_connection(struct evconnlistener *listener, evutil_socket_t fd,
			  struct sockaddr *from, int bytes, void *ctx)
{
	struct event_base *base = evconnlistener_get_base(listener);
	struct bufferevent *connection;

	(void)from;
	(void)bytes;
	connection = ctx ? bufferevent_openssl_socket_new(base, fd, SSL_new(ctx),
							  BUFFEREVENT_SSL_ACCEPTING,
							  BEV_OPT_CLOSE_ON_FREE)
			 : bufferevent_socket_new(base, fd, BEV_OPT_CLOSE_ON_FREE);
	if (!connection) {
		close(fd);
		return;
	}
	bufferevent_setcb(connection, on_request, NULL, on_end, NULL);
	bufferevent_enable(connection, EV_READ | EV_WRITE);
}

static void files_raise(void)
{
	struct rlimit limit;

	getrlimit(RLIMIT_NOFILE, &limit);
	limit.rlim_cur = limit.rlim_max;
	setrlimit(RLIMIT_NOFILE, &limit);
}

pid_t health_servers_start(void)
{
	static const uint16_t ports[] = {PORT_HTTP, PORT_TCP, PORT_HTTPS};
	struct event_base *base;
	int ready[2];
	char byte;
	pid_t pid;

	if (pipe(ready) != 0)
		return -1;
	pid = fork();
	if (pid != 0) {
		close(ready[1]);
		if (read(ready[0], &byte, 1) != 1)
			return -1;
		return pid;
	}
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	/* They stand for other hosts: what is measured must not wait for their turn on this one. */
	setpriority(PRIO_PROCESS, 0, -15);
	files_raise();
	base = event_base_new();
	for (size_t i = 0; i < sizeof(ports) / sizeof(ports[0]); i++) {
		struct sockaddr_in any = {.sin_family = AF_INET, .sin_port = htons(ports[i])};

		if (!evconnlistener_new_bind(base, on_connection,
					     ports[i] == PORT_HTTPS ? tls_new() : NULL,
					     LEV_OPT_CLOSE_ON_FREE | LEV_OPT_REUSEABLE, 4096,
					     (struct sockaddr *)&any, sizeof(any)))
			_exit(1);
	}
	if (write(ready[1], "", 1) != 1)
		_exit(1);
	event_base_dispatch(base);
	_exit(0);
}
