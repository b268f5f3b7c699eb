/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * limits_probe: the arithmetic of limits and the script of the store, for t/limits.t.
 *
 *   limits_probe --command [USER]   the command that counts a message of an organization, whole, as it goes to the store
 *   limits_probe COUNT SECONDS      windows: each line of standard input is a time in milliseconds and a weight; answers
 *                                   "SUM WAIT" as it was before, and counts what passes (WAIT 0)
 */
#include "config.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "limits/window.h"

#ifdef HAVE_HIREDIS
#include "../milter/limits/redis_private.h"

static int print_command(const char *user)
{
	struct demand demand = { .rates = { { 3, 60 }, { 4, 120 }, { 5, 180 } }, .weights = { 1, 2, 1 } };
	struct redis_script *script = redis_script_new();
	char *command = NULL;
	orgid_parse(span_of("00D8d000003TRx3EAG"), &demand.org);
	if (user)
		userid_parse(span_of(user), &demand.user);
	long long length = redis_script_command(script, &demand, true, &command);
	fwrite(command, 1, length > 0 ? (size_t)length : 0, stdout);
	redisFreeCommand(command);
	redis_script_free(script);
	return length <= 0;
}
#else
static int print_command(const char *user)
{
	(void)user;
	return 77;
}
#endif

int main(int argc, char **argv)
{
	struct window window = { 0 };
	long long now_ms;
	unsigned weight;
	if (argc >= 2 && strcmp(argv[1], "--command") == 0)
		return print_command(argc > 2 ? argv[2] : NULL);
	if (argc != 3)
		return 64;
	struct rate rate = { (unsigned)strtoul(argv[1], NULL, 10), (unsigned)strtoul(argv[2], NULL, 10) };
	while (scanf("%lld %u", &now_ms, &weight) == 2) {
		long long wait = window_wait_ms(&window, rate, now_ms, weight);
		printf("%llu %lld\n", window_sum(&window, rate.seconds, now_ms), wait);
		if (wait == 0)
			window_add(&window, rate.seconds, now_ms, weight);
	}
	return 0;
}
