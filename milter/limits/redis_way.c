/* SPDX-License-Identifier: BSD-2-Clause */
#include "config.h"

#include <errno.h>
#include <event2/bufferevent.h>
#include <event2/bufferevent_ssl.h>
#include <event2/dns.h>
#include <event2/event.h>
#include <event2/util.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/un.h>

#include "core/set.h"
#include "redis_private.h"

#define SERVERS_MAX 8
#define SERVER_SIZE 80

struct redis_way {
	struct store_address address;
	char text[STORE_TEXT_SIZE];
	struct span store;  /* as it is configured, with its password; owned */
	struct span cafile; /* owned */
	struct timespec cafile_time;
	SSL_CTX *tls;        /* NULL: without */
	bool literal;        /* the host is an address */
	size_t server_count; /* name servers; 0: those of the system */
	char servers[SERVERS_MAX][SERVER_SIZE];
	struct evdns_base *names; /* of the connection that is open */
};

static bool keep(struct span text, struct span *kept_r)
{
	char *copy = malloc(text.length + 1);
	if (!copy)
		return false;
	if (text.length != 0)
		memcpy(copy, text.at, text.length);
	copy[text.length] = '\0';
	*kept_r = span_make(copy, text.length);
	return true;
}

static struct timespec changed(struct span path)
{
	struct stat status = { 0 };
	if (path.length != 0)
		(void)stat(path.at, &status);
	return status.st_mtim;
}

static bool is_literal(const char *host)
{
	unsigned char address[16];
	return evutil_inet_pton(AF_INET, host, address) == 1 || evutil_inet_pton(AF_INET6, host, address) == 1;
}

/* Who may vouch for the store, and that somebody must. */
static bool set_up_tls(struct redis_way *way, char error_r[REDIS_ERROR_SIZE])
{
	ERR_clear_error();
	way->tls = SSL_CTX_new(TLS_client_method());
	if (!way->tls || SSL_CTX_set_min_proto_version(way->tls, TLS1_2_VERSION) != 1) {
		snprintf(error_r, REDIS_ERROR_SIZE, "limits.store: TLS cannot be set up; check OpenSSL's configuration");
		return false;
	}
	SSL_CTX_set_verify(way->tls, SSL_VERIFY_PEER, NULL);
	bool own = way->cafile.length != 0;
	int good = own ? SSL_CTX_load_verify_file(way->tls, way->cafile.at) : SSL_CTX_set_default_verify_paths(way->tls);
	if (good == 1)
		return true;
	const char *reason = ERR_reason_error_string(ERR_get_error());
	snprintf(error_r, REDIS_ERROR_SIZE,
	         "limits.store_cafile: %s holds no certificate that can be used (%s); write them in PEM",
	         own ? way->cafile.at : "the system's default", reason ? reason : "unknown reason");
	return false;
}

/* ADDRESS or ADDRESS@PORT, as evdns has it. */
static void take_servers(struct redis_way *way, const struct set *servers)
{
	for (size_t i = 0; i < set_count(servers) && i < SERVERS_MAX; i++) {
		struct span server = set_at(servers, i);
		size_t at = span_find(server, 0, '@');
		struct span port = at == server.length ? span_of("53") : span_slice(server, at + 1, server.length);
		bool bracket = span_find(server, 0, ':') < at;
		snprintf(way->servers[way->server_count++], SERVER_SIZE, "%s%.*s%s:%.*s", bracket ? "[" : "", (int)at,
		         server.at, bracket ? "]" : "", (int)port.length, port.at);
	}
}

struct redis_way *redis_way_new(const struct settings *settings, char error_r[REDIS_ERROR_SIZE])
{
	char problem[OPTION_PROBLEM_SIZE];
	struct redis_way *way = calloc(1, sizeof *way);
	if (!way || !keep(settings->limits.store, &way->store) || !keep(settings->limits.store_cafile, &way->cafile)) {
		snprintf(error_r, REDIS_ERROR_SIZE, "out of memory");
		redis_way_free(way);
		return NULL;
	}
	store_text(way->store, way->text);
	way->cafile_time = changed(way->cafile);
	take_servers(way, settings->dns.nameservers);
	bool good = store_parse(way->store, &way->address, problem);
	if (!good)
		snprintf(error_r, REDIS_ERROR_SIZE, "limits.store: %s", problem);
	way->literal = is_literal(way->address.host);
	if (good && (!way->address.tls || set_up_tls(way, error_r)))
		return way;
	redis_way_free(way);
	return NULL;
}

void redis_wipe(char *bytes, size_t length)
{
	volatile char *byte = bytes;
	for (size_t i = 0; i < length; i++)
		byte[i] = '\0';
}

void redis_way_free(struct redis_way *way)
{
	if (!way)
		return;
	SSL_CTX_free(way->tls);
	redis_wipe((char *)(uintptr_t)way->store.at, way->store.length);
	free((void *)(uintptr_t)way->store.at);
	free((void *)(uintptr_t)way->cafile.at);
	store_forget(&way->address);
	free(way);
}

bool redis_way_serves(const struct redis_way *way, const struct settings *settings)
{
	struct redis_way other = { .server_count = 0 };
	struct timespec time = changed(way->cafile);
	take_servers(&other, settings->dns.nameservers);
	return span_equal(way->store, settings->limits.store) && span_equal(way->cafile, settings->limits.store_cafile)
	       && time.tv_sec == way->cafile_time.tv_sec && time.tv_nsec == way->cafile_time.tv_nsec
	       && other.server_count == way->server_count && memcmp(other.servers, way->servers, sizeof other.servers) == 0;
}

const char *redis_way_text(const struct redis_way *way)
{
	return way->text;
}

long long redis_way_greeting(const struct redis_way *way, char **command_r, unsigned *replies_r)
{
	const struct store_address *address = &way->address;
	char *parts[3] = { NULL, NULL, NULL };
	long long lengths[3] = { 0, 0, 0 };
	long long whole = 0;
	bool good = true;

	if (address->password[0] != '\0' && address->user[0] != '\0')
		lengths[0] = (long long)redisFormatCommand(&parts[0], "AUTH %s %s", address->user, address->password);
	else if (address->password[0] != '\0')
		lengths[0] = (long long)redisFormatCommand(&parts[0], "AUTH %s", address->password);
	if (address->db != 0)
		lengths[1] = (long long)redisFormatCommand(&parts[1], "SELECT %d", (int)address->db);
	lengths[2] = (long long)redisFormatCommand(&parts[2], "PING");
	*replies_r = 0;
	for (unsigned i = 0; i < 3; i++) {
		good = good && lengths[i] >= 0;
		whole += lengths[i];
		*replies_r += lengths[i] > 0;
	}
	*command_r = good ? malloc((size_t)whole) : NULL;
	size_t at = 0;
	for (unsigned i = 0; i < 3; i++) {
		if (*command_r && lengths[i] > 0)
			memcpy(*command_r + at, parts[i], (size_t)lengths[i]);
		at += lengths[i] > 0 ? (size_t)lengths[i] : 0;
		if (i == 0 && parts[0] && lengths[0] > 0)
			redis_wipe(parts[0], (size_t)lengths[0]);
		redisFreeCommand(parts[i]);
	}
	return *command_r ? whole : -1;
}

/* A session that is not finished unless the certificate is the host's. */
static SSL *make_session(const struct redis_way *way)
{
	const char *host = way->address.host;
	SSL *session = SSL_new(way->tls);
	bool good = session != NULL;
	if (good && way->literal)
		good = X509_VERIFY_PARAM_set1_ip_asc(SSL_get0_param(session), host) == 1;
	else if (good)
		good = SSL_set1_host(session, host) == 1 && SSL_set_tlsext_host_name(session, host) == 1;
	if (good)
		return session;
	SSL_free(session);
	return NULL;
}

/* How names are found; nothing in the loop may wait for that. */
static bool find_names(struct redis_way *way, struct event_base *base)
{
	bool own = way->server_count != 0;
	way->names = evdns_base_new(base, own ? 0 : EVDNS_BASE_INITIALIZE_NAMESERVERS);
	if (!way->names)
		return false;
	for (size_t i = 0; i < way->server_count; i++)
		(void)evdns_base_nameserver_ip_add(way->names, way->servers[i]);
	if (own)
		(void)evdns_base_load_hosts(way->names, "/etc/hosts");
	return true;
}

static bool connect_link(struct redis_way *way, struct event_base *base, struct bufferevent *link)
{
	const struct store_address *address = &way->address;
	struct sockaddr_un local = { .sun_family = AF_UNIX };
	if (address->path[0] != '\0') {
		snprintf(local.sun_path, sizeof local.sun_path, "%s", address->path);
		return bufferevent_socket_connect(link, (struct sockaddr *)(void *)&local, (int)sizeof local) == 0;
	}
	if (!way->literal && !find_names(way, base))
		return false;
	return bufferevent_socket_connect_hostname(link, way->names, AF_UNSPEC, address->host, (int)address->port) == 0;
}

struct bufferevent *redis_way_open(struct redis_way *way, struct event_base *base, char error_r[REDIS_ERROR_SIZE])
{
	SSL *session = way->tls ? make_session(way) : NULL;
	struct bufferevent *link = NULL;
	if (session)
		link = bufferevent_openssl_socket_new(base, -1, session, BUFFEREVENT_SSL_CONNECTING, BEV_OPT_CLOSE_ON_FREE);
	else if (!way->tls)
		link = bufferevent_socket_new(base, -1, BEV_OPT_CLOSE_ON_FREE);
	if (!link) {
		SSL_free(session);
		snprintf(error_r, REDIS_ERROR_SIZE, "out of memory");
		return NULL;
	}
	if (session)
		bufferevent_openssl_set_allow_dirty_shutdown(link, 1);
	if (connect_link(way, base, link))
		return link;
	redis_way_error(way, link, error_r);
	redis_way_close(way, link);
	return NULL;
}

void redis_way_error(const struct redis_way *way, struct bufferevent *link, char error_r[REDIS_ERROR_SIZE])
{
	int system = EVUTIL_SOCKET_ERROR();
	int name = bufferevent_socket_get_dns_error(link);
	unsigned long tls = way->tls ? bufferevent_get_openssl_error(link) : 0;
	SSL *session = way->tls ? bufferevent_openssl_get_ssl(link) : NULL;
	long verified = session ? SSL_get_verify_result(session) : X509_V_OK;

	if (name != 0)
		snprintf(error_r, REDIS_ERROR_SIZE, "its name cannot be found: %s", evutil_gai_strerror(name));
	else if (verified != X509_V_OK)
		snprintf(error_r, REDIS_ERROR_SIZE, "its certificate is not accepted: %s",
		         X509_verify_cert_error_string(verified));
	else if (tls != 0)
		snprintf(error_r, REDIS_ERROR_SIZE, "TLS fails: %s",
		         ERR_reason_error_string(tls) ? ERR_reason_error_string(tls) : "unknown reason");
	else if (system != 0)
		snprintf(error_r, REDIS_ERROR_SIZE, "%s", evutil_socket_error_to_string(system));
	else
		snprintf(error_r, REDIS_ERROR_SIZE, "the connection failed");
}

void redis_way_close(struct redis_way *way, struct bufferevent *link)
{
	if (link)
		bufferevent_free(link);
	if (way->names)
		evdns_base_free(way->names, 1);
	way->names = NULL;
}
