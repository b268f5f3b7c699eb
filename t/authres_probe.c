/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * authres_probe ID...: reads header field values, one a line in hexadecimal, and prints for each whether it claims one of
 * these names ("1") or not ("0"). For authres_differential.t.
 */
#include "config.h"

#include <stdio.h>
#include <stdlib.h>

#include "core/authres_claim.h"
#include "evidence/idn.h"

static struct span read_hex(char *line)
{
	size_t length = 0;
	unsigned byte;
	for (const char *at = line; sscanf(at, "%2x", &byte) == 1; at += 2)
		line[length++] = (char)byte;
	return span_make(line, length);
}

int main(int argc, char **argv)
{
	struct arena arena;
	char *line = NULL;
	size_t room = 0;
	arena_init(&arena, 0);
	struct set *own_ids = set_new(&arena, SET_NOCASE);
	for (int i = 1; i < argc; i++)
		if (!own_ids || set_add(own_ids, span_of(argv[i])) == SET_ABSENT)
			return 1;
	while (getline(&line, &room, stdin) > 0) {
		struct authres_ids ids;
		bool claims;
		if (!authres_ids_init(&ids, span_make(NULL, 0), own_ids, idn_to_ascii, &arena)
		    || !authres_claims(&ids, read_hex(line), &claims))
			return 1;
		printf("%d\n", claims);
	}
	free(line);
	arena_clear(&arena);
	return 0;
}
