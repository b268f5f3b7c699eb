/* SPDX-License-Identifier: BSD-2-Clause */
#include "config.h"

#include "evidence/resolver_context.h"

#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "core/span.h"

#define RESOLV_CONF "/etc/resolv.conf"

/*
 * The name servers asked are few, and when they are back, answers have to be back too: what was learnt of a server is
 * forgotten at once, and none is taken for dead. By default there is room for 16 questions at once.
 */
static const char *const options[][2] = {
	{ "do-not-query-localhost:", "no" },
	{ "outbound-msg-retry:", "1" },
	{ "infra-host-ttl:", "1" },
	{ "infra-keep-probing:", "yes" },
	{ "outgoing-num-tcp:", "16" },
	{ "msg-cache-size:", "64k" },
	{ "msg-cache-slabs:", "1" },
	{ "rrset-cache-size:", "64k" },
	{ "rrset-cache-slabs:", "1" },
	{ "infra-cache-slabs:", "1" },
	{ "key-cache-slabs:", "1" },
	{ "val-bogus-ttl:", "1" },
	/* A server that took that long would count as dead, and not be asked. */
	{ "infra-cache-max-rtt:", "1000000" },
};

/* The library keeps failures for five seconds, whatever it is told; only a zone that is not cached at all is free of that. */
static const char zone[] = "forward-zone:\n\tname: \".\"\n\tforward-no-cache: yes\n";

/*
 * Zones the library would answer itself, with NXDOMAIN. The name servers asked know better: they may serve them, and
 * tests use them. What must never leave the host (localhost, onion, invalid) stays.
 */
static const char *const unblocked[] = {
	"test.",
	"home.arpa.",
	"10.in-addr.arpa.",
	"16.172.in-addr.arpa.",
	"17.172.in-addr.arpa.",
	"18.172.in-addr.arpa.",
	"19.172.in-addr.arpa.",
	"20.172.in-addr.arpa.",
	"21.172.in-addr.arpa.",
	"22.172.in-addr.arpa.",
	"23.172.in-addr.arpa.",
	"24.172.in-addr.arpa.",
	"25.172.in-addr.arpa.",
	"26.172.in-addr.arpa.",
	"27.172.in-addr.arpa.",
	"28.172.in-addr.arpa.",
	"29.172.in-addr.arpa.",
	"30.172.in-addr.arpa.",
	"31.172.in-addr.arpa.",
	"168.192.in-addr.arpa.",
	"254.169.in-addr.arpa.",
	"2.0.192.in-addr.arpa.",
	"100.51.198.in-addr.arpa.",
	"113.0.203.in-addr.arpa.",
	"d.f.ip6.arpa.",
	"8.b.d.0.1.0.0.2.ip6.arpa.",
};

static bool fail(char error_r[RESOLVER_ERROR_SIZE], const char *what, const char *why)
{
	snprintf(error_r, RESOLVER_ERROR_SIZE, "%.300s: %.200s", what, why);
	return false;
}

static bool set_option(struct ub_ctx *context, const char *option, const char *value, char error_r[RESOLVER_ERROR_SIZE])
{
	int code = ub_ctx_set_option(context, option, value);
	return code == 0 || fail(error_r, option, ub_strerror(code));
}

static bool set_number(struct ub_ctx *context, const char *option, unsigned value, char error_r[RESOLVER_ERROR_SIZE])
{
	char text[16];
	snprintf(text, sizeof text, "%u", value);
	return set_option(context, option, text, error_r);
}

/* The library takes such lines from a file only. */
static bool set_zone(struct ub_ctx *context, char error_r[RESOLVER_ERROR_SIZE])
{
	char path[32];
	int fd = memfd_create("libunbound", MFD_CLOEXEC);
	if (fd < 0)
		return fail(error_r, "libunbound", strerror(errno));
	snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
	bool written = write(fd, zone, sizeof zone - 1) == (ssize_t)(sizeof zone - 1) && lseek(fd, 0, SEEK_SET) == 0;
	int code = written ? ub_ctx_config(context, path) : 0;
	close(fd);
	if (!written)
		return fail(error_r, "libunbound", strerror(errno));
	return code == 0 || fail(error_r, "libunbound", ub_strerror(code));
}

unsigned resolver_patience_ms(const struct settings *settings)
{
	unsigned half = settings->message_timeout * 1000 / 2;
	return half < 10000 ? half : 10000;
}

/* The library keeps these two for the whole process: contexts must not differ in them. */
static bool set_patience(struct ub_ctx *context, unsigned ms, char error_r[RESOLVER_ERROR_SIZE])
{
	return set_number(context, "infra-cache-min-rtt:", ms, error_r)
	       && set_number(context, "unknown-server-time-limit:", ms, error_r);
}

static bool set_options(struct ub_ctx *context, char error_r[RESOLVER_ERROR_SIZE])
{
	for (size_t i = 0; i < sizeof options / sizeof options[0]; i++)
		if (!set_option(context, options[i][0], options[i][1], error_r))
			return false;
	return true;
}

static bool copy_text(struct span text, char *to, size_t size)
{
	if (text.length >= size || memchr(text.at, '\0', text.length))
		return false;
	memcpy(to, text.at, text.length);
	to[text.length] = '\0';
	return true;
}

/* The name servers of resolv.conf(5); without that file, or without one in it, that of the local host. NULL without memory. */
static const struct set *local_servers(struct arena *arena)
{
	struct set *servers = set_new(arena, SET_EXACT);
	FILE *file = fopen(RESOLV_CONF, "re");
	char line[1024];
	char address[128];

	while (servers && file && fgets(line, sizeof line, file))
		if (sscanf(line, " nameserver %127s", address) == 1)
			set_add(servers, span_of(address));
	if (file)
		fclose(file);
	if (servers && set_count(servers) == 0)
		set_add(servers, span_of("127.0.0.1"));
	return servers;
}

static const struct set *all_servers(const struct settings *settings, struct arena *arena)
{
	return set_count(settings->dns.nameservers) != 0 ? settings->dns.nameservers : local_servers(arena);
}

unsigned resolver_servers(const struct settings *settings)
{
	struct arena arena;
	arena_init(&arena, 0);
	size_t count = set_count(all_servers(settings, &arena));
	arena_clear(&arena);
	return count < LANES ? (unsigned)count : LANES;
}

/* Whether server i of count belongs to a lane. */
static bool in_lane(size_t i, size_t count, unsigned lane)
{
	return count < LANES ? i == lane % count : i % LANES == lane;
}

static bool set_server(struct ub_ctx *context, struct span address, char error_r[RESOLVER_ERROR_SIZE])
{
	char server[128];
	if (!copy_text(address, server, sizeof server))
		return fail(error_r, "nameservers", "an address is too long");
	int code = ub_ctx_set_fwd(context, server);
	return code == 0 || fail(error_r, server, ub_strerror(code));
}

static bool set_servers(struct ub_ctx *context, const struct settings *settings, unsigned lane,
                        char error_r[RESOLVER_ERROR_SIZE])
{
	struct arena arena;
	arena_init(&arena, 0);
	const struct set *servers = all_servers(settings, &arena);
	size_t count = set_count(servers);
	bool good = count != 0 || fail(error_r, "libunbound", "out of memory");
	for (size_t i = 0; i < count && good; i++)
		if (in_lane(i, count, lane))
			good = set_server(context, set_at(servers, i), error_r);
	arena_clear(&arena);
	return good;
}

static bool set_anchor(struct ub_ctx *context, struct span anchor, char error_r[RESOLVER_ERROR_SIZE])
{
	char path[4096];

	if (anchor.length == 0)
		return true;
	if (!copy_text(anchor, path, sizeof path))
		return fail(error_r, "trust_anchor", "the path is too long");
	/* The library would find out at the first question only. */
	FILE *file = fopen(path, "re");
	if (!file)
		return fail(error_r, path, strerror(errno));
	fclose(file);
	int code = ub_ctx_add_ta_file(context, path);
	return code == 0 || fail(error_r, path, ub_strerror(code));
}

static bool add_line(struct ub_ctx *context, char *line, const char *path, unsigned number,
                     char error_r[RESOLVER_ERROR_SIZE])
{
	line[strcspn(line, "\r\n")] = '\0';
	line += strspn(line, " \t");
	if (line[0] == '\0' || line[0] == ';' || line[0] == '#')
		return true;
	int code = ub_ctx_data_add(context, line);
	if (code == 0)
		return true;
	snprintf(error_r, RESOLVER_ERROR_SIZE,
	         "%.300s:%u: this is no resource record; write OWNER TTL IN TYPE DATA on one line", path, number);
	return false;
}

static bool add_local_data(struct ub_ctx *context, struct span local_data, char error_r[RESOLVER_ERROR_SIZE])
{
	char path[4096];
	char *line = NULL;
	size_t size = 0;
	bool good = true;

	if (local_data.length == 0)
		return true;
	if (!copy_text(local_data, path, sizeof path))
		return fail(error_r, "local_data", "the path is too long");
	FILE *file = fopen(path, "re");
	if (!file)
		return fail(error_r, path, strerror(errno));
	for (unsigned number = 1; good && getline(&line, &size, file) >= 0; number++)
		good = add_line(context, line, path, number, error_r);
	if (good && ferror(file))
		good = fail(error_r, path, strerror(errno));
	free(line);
	fclose(file);
	return good;
}

/* The first call that touches zones makes the context final: every option has to be set before. */
static bool remove_zones(struct ub_ctx *context, struct span anchor, char error_r[RESOLVER_ERROR_SIZE])
{
	char path[4096];
	for (size_t i = 0; i < sizeof unblocked / sizeof unblocked[0]; i++) {
		int code = ub_ctx_zone_remove(context, unblocked[i]);
		if (code != 0 && anchor.length != 0 && copy_text(anchor, path, sizeof path))
			return fail(error_r, path, "the trust anchor's file holds something else than DS and DNSKEY records");
		if (code != 0)
			return fail(error_r, "libunbound", ub_strerror(code));
	}
	return true;
}

static bool set_up(struct ub_ctx *context, const struct settings *settings, unsigned lane, unsigned range,
                   char error_r[RESOLVER_ERROR_SIZE])
{
	ub_ctx_debugout(context, NULL);
	if (!set_options(context, error_r) || !set_patience(context, resolver_patience_ms(settings), error_r)
	    || !set_number(context, "cache-max-ttl:", settings->dns.cache_ttl_max, error_r)
	    || !set_number(context, "cache-max-negative-ttl:", settings->dns.cache_negative_max, error_r)
	    || !set_number(context, "outgoing-range:", range, error_r)
	    || !set_number(context, "num-queries-per-thread:", range, error_r) || !set_zone(context, error_r)
	    || !set_servers(context, settings, lane, error_r) || !set_anchor(context, settings->dns.trust_anchor, error_r))
		return false;
	if (ub_ctx_async(context, 1) != 0)
		return fail(error_r, "libunbound", "no thread can be used");
	return remove_zones(context, settings->dns.trust_anchor, error_r)
	       && add_local_data(context, settings->dns.local_data, error_r);
}

/* The library sets up globals with each context, and destroys them with each, without a lock. */
static pthread_mutex_t globals = PTHREAD_MUTEX_INITIALIZER;

void resolver_context_free(struct ub_ctx *context)
{
	pthread_mutex_lock(&globals);
	ub_ctx_delete(context);
	pthread_mutex_unlock(&globals);
}

struct ub_ctx *resolver_context_new(const struct settings *settings, unsigned lane, unsigned range,
                                    char error_r[RESOLVER_ERROR_SIZE])
{
	pthread_mutex_lock(&globals);
	struct ub_ctx *context = ub_ctx_create();
	if (!context)
		fail(error_r, "libunbound", "no context can be made");
	if (context && !set_up(context, settings, lane, range, error_r)) {
		ub_ctx_delete(context);
		context = NULL;
	}
	pthread_mutex_unlock(&globals);
	return context;
}
