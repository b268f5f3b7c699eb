/* SPDX-License-Identifier: BSD-2-Clause */
#include "core/certname.h"

#include "core/domain.h"

static bool hex_digit(char c, unsigned *value_r)
{
	char lower = ascii_lower(c);
	if (ascii_digit(c))
		*value_r = (unsigned)(c - '0');
	else if (lower >= 'a' && lower <= 'f')
		*value_r = (unsigned)(lower - 'a') + 10;
	else
		return false;
	return true;
}

struct span certname_decode(struct span value, struct arena *arena)
{
	if (span_absent(value))
		return value;
	char *text = arena_text(arena, value);
	if (!text)
		return span_make(NULL, 0);
	size_t length = 0;
	for (size_t i = 0; i < value.length; i++) {
		unsigned high;
		unsigned low;
		char c = value.at[i];
		if (c == '+') {
			if (value.length - i < 3 || !hex_digit(value.at[i + 1], &high) || !hex_digit(value.at[i + 2], &low))
				return span_make(NULL, 0);
			c = (char)(unsigned char)(high << 4 | low);
			i += 2;
		}
		text[length++] = c;
	}
	return span_make(text, length);
}

bool certname_comparable(struct span name)
{
	return domain_valid(name);
}

static bool is_given(struct span value)
{
	return value.length != 0;
}

/* What Sendmail puts in the place of a name that it cannot show: "BadCertificate" and Unknown, TooLong, ContainsNUL. */
static bool is_stand_in(struct span value)
{
	static const struct span stem = SPAN_LITERAL("BadCertificate");
	return span_starts_nocase(value, stem) && span_find(value, 0, '.') == value.length;
}

/* Nothing can be compared with an empty name: it is as good as none. */
static struct span keep(struct span value, struct arena *arena)
{
	return is_given(value) ? arena_span(arena, value) : span_make(NULL, 0);
}

static void read_postfix(const struct certificate_macros *macros, struct arena *arena,
                         struct certificate *certificate_r)
{
	certificate_r->presented = !span_absent(macros->cert_subject) || !span_absent(macros->cert_issuer);
	certificate_r->verified = !span_absent(macros->cert_issuer);
	certificate_r->name = keep(macros->cert_subject, arena);
	certificate_r->issuer = keep(macros->cert_issuer, arena);
}

static struct span decode_cn(struct span value, struct arena *arena)
{
	struct span name = certname_decode(value, arena);
	return is_given(name) && !is_stand_in(name) ? name : span_make(NULL, 0);
}

/* The DN stands for an issuer that has no CN; not for one whose CN cannot be read. */
static struct span sendmail_issuer(const struct certificate_macros *macros, struct arena *arena)
{
	static const struct span unknown = SPAN_LITERAL("BadCertificateUnknown");
	if (is_given(macros->cn_issuer) && !span_equal(macros->cn_issuer, unknown))
		return decode_cn(macros->cn_issuer, arena);
	return keep(macros->cert_issuer, arena);
}

static void read_sendmail(const struct certificate_macros *macros, struct arena *arena,
                          struct certificate *certificate_r)
{
	static const struct span verified = SPAN_LITERAL("OK");
	static const struct span failed = SPAN_LITERAL("FAIL");
	certificate_r->verified = span_equal(macros->cert_verify, verified);
	certificate_r->presented = certificate_r->verified || span_equal(macros->cert_verify, failed)
	                           || is_given(macros->cert_subject) || is_given(macros->cn_subject);
	certificate_r->name = decode_cn(macros->cn_subject, arena);
	certificate_r->issuer = sendmail_issuer(macros, arena);
}

bool certificate_read(enum mta mta, const struct certificate_macros *macros, struct arena *arena,
                      struct certificate *certificate_r)
{
	memset(certificate_r, 0, sizeof *certificate_r);
	switch (mta) {
	case MTA_POSTFIX:
		read_postfix(macros, arena, certificate_r);
		break;
	case MTA_UNKNOWN:
	case MTA_SENDMAIL:
		read_sendmail(macros, arena, certificate_r);
		break;
	}
	if (!arena_failed(arena))
		return true;
	memset(certificate_r, 0, sizeof *certificate_r);
	return false;
}
