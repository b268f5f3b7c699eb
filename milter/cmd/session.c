/* SPDX-License-Identifier: BSD-2-Clause */
#include "config.h"

#include "cmd/session.h"

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>

#include "core/log_entry.h"
#include "core/settings.h"

static const char *const names[SESSION_KEYS] = {
	[SESSION_MTA] = "mta",
	[SESSION_CLIENT_IP] = "client_ip",
	[SESSION_CLIENT_NAME] = "client_name",
	[SESSION_HELO] = "helo",
	[SESSION_TLS_VERSION] = "tls_version",
	[SESSION_CIPHER] = "cipher",
	[SESSION_CIPHER_BITS] = "cipher_bits",
	[SESSION_CERT_SUBJECT] = "cert_subject",
	[SESSION_CN_SUBJECT] = "cn_subject",
	[SESSION_CERT_ISSUER] = "cert_issuer",
	[SESSION_CERT_VERIFY] = "cert_verify",
	[SESSION_AUTH_TYPE] = "auth_type",
	[SESSION_AUTH_AUTHEN] = "auth_authen",
	[SESSION_MAIL_FROM] = "mail_from",
	[SESSION_QUEUE_ID] = "queue_id",
};

void session_init(struct session *session)
{
	memset(session, 0, sizeof *session);
	arena_init(&session->arena, 0);
}

void session_clear(struct session *session)
{
	arena_clear(&session->arena);
	memset(session, 0, sizeof *session);
}

const char *session_key_name(enum session_key key)
{
	return names[key];
}

bool session_key_by_name(struct span name, enum session_key *key_r)
{
	for (unsigned i = 0; i < SESSION_KEYS; i++)
		if (span_equal(name, span_of(names[i]))) {
			*key_r = (enum session_key)i;
			return true;
		}
	return false;
}

static bool wrong(struct span value, const char *what, char problem_r[SESSION_PROBLEM_SIZE])
{
	char shown[LOG_PRINTABLE_SIZE];
	log_entry_printable(value, shown, sizeof shown);
	snprintf(problem_r, SESSION_PROBLEM_SIZE, "\"%.60s\" is %s", shown, what);
	return false;
}

/* A version in digits alone, as an MTA's macro would tell it; other values as they are. */
static struct span tls_macro(struct session *session, struct span value)
{
	struct span told = arena_printf(&session->arena, "TLSv%.*s", (int)value.length, value.at ? value.at : "");
	return tls_version_parse(told) != TLS_UNKNOWN ? told : arena_span(&session->arena, value);
}

bool session_set(struct session *session, enum session_key key, struct span value, char problem_r[SESSION_PROBLEM_SIZE])
{
	unsigned long bits;
	enum mta mta;

	if (key == SESSION_MTA && !mta_by_name(value, &mta))
		return wrong(value, "neither postfix nor sendmail", problem_r);
	if (key == SESSION_CIPHER_BITS && value.length != 0 && !span_number(value, 65535, &bits))
		return wrong(value, "not a number of bits", problem_r);
	session->values[key] = key == SESSION_TLS_VERSION ? tls_macro(session, value) : arena_span(&session->arena, value);
	if (span_absent(session->values[key])) {
		snprintf(problem_r, SESSION_PROBLEM_SIZE, "out of memory");
		return false;
	}
	return true;
}

struct span session_mailer(struct span told)
{
	size_t domain = 0;
	size_t equals = told.length;
	for (size_t i = 0; i < told.length; i++)
		if (told.at[i] == '@')
			domain = i;
	for (size_t i = domain; i < told.length; i++)
		if (told.at[i] == '=')
			equals = i;
	return equals < told.length ? span_slice(told, equals + 1, told.length) : span_make(NULL, 0);
}

bool session_recipient(struct session *session, struct span mailer)
{
	if (session->recipients == SESSION_RECIPIENTS_MAX)
		return false;
	session->mailers[session->recipients] = arena_span(&session->arena, mailer);
	if (span_absent(session->mailers[session->recipients]) != span_absent(mailer))
		return false;
	session->recipients++;
	return true;
}

static bool read_recipients(struct session *session, const char *name, const json_t *value,
                            char problem_r[SESSION_PROBLEM_SIZE])
{
	size_t i;
	const json_t *recipient;

	if (!json_is_array(value)) {
		snprintf(problem_r, SESSION_PROBLEM_SIZE, "%.100s: rcpt is not an array of strings", name);
		return false;
	}
	json_array_foreach(value, i, recipient)
	{
		if (!json_is_string(recipient)) {
			snprintf(problem_r, SESSION_PROBLEM_SIZE, "%.100s: rcpt[%zu] is not a string", name, i);
			return false;
		}
		struct span told = span_make(json_string_value(recipient), json_string_length(recipient));
		if (!session_recipient(session, session_mailer(told))) {
			snprintf(problem_r, SESSION_PROBLEM_SIZE, "%.100s: rcpt holds more than %d", name, SESSION_RECIPIENTS_MAX);
			return false;
		}
	}
	return true;
}

static bool read_value(struct session *session, const char *name, const char *text, const json_t *value,
                       char problem_r[SESSION_PROBLEM_SIZE])
{
	char digits[24];
	char shown[LOG_PRINTABLE_SIZE];
	char problem[SESSION_PROBLEM_SIZE] = "";
	enum session_key key;

	if (!session_key_by_name(span_of(text), &key)) {
		log_entry_printable(span_of(text), shown, sizeof shown);
		snprintf(problem_r, SESSION_PROBLEM_SIZE, "%.100s: unknown key \"%.60s\"", name, shown);
		return false;
	}
	struct span told = span_make(json_string_value(value), json_string_length(value));
	if (key == SESSION_CIPHER_BITS && json_is_integer(value)) {
		snprintf(digits, sizeof digits, "%" JSON_INTEGER_FORMAT, json_integer_value(value));
		told = span_of(digits);
	} else if (!json_is_string(value)) {
		snprintf(problem_r, SESSION_PROBLEM_SIZE, "%.100s: %s is not a %s", name, text,
		         key == SESSION_CIPHER_BITS ? "number" : "string");
		return false;
	}
	if (session_set(session, key, told, problem))
		return true;
	snprintf(problem_r, SESSION_PROBLEM_SIZE, "%.100s: %s: %.100s", name, names[key], problem);
	return false;
}

bool session_read(struct session *session, const char *name, struct span json, char problem_r[SESSION_PROBLEM_SIZE])
{
	json_error_t error;
	char shown[LOG_PRINTABLE_SIZE];
	const char *key;
	json_t *value;
	json_t *object = json_loadb(json.at ? json.at : "", json.length, JSON_REJECT_DUPLICATES | JSON_ALLOW_NUL, &error);
	bool good = json_is_object(object);

	if (!object) {
		log_entry_printable(span_of(error.text), shown, sizeof shown);
		snprintf(problem_r, SESSION_PROBLEM_SIZE, "%.100s:%d:%d: %.100s", name, error.line, error.column, shown);
	} else if (!good) {
		snprintf(problem_r, SESSION_PROBLEM_SIZE, "%.100s: not a JSON object", name);
	}
	if (good)
		json_object_foreach(object, key, value) good =
			good
			&& (strcmp(key, "rcpt") == 0 ? read_recipients(session, name, value, problem_r)
		                                 : read_value(session, name, key, value, problem_r));
	json_decref(object);
	return good;
}

bool session_override(struct session *session, const struct session *other)
{
	for (unsigned i = 0; i < SESSION_KEYS; i++)
		if (!span_absent(other->values[i]))
			session->values[i] = arena_span(&session->arena, other->values[i]);
	if (other->recipients != 0)
		session->recipients = 0;
	for (size_t i = 0; i < other->recipients; i++)
		if (!session_recipient(session, other->mailers[i]))
			return false;
	return !arena_failed(&session->arena);
}

void session_input(const struct session *session, struct session_input *input_r)
{
	const struct span *values = session->values;

	memset(input_r, 0, sizeof *input_r);
	if (span_absent(values[SESSION_MTA]) || !mta_by_name(values[SESSION_MTA], &input_r->mta))
		input_r->mta = MTA_POSTFIX;
	if (!address_parse(values[SESSION_CLIENT_IP], &input_r->client))
		input_r->client.family = ADDRESS_NONE;
	input_r->client_name = values[SESSION_CLIENT_NAME];
	input_r->helo = values[SESSION_HELO];
	input_r->tls_version = values[SESSION_TLS_VERSION];
	input_r->cipher = values[SESSION_CIPHER];
	input_r->cipher_bits = values[SESSION_CIPHER_BITS];
	input_r->certificate.cert_subject = values[SESSION_CERT_SUBJECT];
	input_r->certificate.cn_subject = values[SESSION_CN_SUBJECT];
	input_r->certificate.cert_issuer = values[SESSION_CERT_ISSUER];
	input_r->certificate.cert_verify = values[SESSION_CERT_VERIFY];
	input_r->auth_type = values[SESSION_AUTH_TYPE];
	input_r->auth_authen = values[SESSION_AUTH_AUTHEN];
	input_r->queue_id = values[SESSION_QUEUE_ID];
	input_r->mail_from = values[SESSION_MAIL_FROM];
	if (!span_absent(input_r->mail_from) && input_r->mail_from.length == 0)
		input_r->mail_from = span_of("<>");
}
