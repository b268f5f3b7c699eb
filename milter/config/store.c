/* SPDX-License-Identifier: BSD-2-Clause */
#include "config/store.h"

#include <stdio.h>

#include "core/domain.h"
#include "core/network.h"

static bool wrong(char problem_r[OPTION_PROBLEM_SIZE], const char *problem)
{
	snprintf(problem_r, OPTION_PROBLEM_SIZE, "%s", problem);
	return false;
}

static bool starts(struct span text, const char *with)
{
	return text.length >= strlen(with) && memcmp(text.at, with, strlen(with)) == 0;
}

static int hex_value(char c)
{
	c = ascii_lower(c);
	return ascii_digit(c) ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* False: too long, or a "%" without two hexadecimal digits, or NUL. */
static bool decode(struct span text, char *to, size_t size)
{
	size_t at = 0;
	for (size_t i = 0; i < text.length; i++) {
		char c = text.at[i];
		if (c == '%') {
			int high = i + 2 < text.length ? hex_value(text.at[i + 1]) : -1;
			int low = high >= 0 ? hex_value(text.at[i + 2]) : -1;
			if (low < 0)
				return false;
			c = (char)(high * 16 + low);
			i += 2;
		}
		if (c == '\0' || at + 1 >= size)
			return false;
		to[at++] = c;
	}
	to[at] = '\0';
	return true;
}

static bool parse_login(struct span login, struct store_address *address, char problem_r[OPTION_PROBLEM_SIZE])
{
	size_t colon = span_find(login, 0, ':');
	if (colon == login.length)
		return wrong(problem_r, "names a user without a password; write USER:PASSWORD@ before the host, or :PASSWORD@");
	if (!decode(span_slice(login, 0, colon), address->user, sizeof address->user)
	    || !decode(span_slice(login, colon + 1, login.length), address->password, sizeof address->password))
		return wrong(
			problem_r,
			"has a user or password that is too long, or in which % is not followed by two hexadecimal digits; "
			"write % itself as %25");
	if (address->password[0] == '\0')
		return wrong(problem_r, "has an empty password; write it between : and @, or leave both out");
	return true;
}

/* HOST[:PORT] */
static bool parse_host(struct span text, struct store_address *address, char problem_r[OPTION_PROBLEM_SIZE])
{
	struct address literal;
	bool bracket = text.length != 0 && text.at[0] == '[';
	size_t end = span_find(text, 0, bracket ? ']' : ':');
	struct span host = span_slice(text, bracket, end);
	struct span rest = span_slice(text, bracket ? end + 1 : end, text.length);
	unsigned long port = STORE_PORT;
	bool good = bracket ? end != text.length && address_parse(host, &literal) && literal.family == ADDRESS_IPV6
	                    : domain_valid(host) || (address_parse(host, &literal) && literal.family == ADDRESS_IPV4);
	if (!good || host.length > STORE_HOST_MAX)
		return wrong(
			problem_r,
			"names no host; write a name, an IPv4 address or an IPv6 address in brackets, as in redis://127.0.0.1");
	if (rest.length != 0
	    && (rest.at[0] != ':' || !span_number(span_slice(rest, 1, rest.length), 65535, &port) || port == 0))
		return wrong(problem_r,
		             "has no port behind its host; write a number from 1 to 65535, as in redis://127.0.0.1:6379");
	snprintf(address->host, sizeof address->host, "%.*s", (int)host.length, host.at);
	address->port = (unsigned)port;
	return true;
}

static bool parse_path(struct span path, struct store_address *address, char problem_r[OPTION_PROBLEM_SIZE])
{
	if (path.length == 0 || path.at[0] != '/' || path.length > STORE_PATH_MAX
	    || span_find(path, 0, '\0') != path.length)
		return wrong(
			problem_r,
			"names no socket; write its absolute path of at most 107 characters, as in unix:/run/redis/redis.sock");
	snprintf(address->path, sizeof address->path, "%.*s", (int)path.length, path.at);
	return true;
}

/* The last "@": a password may hold one that is not written %40. */
static size_t login_end(struct span text)
{
	size_t at = text.length;
	while (at > 0 && text.at[at - 1] != '@')
		at--;
	return at;
}

bool store_parse(struct span text, struct store_address *address_r, char problem_r[OPTION_PROBLEM_SIZE])
{
	memset(address_r, 0, sizeof *address_r);
	for (size_t i = 0; i < text.length; i++)
		if ((unsigned char)text.at[i] < ' ' || text.at[i] == 0x7f)
			return wrong(problem_r, "holds a line break or another control character; write one line without it");
	if (starts(text, "unix:"))
		return parse_path(span_slice(text, strlen("unix:"), text.length), address_r, problem_r);
	address_r->tls = starts(text, "rediss://");
	if (!address_r->tls && !starts(text, "redis://"))
		return wrong(problem_r, "is no store; write redis://HOST, rediss://HOST or unix:PATH");
	struct span rest = span_slice(text, address_r->tls ? strlen("rediss://") : strlen("redis://"), text.length);
	size_t login = login_end(rest);
	if (login != 0 && !parse_login(span_slice(rest, 0, login - 1), address_r, problem_r))
		return false;
	rest = span_slice(rest, login, rest.length);
	size_t slash = span_find(rest, 0, '/');
	unsigned long db = 0;
	if (slash != rest.length && slash + 1 != rest.length
	    && !span_number(span_slice(rest, slash + 1, rest.length), STORE_DB_MAX, &db))
		return wrong(problem_r, "has no database behind its last /; write a number, as in redis://127.0.0.1/1");
	address_r->db = (unsigned)db;
	return parse_host(span_slice(rest, 0, slash), address_r, problem_r);
}

void store_forget(struct store_address *address)
{
	volatile char *byte = address->password;
	for (size_t i = 0; i < sizeof address->password; i++)
		byte[i] = '\0';
}

void store_text(struct span text, char text_r[STORE_TEXT_SIZE])
{
	struct store_address address;
	char problem[OPTION_PROBLEM_SIZE];
	char database[16] = "";
	text_r[0] = '\0';
	if (text.length == 0)
		return;
	if (!store_parse(text, &address, problem)) {
		snprintf(text_r, STORE_TEXT_SIZE, "***");
	} else if (address.path[0] != '\0') {
		snprintf(text_r, STORE_TEXT_SIZE, "unix:%s", address.path);
	} else {
		bool bracket = strchr(address.host, ':') != NULL;
		if (address.db != 0)
			snprintf(database, sizeof database, "/%u", address.db);
		snprintf(text_r, STORE_TEXT_SIZE, "%s://%s%s%s%s%s:%u%s", address.tls ? "rediss" : "redis", address.user,
		         address.password[0] != '\0' ? ":***@" : "", bracket ? "[" : "", address.host, bracket ? "]" : "",
		         address.port, database);
	}
	store_forget(&address);
}
