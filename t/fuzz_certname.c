/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * certname: decoding is exact, and nothing but the MTA's word makes a certificate verified. Input: five lines, the
 * macros in the order of the structure; a line "-" is a macro that was not sent.
 */
#include "core/certname.h"
#include "core/domain.h"
#include "fuzz.h"

const char fuzz_name[] = "certname";

static void check_decode(struct arena *arena, struct span value)
{
	struct span decoded = certname_decode(value, arena);
	size_t pluses = 0;
	for (size_t i = 0; i < value.length; i++)
		pluses += value.at[i] == '+';
	must(span_absent(decoded) || decoded.length + 2 * pluses >= value.length);
	must(span_absent(decoded) || decoded.length <= value.length);
	if (pluses == 0)
		must(span_absent(decoded) == span_absent(value) && span_equal(decoded, value));

	/* Every byte encoded decodes to the same bytes. */
	char *encoded = arena_alloc(arena, 3 * value.length + 1);
	must(encoded);
	for (size_t i = 0; i < value.length; i++)
		snprintf(encoded + 3 * i, 4, "+%02X", (unsigned)(unsigned char)value.at[i]);
	must(span_equal(certname_decode(span_make(encoded, 3 * value.length), arena), value));
	must(!certname_comparable(value) || domain_valid(value));
}

static struct span next_macro(struct span *rest)
{
	struct span line = fuzz_line(rest);
	return span_equal(line, span_of("-")) ? span_make(NULL, 0) : line;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct arena arena;
	struct certificate certificate;
	struct certificate_macros macros;
	arena_init(&arena, 0);
	check_decode(&arena, size ? fuzz_span(data, size) : span_of(""));
	struct span rest = fuzz_span(data, size);
	macros.cert_subject = next_macro(&rest);
	macros.cn_subject = next_macro(&rest);
	macros.cert_issuer = next_macro(&rest);
	macros.cn_issuer = next_macro(&rest);
	macros.cert_verify = next_macro(&rest);
	for (unsigned mta = 0; mta < MTAS; mta++) {
		must(certificate_read((enum mta)mta, &macros, &arena, &certificate));
		if (mta == MTA_POSTFIX)
			must(certificate.verified == !span_absent(macros.cert_issuer));
		else
			must(certificate.verified == span_equal(macros.cert_verify, span_of("OK")));
		must(!certificate.verified || certificate.presented);
		must(span_absent(certificate.name) == (certificate.name.length == 0));
		must(!certname_comparable(certificate.name) || span_find(certificate.name, 0, '\0') == certificate.name.length);
	}
	arena_clear(&arena);
	return 0;
}
