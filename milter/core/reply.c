#include "core/reply.h"

#include <stdio.h>

static bool is_dns(enum reason reason)
{
	return reason == REASON_DNS_ERROR || reason == REASON_DNS_TIMEOUT;
}

void reply_make(enum verdict verdict, enum reason reason, struct span sid, struct span contact, struct reply *reply_r)
{
	const struct reason_row *row = reason_row(reason);
	char class = verdict == VERDICT_REJECT ? '5' : verdict == VERDICT_TEMPFAIL ? '4' : '2';
	bool own = row->smtp[0] == class;

	memset(reply_r, 0, sizeof *reply_r);
	if (class == '2')
		return;
	snprintf(reply_r->code, sizeof reply_r->code, "%s", own ? row->smtp : class == '5' ? "550" : "451");
	snprintf(reply_r->enhanced, sizeof reply_r->enhanced, "%s",
	         own ? row->enhanced : class == '5' ? "5.7.1" : is_dns(reason) ? "4.4.3" : "4.3.2");
	snprintf(reply_r->text, sizeof reply_r->text, "%s: %s (id %.*s)%s%.*s", row->code, row->sentence, (int)sid.length,
	         sid.at ? sid.at : "", contact.length != 0 ? " " : "", (int)contact.length, contact.at ? contact.at : "");
}
