/* SPDX-License-Identifier: BSD-2-Clause */
/* DMARC: records, tree walks, alignment. Ids are those of the attack catalogue. */
#include "core/dmarc.h"
#include "core/domain.h"
#include "tap.h"
#include "zone.h"

#define U DMARC_POLICY_UNSET
#define N DMARC_POLICY_NONE
#define Q DMARC_POLICY_QUARANTINE
#define R DMARC_POLICY_REJECT

static const struct {
	const char *text;
	struct dmarc_record want; /* applies, p, sp, np, adkim, aspf, t, psd */
} records[] = {
	{ "v=DMARC1;p=none", { true, N, U, U, false, false, false, DMARC_PSD_UNKNOWN } },
	{ "v=DMARC1; p=reject; sp=quarantine; np=none", { true, R, Q, N, false, false, false, DMARC_PSD_UNKNOWN } },
	{ "V\t= DMARC1 ;\tP = Reject ; AdKim=S; aspf = s ;T=Y; psd=Y;",
	  { true, R, U, U, true, true, true, DMARC_PSD_YES } },
	{ "v=DMARC1; sp=none; p=quarantine; psd=n; t=n; adkim=r; aspf=r",
	  { true, Q, N, U, false, false, false, DMARC_PSD_NO } },
	{ "v=DMARC1; p=reject; pct=0; rf=afrf; ri=86400; pct=5; zz=1; zz=2",
	  { true, R, U, U, false, false, false, DMARC_PSD_UNKNOWN } },
	{ "v=DMARC1; p=reject; adkim=x; aspf=strict; t=1; psd=u",
	  { true, R, U, U, false, false, false, DMARC_PSD_UNKNOWN } },
	{ "v=DMARC1;; p=reject;junk; =x; a;", { true, R, U, U, false, false, false, DMARC_PSD_UNKNOWN } },
	{ "v=DMARC1; rua=mailto:d@example.com", { true, N, U, U, false, false, false, DMARC_PSD_UNKNOWN } },
	{ "v=DMARC1; p=rejekt; sp=reject; rua= x , mailto:d@example.com!10m",
	  { true, N, U, U, false, false, false, DMARC_PSD_UNKNOWN } },
	{ "v=DMARC1; p=reject; sp=strict; rua=https://a.example/x",
	  { true, N, U, U, false, false, false, DMARC_PSD_UNKNOWN } },
	{ "v=DMARC1; p=reject; np=; rua=mailto:x", { true, N, U, U, false, false, false, DMARC_PSD_UNKNOWN } },
	{ "v=DMARC1", { false, N, U, U, false, false, false, DMARC_PSD_UNKNOWN } },
	{ "v=DMARC1; psd=y", { false, N, U, U, false, false, false, DMARC_PSD_YES } },
	{ "v=DMARC1; p=r", { false, N, U, U, false, false, false, DMARC_PSD_UNKNOWN } },
	{ "v=DMARC1; p=unset; rua=mailto", { false, N, U, U, false, false, false, DMARC_PSD_UNKNOWN } },
	{ "v=DMARC1; p=reject; sp=foo; rua=mailto:, :x,<mailto:x>",
	  { false, N, U, U, false, false, false, DMARC_PSD_UNKNOWN } },
	{ "v=DMARC1; rua=1x:y, m_x:y, mailto:a b, mailto:\x80",
	  { false, N, U, U, false, false, false, DMARC_PSD_UNKNOWN } },
	{ "v=DMARC1; p=reject none", { false, N, U, U, false, false, false, DMARC_PSD_UNKNOWN } },
};

static const char *const foreign[] = {
	"",
	"v=DMARC",
	"v=DMARC2; p=none",
	"v=dmarc1; p=none",
	" v=DMARC1; p=none",
	"p=none; v=DMARC1",
	"v=DMARC1 p=none",
	"v=DMARC1,p=none",
	"DMARC1; p=none",
	"vv=DMARC1; p=none",
	"v=\"DMARC1\"; p=none",
	";v=DMARC1; p=none",
	"v=spf1 -all",
};

static const char *const twice[] = {
	"v=DMARC1; p=none; p=reject",
	"v=DMARC1; p=reject; P=reject",
	"v=DMARC1; v=DMARC1; p=none",
	"v=DMARC1; p=none; sp=none; sp=none",
	"v=DMARC1; p=none; rua=mailto:a; rua=mailto:b",
	"v=DMARC1; p=none; t=n; t=y",
};

static void parsing(void)
{
	struct dmarc_record record;
	for (size_t i = 0; i < sizeof records / sizeof *records; i++) {
		const struct dmarc_record *want = &records[i].want;
		bool good = dmarc_is_record(span_of(records[i].text)) && dmarc_parse(span_of(records[i].text), &record);
		ok(good && record.applies == want->applies && record.p == want->p && record.sp == want->sp
		       && record.np == want->np && record.strict_dkim == want->strict_dkim
		       && record.strict_spf == want->strict_spf && record.testing == want->testing && record.psd == want->psd,
		   "record: %s", records[i].text);
	}
	for (size_t i = 0; i < sizeof foreign / sizeof *foreign; i++)
		ok(!dmarc_is_record(span_of(foreign[i])), "no DMARC record: %s", foreign[i]);
	for (size_t i = 0; i < sizeof twice / sizeof *twice; i++)
		ok(dmarc_is_record(span_of(twice[i])) && !dmarc_parse(span_of(twice[i]), &record), "M02 a tag twice: %s",
		   twice[i]);
	static const char version[] = "v=DMARC1\0; p=none";
	static const char value[] = "v=DMARC1; p=reject\0";
	ok(!dmarc_is_record(span_make(version, sizeof version - 1)), "NUL after the version");
	ok(dmarc_parse(span_make(value, sizeof value - 1), &record) && !record.applies, "NUL after a value");
	ok(!dmarc_is_record(span_make(NULL, 0)), "an absent text");
}

static const struct zone_row zone[] = {
	{ "_dmarc.example.com", RECORD_TXT, "v=DMARC1; p=reject; sp=quarantine; np=reject", 0 },
	{ "_dmarc.own.example.com", RECORD_TXT, "v=DMARC1; p=none", 0 },
	{ "news.example.com", RECORD_A, "192.0.2.1", 0 },
	{ "_dmarc.strict.example", RECORD_TXT, "v=DMARC1; p=reject; adkim=s; aspf=s", 0 },
	{ "_dmarc.strictdkim.example", RECORD_TXT, "v=DMARC1; p=reject; adkim=s", 0 },
	{ "_dmarc.test.example", RECORD_TXT, "v=DMARC1; p=reject; t=y", 0 },
	{ "_dmarc.testq.example", RECORD_TXT, "v=DMARC1; p=quarantine; t=y", 0 },
	{ "_dmarc.two.example", RECORD_TXT, "v=DMARC1; p=reject", 0 },
	{ "_dmarc.two.example", RECORD_TXT, "v=DMARC1; p=reject", 0 },
	{ "_dmarc.mixed.example", RECORD_TXT, "v=spf1 -all", 0 },
	{ "_dmarc.mixed.example", RECORD_TXT, "v=DMARC1; p=reject", 0 },
	{ "_dmarc.dup.example", RECORD_TXT, "v=DMARC1; p=reject; p=none", 0 },
	{ "_dmarc.useless.example", RECORD_TXT, "v=DMARC1; sp=none", 0 },
	/* A public suffix of two labels, and what lies below it. */
	{ "_dmarc.co.psd", RECORD_TXT, "v=DMARC1; p=reject; sp=quarantine; psd=y", 0 },
	{ "_dmarc.member.co.psd", RECORD_TXT, "v=DMARC1; p=none", 0 },
	{ "_dmarc.mail.store.co.psd", RECORD_TXT, "v=DMARC1; p=none", 0 },
	{ "_dmarc.testn.example", RECORD_TXT, "v=DMARC1; p=none; t=y", 0 },
	/* A registry that does not say psd=y. */
	{ "_dmarc.registry", RECORD_TXT, "v=DMARC1; p=quarantine", 0 },
	/* A brand's own top-level domain. */
	{ "_dmarc.brand", RECORD_TXT, "v=DMARC1; p=quarantine; psd=n", 0 },
	/* A department that is an organization of its own. */
	{ "_dmarc.corp.example", RECORD_TXT, "v=DMARC1; p=reject", 0 },
	{ "_dmarc.dept.corp.example", RECORD_TXT, "v=DMARC1; p=none; psd=n", 0 },
	{ "_dmarc.mail.middle.example", RECORD_TXT, "v=DMARC1; p=none", 0 },
	{ "_dmarc.middle.example", RECORD_TXT, "v=DMARC1; p=reject", 0 },
	/* Failing lookups. */
	{ "_dmarc.fail.example", RECORD_TXT, "!tempfail", 0 },
	{ "_dmarc.bogus.example", RECORD_TXT, "!bogus", 0 },
	{ "_dmarc.up.failup", RECORD_TXT, "v=DMARC1; p=reject", 0 },
	{ "_dmarc.failup", RECORD_TXT, "!tempfail", 0 },
	{ "_dmarc.sub.corp.example", RECORD_TXT, "!tempfail", 0 },
	{ "_dmarc.stranger.example", RECORD_TXT, "!tempfail", 0 },
	{ "_dmarc.sfcustomeremail.com", RECORD_TXT, "v=DMARC1; p=reject", 0 },
	/* Deep names. */
	{ "_dmarc.c.d.e.f.g.deep.example", RECORD_TXT, "v=DMARC1; p=quarantine; psd=n", 0 },
	{ "_dmarc.b.c.d.e.f.g.deep.example", RECORD_TXT, "v=DMARC1; p=reject; psd=n", 0 },
	{ "_dmarc.deep.example", RECORD_TXT, "v=DMARC1; p=none", 0 },
	{ NULL, RECORD_A, NULL, 0 },
};

#define NO                                                                                                             \
	{                                                                                                                  \
		DMARC_BY_NOTHING, NULL, false                                                                                  \
	}
#define DKIM(domain)                                                                                                   \
	{                                                                                                                  \
		DMARC_BY_DKIM, domain, false                                                                                   \
	}
#define SPF(domain)                                                                                                    \
	{                                                                                                                  \
		DMARC_BY_SPF, domain, false                                                                                    \
	}
#define HIDDEN_DKIM(domain)                                                                                            \
	{                                                                                                                  \
		DMARC_BY_DKIM, domain, true                                                                                    \
	}
#define HIDDEN_SPF(domain)                                                                                             \
	{                                                                                                                  \
		DMARC_BY_SPF, domain, true                                                                                     \
	}

struct check {
	const char *name;
	const char *author;
	struct {
		enum dmarc_identifier by;
		const char *domain;
		bool hidden;
	} identifiers[2];
	enum dmarc_result result;
	enum dmarc_policy policy;
	enum dmarc_policy requested;
	const char *policy_domain;
	unsigned questions; /* one at a time */
};

static const struct check checks[] = {
	{ "DKIM of the domain itself", "example.com", { DKIM("example.com"), NO }, DMARC_PASS, R, R, "example.com", 1 },
	{ "SPF of the domain itself", "Example.COM", { SPF("eXample.com"), NO }, DMARC_PASS, R, R, "example.com", 1 },
	{ "nothing", "example.com", { NO, NO }, DMARC_FAIL, R, R, "example.com", 1 },
	{ "relaxed, below", "example.com", { DKIM("mail.example.com"), NO }, DMARC_PASS, R, R, "example.com", 3 },
	{ "relaxed, above", "news.example.com", { DKIM("example.com"), NO }, DMARC_PASS, Q, Q, "example.com", 3 },
	{ "relaxed, beside", "news.example.com", { SPF("bounce.example.com"), NO }, DMARC_PASS, Q, Q, "example.com", 4 },
	{ "the author's own record",
	  "own.example.com",
	  { DKIM("mail.example.com"), NO },
	  DMARC_PASS,
	  N,
	  N,
	  "own.example.com",
	  4 },
	{ "the author's own record, no alignment", "own.example.com", { NO, NO }, DMARC_FAIL, N, N, "own.example.com", 1 },
	{ "sp= for a name that exists", "news.example.com", { NO, NO }, DMARC_FAIL, Q, Q, "example.com", 4 },
	{ "np= for one that does not", "gone.example.com", { NO, NO }, DMARC_FAIL, R, R, "example.com", 4 },
	{ "D01 a name that ends alike",
	  "example.com",
	  { DKIM("evil-example.com"), NO },
	  DMARC_FAIL,
	  R,
	  R,
	  "example.com",
	  2 },
	{ "D02 a name that begins alike",
	  "example.com",
	  { DKIM("example.com.evil.example"), NO },
	  DMARC_FAIL,
	  R,
	  R,
	  "example.com",
	  2 },
	{ "D07 d=com", "example.com", { DKIM("com"), NO }, DMARC_FAIL, R, R, "example.com", 2 },
	{ "K08 a foreign one and an aligned one",
	  "example.com",
	  { DKIM("evil.example"), DKIM("example.com") },
	  DMARC_PASS,
	  R,
	  R,
	  "example.com",
	  1 },
	{ "strict, itself", "strict.example", { DKIM("strict.example"), NO }, DMARC_PASS, R, R, "strict.example", 1 },
	{ "strict, below",
	  "strict.example",
	  { DKIM("a.strict.example"), SPF("a.strict.example") },
	  DMARC_FAIL,
	  R,
	  R,
	  "strict.example",
	  1 },
	{ "strict from above", "a.strict.example", { SPF("strict.example"), NO }, DMARC_FAIL, R, R, "strict.example", 3 },
	{ "adkim and aspf differ",
	  "strictdkim.example",
	  { DKIM("a.strictdkim.example"), NO },
	  DMARC_FAIL,
	  R,
	  R,
	  "strictdkim.example",
	  1 },
	{ "aspf is still relaxed",
	  "strictdkim.example",
	  { SPF("a.strictdkim.example"), NO },
	  DMARC_PASS,
	  R,
	  R,
	  "strictdkim.example",
	  3 },
	{ "t=y: one level lower", "test.example", { NO, NO }, DMARC_FAIL, R, Q, "test.example", 1 },
	{ "t=y: none", "testq.example", { NO, NO }, DMARC_FAIL, Q, N, "testq.example", 1 },
	{ "M02 two records are none", "two.example", { DKIM("two.example"), NO }, DMARC_NONE, U, U, NULL, 2 },
	{ "a record beside others", "mixed.example", { DKIM("mixed.example"), NO }, DMARC_PASS, R, R, "mixed.example", 1 },
	{ "M02 a tag twice", "dup.example", { DKIM("dup.example"), NO }, DMARC_NONE, U, U, NULL, 2 },
	{ "no record", "norecord.example", { DKIM("norecord.example"), NO }, DMARC_NONE, U, U, NULL, 2 },
	{ "a record that says nothing", "useless.example", { DKIM("useless.example"), NO }, DMARC_NONE, U, U, NULL, 1 },
	{ "below a public suffix with record",
	  "shop.co.psd",
	  { DKIM("mail.shop.co.psd"), NO },
	  DMARC_PASS,
	  Q,
	  Q,
	  "co.psd",
	  3 },
	{ "two members of a public suffix", "shop.co.psd", { DKIM("evil.co.psd"), NO }, DMARC_FAIL, Q, Q, "co.psd", 2 },
	{ "the public suffix itself", "shop.co.psd", { DKIM("co.psd"), NO }, DMARC_FAIL, Q, Q, "co.psd", 2 },
	{ "as author", "co.psd", { DKIM("shop.co.psd"), NO }, DMARC_FAIL, R, R, "co.psd", 2 },
	{ "a member's own record comes first",
	  "a.member.co.psd",
	  { SPF("member.co.psd"), NO },
	  DMARC_PASS,
	  N,
	  N,
	  "member.co.psd",
	  3 },
	{ "a record below the organization is not the policy",
	  "a.mail.store.co.psd",
	  { DKIM("store.co.psd"), NO },
	  DMARC_PASS,
	  Q,
	  Q,
	  "co.psd",
	  4 },
	{ "t=y with p=none", "testn.example", { NO, NO }, DMARC_FAIL, N, N, "testn.example", 1 },
	{ "a registry without psd=", "shop.registry", { DKIM("evil.registry"), NO }, DMARC_FAIL, Q, Q, "registry", 2 },
	{ "its policy holds below", "shop.registry", { DKIM("shop.registry"), NO }, DMARC_PASS, Q, Q, "registry", 2 },
	{ "a brand's own top-level domain", "news.brand", { DKIM("mail.brand"), NO }, DMARC_PASS, Q, Q, "brand", 3 },
	{ "psd=n below the author's organization",
	  "corp.example",
	  { DKIM("x.dept.corp.example"), NO },
	  DMARC_FAIL,
	  R,
	  R,
	  "corp.example",
	  4 },
	{ "psd=n for the author",
	  "x.dept.corp.example",
	  { DKIM("corp.example"), NO },
	  DMARC_FAIL,
	  N,
	  N,
	  "dept.corp.example",
	  2 },
	{ "psd=n for both",
	  "x.dept.corp.example",
	  { DKIM("y.dept.corp.example"), NO },
	  DMARC_PASS,
	  N,
	  N,
	  "dept.corp.example",
	  3 },
	{ "the record with the fewest labels",
	  "a.mail.middle.example",
	  { DKIM("middle.example"), NO },
	  DMARC_PASS,
	  R,
	  R,
	  "middle.example",
	  4 },
	{ "M04 the record's lookup fails", "fail.example", { DKIM("fail.example"), NO }, DMARC_TEMPERROR, U, U, NULL, 1 },
	{ "M04 a bogus answer", "x.bogus.example", { DKIM("x.bogus.example"), NO }, DMARC_TEMPERROR, U, U, NULL, 2 },
	{ "a failing lookup above, not needed", "up.failup", { DKIM("up.failup"), NO }, DMARC_PASS, R, R, "up.failup", 1 },
	{ "a failing lookup above, needed",
	  "up.failup",
	  { DKIM("a.up.failup"), NO },
	  DMARC_TEMPERROR,
	  R,
	  R,
	  "up.failup",
	  2 },
	{ "a failing lookup above, nothing to align", "up.failup", { NO, NO }, DMARC_FAIL, R, R, "up.failup", 1 },
	{ "a failing lookup for an identifier",
	  "corp.example",
	  { DKIM("sub.corp.example"), NO },
	  DMARC_TEMPERROR,
	  R,
	  R,
	  "corp.example",
	  3 },
	{ "another one aligns",
	  "corp.example",
	  { DKIM("sub.corp.example"), SPF("b.corp.example") },
	  DMARC_PASS,
	  R,
	  R,
	  "corp.example",
	  4 },
	{ "K20 a stranger's failing lookup",
	  "corp.example",
	  { DKIM("stranger.example"), NO },
	  DMARC_FAIL,
	  R,
	  R,
	  "corp.example",
	  2 },
	{ "one that may hide the author's own",
	  "corp.example",
	  { HIDDEN_DKIM("corp.example"), NO },
	  DMARC_TEMPERROR,
	  R,
	  R,
	  "corp.example",
	  1 },
	{ "a sender that may",
	  "corp.example",
	  { HIDDEN_SPF("b.corp.example"), NO },
	  DMARC_TEMPERROR,
	  R,
	  R,
	  "corp.example",
	  3 },
	{ "and another that aligns",
	  "corp.example",
	  { HIDDEN_DKIM("corp.example"), SPF("b.corp.example") },
	  DMARC_PASS,
	  R,
	  R,
	  "corp.example",
	  3 },
	{ "K20 a stranger's hides nothing",
	  "corp.example",
	  { HIDDEN_DKIM("stranger.example"), HIDDEN_SPF("stranger.example") },
	  DMARC_FAIL,
	  R,
	  R,
	  "corp.example",
	  2 },
	{ "nor one of another organization",
	  "corp.example",
	  { HIDDEN_DKIM("x.dept.corp.example"), NO },
	  DMARC_FAIL,
	  R,
	  R,
	  "corp.example",
	  4 },
	{ "nor one that is no domain",
	  "example.com",
	  { HIDDEN_DKIM("example..com"), NO },
	  DMARC_FAIL,
	  R,
	  R,
	  "example.com",
	  1 },
	{ "eight labels",
	  "b.c.d.e.f.g.deep.example",
	  { DKIM("c.d.e.f.g.deep.example"), NO },
	  DMARC_FAIL,
	  R,
	  R,
	  "b.c.d.e.f.g.deep.example",
	  1 },
	{ "the shortcut", "x.a.b.c.d.e.f.g.deep.example", { NO, NO }, DMARC_FAIL, Q, Q, "c.d.e.f.g.deep.example", 2 },
	{ "thirteen labels, eight questions",
	  "a.b.c.d.e.f.g.h.i.j.mail.none.example",
	  { NO, NO },
	  DMARC_NONE,
	  U,
	  U,
	  NULL,
	  8 },
	{ "identifiers that are no domains",
	  "example.com",
	  { DKIM("example.com."), DKIM("example..com") },
	  DMARC_FAIL,
	  R,
	  R,
	  "example.com",
	  1 },
	{ "O17 two customers' substitutes",
	  "a.sfcustomeremail.com",
	  { DKIM("b.sfcustomeremail.com"), NO },
	  DMARC_FAIL,
	  R,
	  R,
	  "sfcustomeremail.com",
	  2 },
	{ "O17 the domain of all substitutes",
	  "a.sfcustomeremail.com",
	  { DKIM("sfcustomeremail.com"), SPF("com") },
	  DMARC_FAIL,
	  R,
	  R,
	  "sfcustomeremail.com",
	  2 },
	{ "O17 one customer's",
	  "x.a.sfcustomeremail.com",
	  { DKIM("y.a.sfcustomeremail.com"), NO },
	  DMARC_PASS,
	  R,
	  R,
	  "sfcustomeremail.com",
	  4 },
	{ "an author that is no domain", "example..com", { DKIM("example.com"), NO }, DMARC_PERMERROR, U, U, NULL, 0 },
};

static void fill(struct dmarc_walk *walk, const struct check *check)
{
	for (size_t i = 0; i < 2; i++)
		if (check->identifiers[i].domain)
			(check->identifiers[i].hidden
			     ? dmarc_walk_add_hidden
			     : dmarc_walk_add)(walk, check->identifiers[i].by, span_of(check->identifiers[i].domain));
}

static enum dmarc_result run(struct arena *arena, struct dmarc_walk *walk)
{
	enum dmarc_result result;
	while ((result = dmarc_walk_step(walk)) == DMARC_PENDING) {
		const struct question *question = dmarc_walk_next(walk);
		if (!question)
			return DMARC_PENDING;
		for (; question; question = dmarc_walk_next(walk))
			dmarc_walk_answer(walk, question, zone_answer(arena, zone, question));
	}
	return result;
}

/* early: identifiers are there from the beginning; else they come when nothing else can be done. */
static void table_row(const struct check *check, bool ahead, bool early)
{
	struct arena arena;
	arena_init(&arena, 0);
	struct dmarc_walk *walk = dmarc_walk_new(&arena, span_of(check->author), ahead);
	if (early)
		fill(walk, check);
	else
		run(&arena, walk);
	if (!early)
		fill(walk, check);
	dmarc_walk_close(walk);
	enum dmarc_result result = run(&arena, walk);
	const struct dmarc_outcome *outcome = dmarc_walk_outcome(walk);
	bool where = span_equal(outcome->policy_domain, span_of(check->policy_domain));
	bool asked = ahead || outcome->questions == check->questions;
	ok(result == check->result && outcome->policy == check->policy && outcome->requested == check->requested && where
	       && asked && (result == DMARC_PASS) == (outcome->by != DMARC_BY_NOTHING),
	   "%s%s%s", check->name, ahead ? ", looking ahead" : "", early ? "" : ", identifiers later");
	printf("# %s, policy %s at %.*s, organizational domain %.*s, %u questions\n", dmarc_result_name(result),
	       dmarc_policy_name(outcome->policy), (int)outcome->policy_domain.length,
	       outcome->policy_domain.at ? outcome->policy_domain.at : "", (int)outcome->organizational.length,
	       outcome->organizational.at ? outcome->organizational.at : "", outcome->questions);
	arena_clear(&arena);
}

static void order(void)
{
	struct arena arena;
	static const char *const names[] = {
		"_dmarc.a.b.c.d.e.f.g.h.i.j.mail.none.example",
		"_dmarc.g.h.i.j.mail.none.example",
		"_dmarc.h.i.j.mail.none.example",
		"_dmarc.i.j.mail.none.example",
		"_dmarc.j.mail.none.example",
		"_dmarc.mail.none.example",
		"_dmarc.none.example",
		"_dmarc.example",
	};
	arena_init(&arena, 0);
	struct dmarc_walk *walk = dmarc_walk_new(&arena, span_of("a.b.c.d.e.f.g.h.i.j.mail.none.example"), true);
	dmarc_walk_step(walk);
	for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
		const struct question *question = dmarc_walk_next(walk);
		is_span(question ? question->name : span_make(NULL, 0), span_of(names[i]),
		        "the names of RFC 9989 4.10, in order");
	}
	ok(!dmarc_walk_next(walk), "and no ninth");
	arena_clear(&arena);
}

static void waiting(void)
{
	struct arena arena;
	arena_init(&arena, 0);
	struct dmarc_walk *walk = dmarc_walk_new(&arena, span_of("example.com"), false);
	ok(run(&arena, walk) == DMARC_PENDING, "without identifiers it waits");
	ok(dmarc_walk_outcome(walk)->policy == R, "the policy is known already");
	dmarc_walk_add(walk, DMARC_BY_DKIM, span_of("example.com"));
	ok(dmarc_walk_step(walk) == DMARC_PASS, "a pass does not wait for the others");
	is_span(dmarc_walk_outcome(walk)->aligned, span_of("example.com"), "what aligned");
	ok(dmarc_walk_outcome(walk)->by == DMARC_BY_DKIM, "and how");
	walk = dmarc_walk_new(&arena, span_of("example.com"), false);
	dmarc_walk_close(walk);
	dmarc_walk_add(walk, DMARC_BY_DKIM, span_of("example.com"));
	ok(run(&arena, walk) == DMARC_FAIL, "after the end nothing is added");
	struct answer first = { .status = ANSWER_PENDING };
	struct answer second = { .status = ANSWER_TEMPFAIL };
	walk = dmarc_walk_new(&arena, span_of("example.com"), false);
	dmarc_walk_step(walk);
	const struct question *question = dmarc_walk_next(walk);
	dmarc_walk_answer(walk, question, &first);
	ok(dmarc_walk_step(walk) == DMARC_PENDING, "a pending answer is none");
	first.status = ANSWER_NODATA;
	dmarc_walk_answer(walk, question, &first);
	dmarc_walk_answer(walk, question, &second);
	ok(dmarc_walk_step(walk) == DMARC_PENDING, "the first answer counts");
	dmarc_walk_expire(walk);
	ok(dmarc_walk_step(walk) == DMARC_TEMPERROR && !dmarc_walk_next(walk), "time is up");
	arena_clear(&arena);
}

static void many(void)
{
	struct arena arena;
	arena_init(&arena, 0);
	struct dmarc_walk *walk = dmarc_walk_new(&arena, span_of("example.com"), true);
	for (unsigned i = 0; i < 1000; i++)
		dmarc_walk_add(walk, DMARC_BY_DKIM, arena_printf(&arena, "d%u.example.com.evil.example", i));
	dmarc_walk_close(walk);
	ok(run(&arena, walk) == DMARC_FAIL && dmarc_walk_outcome(walk)->questions == 2,
	   "K18 a thousand identifiers ask nothing");
	arena_clear(&arena);
}

/* "_dmarc." and a domain of length bytes: whether that is asked. */
static void longest(void)
{
	for (size_t length = DOMAIN_LENGTH_MAX - 8; length <= DOMAIN_LENGTH_MAX; length += 2) {
		char name[DOMAIN_LENGTH_MAX + 1];
		struct arena arena;
		arena_init(&arena, 0);
		for (size_t i = 0; i < length; i++)
			name[i] = i % 2 == 1 ? '.' : 'a';
		name[length] = '\0';
		struct dmarc_walk *walk = dmarc_walk_new(&arena, span_of(name), true);
		dmarc_walk_add(walk, DMARC_BY_DKIM, span_of(name));
		dmarc_walk_close(walk);
		unsigned want = length + 7 <= DOMAIN_LENGTH_MAX ? 8 : 7;
		ok(run(&arena, walk) == DMARC_NONE && dmarc_walk_outcome(walk)->questions == want,
		   "a domain of %zu bytes: %u questions", length, want);
		arena_clear(&arena);
	}
	struct arena arena;
	char name[DOMAIN_LENGTH_MAX + 1];
	arena_init(&arena, 0);
	for (size_t i = 0; i < 246; i++)
		name[i] = i % 2 == 0 && i != 0 ? '.' : 'a';
	struct dmarc_walk *walk = dmarc_walk_new(&arena, span_make(name, 246), true);
	dmarc_walk_close(walk);
	ok(run(&arena, walk) == DMARC_NONE && dmarc_walk_outcome(walk)->questions == 8,
	   "a name of exactly 253 bytes is asked");
	arena_clear(&arena);
}

static void memory(void)
{
	enum dmarc_result result = DMARC_PENDING;
	bool wrong = false;
	size_t limit;
	for (limit = 16; limit < 100000 && result != DMARC_PASS; limit += 32) {
		struct arena small;
		struct arena answers;
		arena_init(&small, limit);
		arena_init(&answers, 0);
		struct dmarc_walk *walk = dmarc_walk_new(&small, span_of("news.example.com"), false);
		if (walk) {
			dmarc_walk_add(walk, DMARC_BY_DKIM, span_of("a.example.com"));
			dmarc_walk_close(walk);
		}
		result = walk ? run(&answers, walk) : DMARC_TEMPERROR;
		wrong = wrong || (result != DMARC_PASS && result != DMARC_TEMPERROR);
		arena_clear(&small);
		arena_clear(&answers);
	}
	ok(result == DMARC_PASS && !wrong, "without memory: temperror (%zu bytes are enough)", limit);
}

/* Single tags. */
static void tags(void)
{
	struct span record = span_of("v=DMARC1; p=reject ; RUA = mailto:a@b.test, mailto:c@d.test;pct=;bad; x=1");
	is_span(dmarc_tag(record, "rua"), span_of("mailto:a@b.test, mailto:c@d.test"), "a tag, its name without case");
	is_span(dmarc_tag(record, "pct"), span_of(""), "an empty one");
	is_span(dmarc_tag(record, "x"), span_of("1"), "one that is not known, behind what is none");
	ok(span_absent(dmarc_tag(record, "sp")) && span_absent(dmarc_tag(record, "bad"))
	       && span_absent(dmarc_tag(span_of(""), "v")),
	   "none");
}

int main(void)
{
	parsing();
	tags();
	for (size_t i = 0; i < sizeof checks / sizeof *checks; i++)
		for (unsigned manner = 0; manner < 4; manner++)
			table_row(&checks[i], (manner & 1) != 0, (manner & 2) != 0);
	order();
	waiting();
	many();
	longest();
	memory();
	is_text(dmarc_result_name((enum dmarc_result)99), "invalid", "the name of no result");
	is_text(dmarc_policy_name((enum dmarc_policy)99), "invalid", "the name of no policy");
	return done_testing();
}
