/* SPDX-License-Identifier: BSD-2-Clause */
#include "config.h"

#include "mta/crowding.h"

#include "mta/loop.h"

#define PAUSE_MS 60000

void crowding_note(struct crowding *crowding, struct log *log, size_t open, size_t most)
{
	if (open < most) {
		crowding->crowded = crowding->crowded && open > most - most / 8;
		return;
	}
	if (crowding->crowded)
		return;
	crowding->crowded = true;
	long long now = loop_now_ms();
	if (crowding->told_ms != 0 && now - crowding->told_ms < PAUSE_MS)
		return;
	crowding->told_ms = now;
	log_event(log, LOG_LEVEL_WARNING, "warning",
	          "all %zu connections are taken, and further ones of the mail server wait; raise the limit of open files "
	          "(LimitNOFILE= in systemd), or let fewer processes of the mail server use this filter",
	          open);
}
