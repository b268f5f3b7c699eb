/* SPDX-License-Identifier: BSD-2-Clause */
#include "config.h"

#include <arpa/nameser.h>
#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <spf2/spf.h>
#include <spf2/spf_dns.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "evidence/confine.h"
#include "secondopinion_private.h"

struct link {
	int fd;
};

bool secondopinion_read(int fd, void *to, size_t length)
{
	char *at = to;
	while (length != 0) {
		ssize_t got = recv(fd, at, length, 0);
		if (got < 0 && errno == EINTR)
			continue;
		if (got <= 0)
			return false;
		at += got;
		length -= (size_t)got;
	}
	return true;
}

bool secondopinion_write(int fd, const void *from, size_t length)
{
	const char *at = from;
	while (length != 0) {
		ssize_t put = send(fd, at, length, MSG_NOSIGNAL);
		if (put < 0 && errno == EINTR)
			continue;
		if (put < 0)
			return false;
		at += put;
		length -= (size_t)put;
	}
	return true;
}

static _Noreturn void no_memory(void)
{
	_exit(SECONDOPINION_EXIT_MEMORY);
}

static void read_all(const struct link *link, void *to, size_t length)
{
	if (!secondopinion_read(link->fd, to, length))
		_exit(EXIT_FAILURE);
}

/* The type of a question; false for those that are never answered, such as type 99. */
static bool type_known(ns_type type, int32_t *type_r)
{
	static const struct {
		ns_type theirs;
		enum record_type ours;
	} types[] = {
		{ ns_t_a, RECORD_A },     { ns_t_aaaa, RECORD_AAAA }, { ns_t_mx, RECORD_MX },
		{ ns_t_ptr, RECORD_PTR }, { ns_t_txt, RECORD_TXT },
	};
	for (size_t i = 0; i < sizeof types / sizeof *types; i++)
		if (types[i].theirs == type) {
			*type_r = (int32_t)types[i].ours;
			return true;
		}
	return false;
}

static SPF_dns_stat_t herrno_of(int32_t status)
{
	if (status == ANSWER_FOUND)
		return NETDB_SUCCESS;
	if (status == ANSWER_NODATA)
		return NO_DATA;
	return status == ANSWER_NXDOMAIN ? HOST_NOT_FOUND : TRY_AGAIN;
}

/* The data of every type is bytes from the start of the union; names and texts end in NUL. */
static void take_records(const struct link *link, uint32_t count, SPF_dns_rr_t *records)
{
	for (uint32_t i = 0; i < count; i++) {
		uint32_t length;
		read_all(link, &length, sizeof length);
		if (SPF_dns_rr_buf_realloc(records, (int)i, (size_t)length + 1) != SPF_E_SUCCESS)
			no_memory();
		char *data = (char *)records->rr[i];
		read_all(link, data, length);
		data[length] = '\0';
		records->num_rr = (int)i + 1;
	}
}

/* libspf2 aborts when it is given no answer, so it always gets one. */
static SPF_dns_rr_t *lookup(SPF_dns_server_t *server, const char *domain, ns_type type, int should_cache)
{
	const struct link *link = server->hook;
	struct secondopinion_message message = { .kind = SECONDOPINION_LOOKUP };
	struct secondopinion_reply reply = { .status = ANSWER_NXDOMAIN };
	struct span name = span_of(domain);

	(void)should_cache;
	if (name.length != 0 && name.at[name.length - 1] == '.')
		name.length--;
	if (!type_known(type, &message.type)) {
		reply.status = ANSWER_NODATA;
	} else if (answer_name_write(name, message.name) != 0) {
		if (!secondopinion_write(link->fd, &message, sizeof message))
			_exit(EXIT_FAILURE);
		read_all(link, &reply, sizeof reply);
	}
	SPF_dns_rr_t *records = SPF_dns_rr_new_init(server, domain, type, 0, herrno_of(reply.status));
	if (!records)
		no_memory();
	take_records(link, reply.count, records);
	return records;
}

static SPF_errcode_t no_explanation(SPF_server_t *server, const char *domain, char **text, size_t *length)
{
	(void)server;
	(void)domain;
	(void)text;
	(void)length;
	return SPF_E_NOT_SPF;
}

/* Records that cannot be compiled, and failed lookups of the first one, are told by the error alone. */
static int32_t result_of(SPF_result_t result, SPF_errcode_t error)
{
	switch (result) {
	case SPF_RESULT_NEUTRAL:
		return SPF_NEUTRAL;
	case SPF_RESULT_PASS:
		return SPF_PASS;
	case SPF_RESULT_FAIL:
		return SPF_FAIL;
	case SPF_RESULT_SOFTFAIL:
		return SPF_SOFTFAIL;
	case SPF_RESULT_NONE:
		return SPF_NONE;
	case SPF_RESULT_TEMPERROR:
		return SPF_TEMPERROR;
	case SPF_RESULT_PERMERROR:
		return SPF_PERMERROR;
	case SPF_RESULT_INVALID:
		break;
	}
	return error == SPF_E_DNS_ERROR ? SPF_TEMPERROR : SPF_PERMERROR;
}

/* A C string of its own: libspf2 knows no other. */
static char *text_of(struct span span)
{
	char *text = malloc(span.length + 1);
	if (!text)
		no_memory();
	if (span.length != 0)
		memcpy(text, span.at, span.length);
	text[span.length] = '\0';
	return text;
}

static char *sender_of(const struct spf_input *input)
{
	struct span local = input->local.length != 0 ? input->local : span_of("postmaster");
	char *sender = malloc(local.length + input->domain.length + 2);
	if (!sender)
		no_memory();
	memcpy(sender, local.at, local.length);
	sender[local.length] = '@';
	memcpy(sender + local.length + 1, input->domain.at, input->domain.length);
	sender[local.length + 1 + input->domain.length] = '\0';
	return sender;
}

static void set_client(SPF_request_t *request, const struct address *client)
{
	struct in_addr ipv4;
	struct in6_addr ipv6;
	if (client->family == ADDRESS_IPV6) {
		memcpy(&ipv6, client->bytes, sizeof ipv6);
		SPF_request_set_ipv6(request, ipv6);
	} else {
		memcpy(&ipv4, client->bytes, sizeof ipv4);
		SPF_request_set_ipv4(request, ipv4);
	}
}

static void evaluate(struct link *link, const struct spf_input *input, struct secondopinion_message *message_r)
{
	SPF_dns_server_t dns = { .lookup = lookup, .get_exp = no_explanation, .name = "secondopinion", .hook = link };
	SPF_response_t *response = NULL;
	SPF_server_t *server = SPF_server_new_dns(&dns, 0);
	SPF_request_t *request = server ? SPF_request_new(server) : NULL;

	if (!request)
		no_memory();
	set_client(request, &input->client);
	SPF_request_set_helo_dom(request, text_of(input->helo));
	SPF_request_set_env_from(request, sender_of(input));
	SPF_errcode_t error = SPF_request_query_mailfrom(request, &response);
	if (!response)
		no_memory();
	SPF_result_t result = SPF_response_result(response);
	message_r->kind = SECONDOPINION_RESULT;
	message_r->result = result_of(result, error);
	message_r->local = SPF_response_reason(response) == SPF_REASON_LOCALHOST;
	message_r->broken = message_r->result == SPF_PERMERROR && error == SPF_E_NOT_SPF;
}

void secondopinion_child(int fd, const struct spf_input *input)
{
	struct link link = { fd };
	struct secondopinion_message message = { .kind = SECONDOPINION_RESULT };

	if (!confine(fd))
		_exit(EXIT_FAILURE);
	evaluate(&link, input, &message);
	_exit(secondopinion_write(fd, &message, sizeof message) ? EXIT_SUCCESS : EXIT_FAILURE);
}
