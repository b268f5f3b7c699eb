/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * org_metadata: whatever was exported, the section that comes of it is printable, the loader takes it, and each of its
 * domains is within that of a key that signs; what cannot be read is refused in one printable line. Input: a file.
 */
#define _POSIX_C_SOURCE 200809L

#include "cmd/org_section.h"
#include "config/loader.h"
#include "core/set.h"
#include "fuzz.h"

const char fuzz_name[] = "org_metadata";

static bool is_public(void *context, struct span domain)
{
	(void)context;
	return span_equal_nocase(domain, span_of("co.uk")) || span_equal_nocase(domain, span_of("github.io"));
}

static void check_printable(struct span text)
{
	for (size_t i = 0; i < text.length; i++)
		must(text.at[i] == '\n' || (text.at[i] >= ' ' && text.at[i] <= '~'));
}

/* Some key that signs, and has a record, names the domain or one above it; and it belongs to nobody else. */
static bool is_proven(const struct org_metadata *metadata, struct span pattern)
{
	struct span domain = pattern.at[0] == '*' ? span_slice(pattern, 2, pattern.length) : pattern;
	for (const struct org_record *key = metadata->first[ORG_KEY]; key; key = key->next) {
		char ascii[DOMAIN_LENGTH_MAX + 1];
		struct span named = span_trim(org_text(key, ORG_DOMAIN));
		if (key->disputed || !span_equal_nocase(org_text(key, ORG_IS_ACTIVE), span_of("true"))
		    || span_absent(org_text(key, ORG_RECORD_NAME)) || !fuzz_to_ascii(named, ascii))
			continue;
		named = span_of(ascii);
		if (named.length != 0 && span_find(named, 0, '.') < named.length && !is_public(NULL, named)
		    && span_ends_nocase(domain, named)
		    && (domain.length == named.length || domain.at[domain.length - named.length - 1] == '.'))
			return true;
	}
	return false;
}

static void check_section(struct org_metadata *metadata, const struct org_section *section)
{
	char *text = NULL;
	size_t length = 0;
	struct problems problems;
	FILE *out = open_memstream(&text, &length);
	must(out);
	org_section_print(out, section, "# heading\n");
	must(fclose(out) == 0);
	check_printable(span_make(text, length));
	if (section->id_status == ORG_ID_GIVEN && !section->overflow) {
		struct settings *settings = config_load_text("section", text, length, &problems);
		must(settings && problems.errors == 0 && settings->org_count == 1);
		must(orgid_equal(&settings->orgs[0].id, &section->id) && settings->mode == MODE_MONITOR);
		must(set_count(settings->orgs[0].domains) == section->domains.count);
		problems_clear(&problems);
		settings_free(settings);
	} else {
		must(length == 0);
	}
	free(text);
	for (const struct org_item *item = section->domains.first; item; item = item->next)
		must(is_proven(metadata, item->text));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char problem[ORG_PROBLEM_SIZE] = "";
	struct org_metadata metadata;
	struct org_section section;
	struct orgid id;
	struct org_request request = { .id = &id, .to_ascii = fuzz_to_ascii, .public_suffix = is_public };
	must(orgid_parse(span_of("00D8d000003TRx3"), &id) == ORGID_OK);
	org_metadata_init(&metadata);
	switch (org_metadata_read(&metadata, span_of("a \xff\n file"), fuzz_span(data, size), problem)) {
	case ORG_READ:
		must(metadata.files == 1);
		org_section_make(&metadata, &request, &section);
		check_section(&metadata, &section);
		for (const struct org_trouble *trouble = metadata.troubles; trouble; trouble = trouble->next)
			check_printable(trouble->text);
		break;
	case ORG_NOT_OURS:
		must(metadata.files == 0 && metadata.records == 0);
		break;
	case ORG_BROKEN:
		must(problem[0] != '\0' && !strchr(problem, '\n'));
		check_printable(span_of(problem));
		break;
	}
	org_metadata_clear(&metadata);
	return 0;
}
