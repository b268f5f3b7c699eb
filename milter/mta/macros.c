/* SPDX-License-Identifier: BSD-2-Clause */
#include "mta/macros.h"

#include <stdlib.h>
#include <string.h>

#include "mta/protocol.h"

void macros_forget(struct macro_list *list)
{
	free(list->bytes);
	memset(list, 0, sizeof *list);
}

/* The macros of stages from that one on. */
void macros_forget_from(struct macro_list macros[MACRO_LISTS], unsigned stage)
{
	for (; stage < MACRO_LISTS; stage++)
		macros_forget(&macros[stage]);
}

/* What was told for the step. */
struct span macros_own(const struct macro_list macros[MACRO_LISTS], enum macro_stage stage, const char *name)
{
	const struct macro_list *list = &macros[stage];
	return protocol_macro(span_make(list->bytes, list->length), name);
}

/* What was told for the step, or for one before it. */
struct span macros_value(const struct macro_list macros[MACRO_LISTS], enum macro_stage stage, const char *name)
{
	for (unsigned i = (unsigned)stage + 1; i-- > 0;) {
		struct span value = macros_own(macros, (enum macro_stage)i, name);
		if (!span_absent(value))
			return value;
	}
	return span_make(NULL, 0);
}

void macros_read(const struct macro_list macros[MACRO_LISTS], struct session_input *input_r)
{
	struct certificate_macros *certificate = &input_r->certificate;
	memset(input_r, 0, sizeof *input_r);
	const struct {
		const char *name;
		struct span *value;
	} rows[] = {
		{ "{v}", &input_r->mta_version },
		{ "{client_name}", &input_r->client_name },
		{ "{client_resolve}", &input_r->client_resolve },
		{ "{tls_version}", &input_r->tls_version },
		{ "{cipher}", &input_r->cipher },
		{ "{cipher_bits}", &input_r->cipher_bits },
		{ "{cert_subject}", &certificate->cert_subject },
		{ "{cn_subject}", &certificate->cn_subject },
		{ "{cert_issuer}", &certificate->cert_issuer },
		{ "{cn_issuer}", &certificate->cn_issuer },
		{ "{verify}", &certificate->cert_verify },
		{ "{auth_type}", &input_r->auth_type },
		{ "{auth_authen}", &input_r->auth_authen },
		{ "j", &input_r->authserv_id },
		{ "i", &input_r->queue_id },
	};
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
		*rows[i].value = macros_value(macros, MACROS_OF_MAIL, rows[i].name);
}

bool macros_keep(struct macro_list *list, struct span told)
{
	macros_forget(list);
	list->due = true;
	if (told.length == 0)
		return true;
	list->bytes = malloc(told.length);
	if (!list->bytes)
		return false;
	memcpy(list->bytes, told.at, told.length);
	list->length = told.length;
	return true;
}

void macros_settle(struct macro_list macros[MACRO_LISTS], enum macro_stage stage)
{
	if (!macros[stage].due)
		macros_forget(&macros[stage]);
	macros[stage].due = false;
	if (stage <= MACROS_OF_RCPT)
		macros_forget_from(macros, (unsigned)stage + 1);
}
