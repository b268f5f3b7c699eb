/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * nothing: a filter that has every callback and does nothing in any: what libmilter alone costs.
 *
 *     nothing SOCKET        unix:PATH or inet:PORT@ADDRESS
 */
#include "config.h"

#include <libmilter/mfapi.h>
#include <stdio.h>

static sfsistat on_connect(SMFICTX *context, char *name, _SOCK_ADDR *from)
{
	(void)context;
	(void)name;
	(void)from;
	return SMFIS_CONTINUE;
}

static sfsistat on_text(SMFICTX *context, char *text)
{
	(void)context;
	(void)text;
	return SMFIS_CONTINUE;
}

static sfsistat on_unknown(SMFICTX *context, const char *text)
{
	(void)context;
	(void)text;
	return SMFIS_CONTINUE;
}

static sfsistat on_address(SMFICTX *context, char **arguments)
{
	(void)context;
	(void)arguments;
	return SMFIS_CONTINUE;
}

static sfsistat on_field(SMFICTX *context, char *name, char *value)
{
	(void)context;
	(void)name;
	(void)value;
	return SMFIS_CONTINUE;
}

static sfsistat on_body(SMFICTX *context, unsigned char *chunk, size_t length)
{
	(void)context;
	(void)chunk;
	(void)length;
	return SMFIS_CONTINUE;
}

static sfsistat on_step(SMFICTX *context)
{
	(void)context;
	return SMFIS_CONTINUE;
}

int main(int argc, char **argv)
{
	struct smfiDesc description = {
		.xxfi_name = (char[]) { "nothing" },
		.xxfi_version = SMFI_VERSION,
		.xxfi_flags = SMFIF_ADDHDRS,
		.xxfi_connect = on_connect,
		.xxfi_helo = on_text,
		.xxfi_envfrom = on_address,
		.xxfi_envrcpt = on_address,
		.xxfi_header = on_field,
		.xxfi_eoh = on_step,
		.xxfi_body = on_body,
		.xxfi_eom = on_step,
		.xxfi_abort = on_step,
		.xxfi_close = on_step,
		.xxfi_unknown = on_unknown,
		.xxfi_data = on_step,
	};
	if (argc != 2) {
		fprintf(stderr, "usage: nothing SOCKET\n");
		return 64;
	}
	if (smfi_register(description) != MI_SUCCESS || smfi_setconn(argv[1]) != MI_SUCCESS)
		return 75;
	return smfi_main() == MI_SUCCESS ? 0 : 75;
}
