/* SPDX-License-Identifier: BSD-2-Clause */
/* orgid: an accepted ID is stable in both lengths, and its case counts. */
#include "core/orgid.h"
#include "fuzz.h"

const char fuzz_name[] = "orgid";

static void check_good(struct span text, const struct orgid *id)
{
	struct orgid again;
	char checksum[3];
	must(strlen(id->text) == ORGID_LONG && memcmp(id->text, text.at, text.length) == 0);
	orgid_checksum(id->text, checksum);
	must(memcmp(checksum, id->text + ORGID_SHORT, 3) == 0);
	must(orgid_parse(span_of(id->text), &again) == ORGID_OK && orgid_equal(id, &again));
	must(orgid_parse(orgid_short(id), &again) == ORGID_OK && strcmp(id->text, again.text) == 0);

	/* Another case of one letter is another organization, and does not fit the checksum. */
	for (size_t i = 3; i < ORGID_SHORT; i++) {
		struct orgid other;
		char changed[ORGID_LONG];
		memcpy(changed, id->text, ORGID_LONG);
		if (!ascii_alpha(changed[i]))
			continue;
		changed[i] = (char)(changed[i] ^ 0x20);
		must(orgid_parse(span_make(changed, ORGID_SHORT), &other) == ORGID_OK && !orgid_equal(id, &other));
		must(orgid_parse(span_make(changed, ORGID_LONG), &other) == ORGID_CHECKSUM);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct orgid id;
	memset(&id, 0, sizeof id);
	struct span text = fuzz_span(data, size);
	enum orgid_status status = orgid_parse(text, &id);
	must(status != ORGID_UNSET && orgid_problem(status)[0] != '\0');
	must((status == ORGID_LENGTH) == (size != ORGID_SHORT && size != ORGID_LONG));
	if (status == ORGID_OK)
		check_good(text, &id);
	else
		must(id.text[0] == '\0' && span_absent(orgid_short(&id)));
	return 0;
}
