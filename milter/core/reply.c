#include "core/reply.h"

#include <stdio.h>

static bool is_dns(enum reason reason)
{
	return reason == REASON_DNS_ERROR || reason == REASON_DNS_TIMEOUT;
}

static bool awaits_key(const struct judgement *judgement)
{
	return judgement->why.count != 0 && judgement->why.ids[0] == CHECK_DKIM;
}

static const char *enhanced_code(char class, const struct reason_row *row, const struct judgement *judgement)
{
	if (class == '4' && is_dns(judgement->reason))
		return awaits_key(judgement) ? "4.7.5" : "4.4.3";
	if (row->smtp[0] == class)
		return row->enhanced;
	return class == '5' ? "5.7.1" : "4.3.2";
}

void reply_make(enum verdict verdict, const struct judgement *judgement, struct span sid, struct span contact,
                struct reply *reply_r)
{
	const struct reason_row *row = reason_row(judgement->reason);
	char class = verdict == VERDICT_REJECT ? '5' : verdict == VERDICT_TEMPFAIL ? '4' : '2';

	memset(reply_r, 0, sizeof *reply_r);
	if (class == '2')
		return;
	snprintf(reply_r->code, sizeof reply_r->code, "%s",
	         row->smtp[0] == class ? row->smtp : class == '5' ? "550" : "451");
	snprintf(reply_r->enhanced, sizeof reply_r->enhanced, "%s", enhanced_code(class, row, judgement));
	snprintf(reply_r->text, sizeof reply_r->text, "%s: %s (id %.*s)%s%.*s", row->code, row->sentence, (int)sid.length,
	         sid.at ? sid.at : "", contact.length != 0 ? " " : "", (int)contact.length, contact.at ? contact.at : "");
}
