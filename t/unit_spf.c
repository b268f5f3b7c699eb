/* SPDX-License-Identifier: BSD-2-Clause */
/* The SPF walk over small zones: one row of a table is one check. Ids are those of the attack catalogue. */
#include "core/spf.h"
#include "tap.h"
#include "zone.h"

#define LONG63 "a12345678901234567890123456789012345678901234567890123456789012"

static const struct zone_row zone[] = {
	/* Mechanisms. */
	{ "ip.test.example", RECORD_TXT, "v=spf1 ip4:192.0.2.0/24 ip6:2001:db8::/32 -all", 0 },
	{ "zero.test.example", RECORD_TXT, "v=spf1 ip4:0.0.0.0/0 -all", 0 },
	{ "zero6.test.example", RECORD_TXT, "v=spf1 ip6:::/0 -all", 0 },
	{ "bits.test.example", RECORD_TXT, "v=spf1 ip4:192.0.2.128/25 ip4:192.0.2.5/31 -all", 0 },
	{ "a.test.example", RECORD_TXT, "v=spf1 a -all", 0 },
	{ "a.test.example", RECORD_A, "192.0.2.1", 0 },
	{ "a.test.example", RECORD_AAAA, "2001:db8::1", 0 },
	{ "mx.test.example", RECORD_TXT, "v=spf1 mx/30 ~all", 0 },
	{ "mx.test.example", RECORD_MX, "20 b.mx.example", 0 },
	{ "mx.test.example", RECORD_MX, "10 a.mx.example", 0 },
	{ "a.mx.example", RECORD_A, "198.51.100.9", 0 },
	{ "b.mx.example", RECORD_A, "192.0.2.3", 0 },
	{ "nullmx.test.example", RECORD_TXT, "v=spf1 mx ?all", 0 },
	{ "nullmx.test.example", RECORD_MX, "0 ", 0 },
	{ "exists.test.example", RECORD_TXT, "v=spf1 exists:%{i}._l.%{d} -all", 0 },
	{ "192.0.2.1._l.exists.test.example", RECORD_A, "10.1.2.3", 0 },
	{ "exists6.test.example", RECORD_TXT, "v=spf1 exists:%{ir}.%{v}._l.%{d} -all", 0 },
	{ "1.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.8.b.d.0.1.0.0.2.ip6._l.exists6.test.example", RECORD_A,
	  "127.0.0.2", 0 },
	{ "ptr.test.example", RECORD_TXT, "v=spf1 ptr:Hosts.example -all", 0 },
	{ "1.2.0.192.in-addr.arpa", RECORD_PTR, "liar.hosts.example", 0 },
	{ "1.2.0.192.in-addr.arpa", RECORD_PTR, "one.HOSTS.example", 0 },
	{ "one.hosts.example", RECORD_A, "192.0.2.1", 0 },
	{ "liar.hosts.example", RECORD_A, "192.0.2.99", 0 },
	{ "1.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.8.b.d.0.1.0.0.2.ip6.arpa", RECORD_PTR, "evilhosts.example", 0 },
	{ "evilhosts.example", RECORD_AAAA, "2001:db8::1", 0 },
	{ "p.test.example", RECORD_TXT, "v=spf1 exists:%{p}._p.test.example -all", 0 },
	{ "one.hosts.example._p.test.example", RECORD_A, "127.0.0.2", 0 },
	{ "unknown._p.test.example", RECORD_A, "127.0.0.2", 0 },
	{ "pdom.example", RECORD_TXT, "v=spf1 include:%{p}.inc.example ~exists:%{p}._p.test.example -all", 0 },
	{ "9.113.0.203.in-addr.arpa", RECORD_PTR, "a.other.example", 0 },
	{ "9.113.0.203.in-addr.arpa", RECORD_PTR, "b.pdom.example", 0 },
	{ "9.113.0.203.in-addr.arpa", RECORD_PTR, "PDOM.example", 0 },
	{ "9.113.0.203.in-addr.arpa", RECORD_PTR, "odd\\046name.example", 0 },
	{ "a.other.example", RECORD_A, "203.0.113.9", 0 },
	{ "b.pdom.example", RECORD_A, "203.0.113.9", 0 },
	{ "pdom.example", RECORD_A, "203.0.113.9", 0 },
	{ "pdom.example.inc.example", RECORD_TXT, "v=spf1 ip4:203.0.113.9 -all", 0 },
	{ "other.pdom.example", RECORD_TXT, "v=spf1 exists:%{p}._q.test.example -all", 0 },
	{ "a.other.example._q.test.example", RECORD_A, "127.0.0.2", 0 },
	{ "below.example", RECORD_TXT, "v=spf1 redirect=pdom.example", 0 },
	{ "10.113.0.203.in-addr.arpa", RECORD_PTR, "a.other.example", 0 },
	{ "10.113.0.203.in-addr.arpa", RECORD_PTR, "x.sub.example", 0 },
	{ "x.sub.example", RECORD_A, "203.0.113.10", 0 },
	{ "a.other.example", RECORD_A, "203.0.113.10", 0 },
	{ "sub.example", RECORD_TXT, "v=spf1 exists:%{p}._q.test.example -all", 0 },
	{ "x.sub.example._q.test.example", RECORD_A, "127.0.0.2", 0 },
	/* Include and redirect. */
	{ "inc.test.example", RECORD_TXT, "v=spf1 ?include:ip.test.example ~all", 0 },
	{ "incnone.test.example", RECORD_TXT, "v=spf1 include:a.mx.example -all", 0 },
	{ "incbroken.test.example", RECORD_TXT, "v=spf1 include:broken.test.example +all", 0 },
	{ "broken.test.example", RECORD_TXT, "v=spf1 +all moo", 0 },
	{ "red.test.example", RECORD_TXT, "v=spf1 redirect=ip.test.example", 0 },
	{ "rednone.test.example", RECORD_TXT, "v=spf1 redirect=gone.test.example", 0 },
	{ "redall.test.example", RECORD_TXT, "v=spf1 redirect=redall.test.example ~all", 0 },
	{ "increared.test.example", RECORD_TXT, "v=spf1 include:red.test.example -all", 0 },
	{ "self.test.example", RECORD_TXT, "v=spf1 include:self.test.example -all", 0 },
	{ "selfok.test.example", RECORD_TXT, "v=spf1 ip4:192.0.2.1 include:selfok.test.example -all", 0 },
	{ "redloop.test.example", RECORD_TXT, "v=spf1 redirect=redloop.test.example", 0 },
	{ "loop1.test.example", RECORD_TXT, "v=spf1 include:loop2.test.example", 0 },
	{ "loop2.test.example", RECORD_TXT, "v=spf1 include:loop1.test.example", 0 },
	{ "incdom.test.example", RECORD_TXT, "v=spf1 include:%{d2}.deep.example -all", 0 },
	{ "test.example.deep.example", RECORD_TXT, "v=spf1 exists:%{d}.x.example exists:%{o}.x.example -all", 0 },
	{ "test.example.deep.example.x.example", RECORD_A, "127.0.0.2", 0 },
	/* Limits. */
	{ "ten.test.example", RECORD_TXT, "v=spf1 a a a a a a a a a a ip4:192.0.2.77 -all", 0 },
	{ "ten.test.example", RECORD_A, "192.0.2.200", 0 },
	{ "eleven.test.example", RECORD_TXT, "v=spf1 a a a a a a a a a a a ip4:192.0.2.77 -all", 0 },
	{ "eleven.test.example", RECORD_A, "192.0.2.200", 0 },
	{ "tenred.test.example", RECORD_TXT, "v=spf1 a a a a a a a a a redirect=ip.test.example", 0 },
	{ "tenred.test.example", RECORD_A, "192.0.2.200", 0 },
	{ "elevenred.test.example", RECORD_TXT, "v=spf1 a a a a a a a a a a redirect=ip.test.example", 0 },
	{ "elevenred.test.example", RECORD_A, "192.0.2.200", 0 },
	{ "voids2.test.example", RECORD_TXT, "v=spf1 a:v1.example.org a:v2.example.org ip4:192.0.2.77 -all", 0 },
	{ "voids3.test.example", RECORD_TXT, "v=spf1 a:v1.example.org a:v2.example.org mx:v3.example.org +all", 0 },
	{ "voidmx.test.example", RECORD_TXT, "v=spf1 mx:v1.example.org mx:v2.example.org ?all", 0 },
	{ "voids5.test.example", RECORD_TXT, "v=spf1 exists:1.v exists:2.v a:3.v a:4.v a:5.v +all", 0 },
	{ "voidsame.test.example", RECORD_TXT, "v=spf1 a:v1.example.org a:v1.example.org a:v1.example.org +all", 0 },
	{ "voidptr.test.example", RECORD_TXT, "v=spf1 a:v1.example.org a:v2.example.org ptr +all", 0 },
	{ "voidinc.test.example", RECORD_TXT, "v=spf1 a:v1.example.org include:voidin.test.example a:v4.example.org +all",
	  0 },
	{ "voidin.test.example", RECORD_TXT, "v=spf1 a:v2.example.org -all", 0 },
	{ "voidhosts.test.example", RECORD_TXT, "v=spf1 mx ~all", 0 },
	{ "voidhosts.test.example", RECORD_MX, "1 v1.example.org", 0 },
	{ "voidhosts.test.example", RECORD_MX, "2 v2.example.org", 0 },
	{ "voidhosts.test.example", RECORD_MX, "3 v3.example.org", 0 },
	{ "voidlast.test.example", RECORD_TXT, "v=spf1 a:v4.example.org mx -all", 0 },
	{ "voidlast.test.example", RECORD_MX, "1 v1.example.org", 0 },
	{ "voidlast.test.example", RECORD_MX, "2 v2.example.org", 0 },
	{ "voidlast.test.example", RECORD_MX, "3 a.mx.example", 0 },
	{ "voidthird.test.example", RECORD_TXT,
	  "v=spf1 a:v4.example.org mx:voidhosts.test.example mx:voidlast.test.example +all", 0 },
	{ "voidp.test.example", RECORD_TXT, "v=spf1 exists:%{p}.v exists:%{p}.w ip4:203.0.113.99 -all", 0 },
	{ "voidincp.test.example", RECORD_TXT, "v=spf1 include:%{p}.inc.example a:v1.example.org a:v2.example.org +all",
	  0 },
	{ "unknown.inc.example", RECORD_TXT, "v=spf1 -all", 0 },
	{ "fan.test.example", RECORD_TXT,
	  "v=spf1 include:fan1.test.example include:fan1.test.example include:fan1.test.example include:fan1.test.example +all",
	  0 },
	{ "fan1.test.example", RECORD_TXT,
	  "v=spf1 include:fan2.test.example include:fan2.test.example include:fan2.test.example", 0 },
	{ "fan2.test.example", RECORD_TXT, "v=spf1 include:ip.test.example include:ip.test.example include:ip.test.example",
	  0 },
	{ "include12.test.example", RECORD_TXT,
	  "v=spf1 include:ip.test.example include:ip.test.example include:ip.test.example include:ip.test.example "
	  "include:ip.test.example include:ip.test.example include:ip.test.example include:ip.test.example "
	  "include:ip.test.example include:ip.test.example include:ip.test.example include:ip.test.example +all",
	  0 },
	{ "mx11.test.example", RECORD_TXT, "v=spf1 mx +all", 0 },
	{ "mx11.test.example", RECORD_MX, "1 h1.mx.example", 0 },
	{ "mx11.test.example", RECORD_MX, "2 h2.mx.example", 0 },
	{ "mx11.test.example", RECORD_MX, "3 h3.mx.example", 0 },
	{ "mx11.test.example", RECORD_MX, "4 h4.mx.example", 0 },
	{ "mx11.test.example", RECORD_MX, "5 h5.mx.example", 0 },
	{ "mx11.test.example", RECORD_MX, "6 h6.mx.example", 0 },
	{ "mx11.test.example", RECORD_MX, "7 h7.mx.example", 0 },
	{ "mx11.test.example", RECORD_MX, "8 h8.mx.example", 0 },
	{ "mx11.test.example", RECORD_MX, "9 h9.mx.example", 0 },
	{ "mx11.test.example", RECORD_MX, "10 h10.mx.example", 0 },
	{ "mx11.test.example", RECORD_MX, "0 a.mx.example", 0 },
	{ "ptr11.test.example", RECORD_TXT, "v=spf1 ptr -all", 0 },
	{ "7.113.0.203.in-addr.arpa", RECORD_PTR, "zz.ptr11.test.example", 0 },
	{ "7.113.0.203.in-addr.arpa", RECORD_PTR, "a.mx.example", 0 },
	{ "7.113.0.203.in-addr.arpa", RECORD_PTR, "b.mx.example", 0 },
	{ "7.113.0.203.in-addr.arpa", RECORD_PTR, "c.mx.example", 0 },
	{ "7.113.0.203.in-addr.arpa", RECORD_PTR, "d.mx.example", 0 },
	{ "7.113.0.203.in-addr.arpa", RECORD_PTR, "e.mx.example", 0 },
	{ "7.113.0.203.in-addr.arpa", RECORD_PTR, "f.mx.example", 0 },
	{ "7.113.0.203.in-addr.arpa", RECORD_PTR, "g.mx.example", 0 },
	{ "7.113.0.203.in-addr.arpa", RECORD_PTR, "h.mx.example", 0 },
	{ "7.113.0.203.in-addr.arpa", RECORD_PTR, "i.mx.example", 0 },
	{ "7.113.0.203.in-addr.arpa", RECORD_PTR, "j.mx.example", 0 },
	{ "zz.ptr11.test.example", RECORD_A, "203.0.113.7", 0 },
	{ "zz.ptr11.test.example", RECORD_A, "203.0.113.8", 0 },
	{ "8.113.0.203.in-addr.arpa", RECORD_PTR, "a.mx.example", 0 },
	{ "8.113.0.203.in-addr.arpa", RECORD_PTR, "b.mx.example", 0 },
	{ "8.113.0.203.in-addr.arpa", RECORD_PTR, "c.mx.example", 0 },
	{ "8.113.0.203.in-addr.arpa", RECORD_PTR, "d.mx.example", 0 },
	{ "8.113.0.203.in-addr.arpa", RECORD_PTR, "e.mx.example", 0 },
	{ "8.113.0.203.in-addr.arpa", RECORD_PTR, "f.mx.example", 0 },
	{ "8.113.0.203.in-addr.arpa", RECORD_PTR, "g.mx.example", 0 },
	{ "8.113.0.203.in-addr.arpa", RECORD_PTR, "h.mx.example", 0 },
	{ "8.113.0.203.in-addr.arpa", RECORD_PTR, "i.mx.example", 0 },
	{ "8.113.0.203.in-addr.arpa", RECORD_PTR, "j.mx.example", 0 },
	{ "8.113.0.203.in-addr.arpa", RECORD_PTR, "zz.ptr11.test.example", 0 },
	{ "8.113.0.203.in-addr.arpa", RECORD_PTR, "a.mx.example.com", 0 },
	{ "c.mx.example", RECORD_A, "203.0.113.8", 0 },
	{ "d.mx.example", RECORD_A, "203.0.113.8", 0 },
	{ "e.mx.example", RECORD_A, "203.0.113.8", 0 },
	{ "f.mx.example", RECORD_A, "203.0.113.8", 0 },
	{ "g.mx.example", RECORD_A, "203.0.113.8", 0 },
	{ "h.mx.example", RECORD_A, "203.0.113.8", 0 },
	{ "i.mx.example", RECORD_A, "203.0.113.8", 0 },
	{ "j.mx.example", RECORD_A, "203.0.113.8", 0 },
	/* Failing lookups. */
	{ "fail.test.example", RECORD_TXT, "!tempfail", 0 },
	{ "bogus.test.example", RECORD_TXT, "!bogus", 0 },
	{ "incfail.test.example", RECORD_TXT, "v=spf1 include:fail.test.example +all", 0 },
	{ "redfail.test.example", RECORD_TXT, "v=spf1 redirect=bogus.test.example", 0 },
	{ "afail.test.example", RECORD_TXT, "v=spf1 a:fail.a.example +all", 0 },
	{ "fail.a.example", RECORD_A, "!tempfail", 0 },
	{ "fail.a.example", RECORD_MX, "!bogus", 0 },
	{ "fail.a.example", RECORD_AAAA, "!bogus", 0 },
	{ "mxfail.test.example", RECORD_TXT, "v=spf1 mx:fail.a.example +all", 0 },
	{ "mxhostfail.test.example", RECORD_TXT, "v=spf1 mx -all", 0 },
	{ "mxhostfail.test.example", RECORD_MX, "10 b.mx.example", 0 },
	{ "mxhostfail.test.example", RECORD_MX, "20 fail.a.example", 0 },
	{ "late.test.example", RECORD_TXT, "v=spf1 ip4:192.0.2.1 a:fail.a.example -all", 0 },
	{ "ptrfail.test.example", RECORD_TXT, "v=spf1 ptr ?all", 0 },
	{ "2.113.0.203.in-addr.arpa", RECORD_PTR, "!tempfail", 0 },
	{ "3.113.0.203.in-addr.arpa", RECORD_PTR, "fail.a.example", 0 },
	{ "3.113.0.203.in-addr.arpa", RECORD_PTR, "x.ptrfail.test.example", 0 },
	{ "x.ptrfail.test.example", RECORD_A, "203.0.113.3", 0 },
	{ "pfail.test.example", RECORD_TXT, "v=spf1 ip4:203.0.113.2 exists:%{p}.gone.example -all", 0 },
	/* Names, macros, what the sender wrote. */
	{ "impossible.test.example", RECORD_TXT, "v=spf1 a:x..y +all", 0 },
	{ "helo.test.example", RECORD_TXT, "v=spf1 a:%{h} -all", 0 },
	{ "HELO.urlesc.test.example", RECORD_TXT, "v=spf1 a:%{H} -all", 0 },
	{ "helourl.test.example", RECORD_TXT, "v=spf1 exists:%{H}.h.example -all", 0 },
	{ "x%20%2ball%2f%5c.h.example", RECORD_A, "127.0.0.2", 0 },
	{ "local.test.example", RECORD_TXT, "v=spf1 exists:%{l}.l.example -all", 0 },
	{ "joe\\032+all\\032x.l.example", RECORD_A, "127.0.0.2", 0 },
	{ "b\\092\\000\\255.l.example", RECORD_A, "127.0.0.2", 0 },
	{ "delim.test.example", RECORD_TXT, "v=spf1 exists:%{l2r-+}.%{o-}.l.example exists:%{d9r.}.d.example -all", 0 },
	{ "b.a.delim.test.example.l.example", RECORD_A, "127.0.0.2", 0 },
	{ "sender.test.example", RECORD_TXT, "v=spf1 exists:%{s1r}.s.example -all", 0 },
	{ "user@sender.s.example", RECORD_A, "127.0.0.2", 0 },
	{ "incmacro.test.example", RECORD_TXT, "v=spf1 include:%{l}.inc.example -all", 0 },
	{ "inchelo.test.example", RECORD_TXT, "v=spf1 include:%{h} -all", 0 },
	{ "com", RECORD_TXT, "v=spf1 +all", 0 },
	{ "trunc.test.example", RECORD_TXT,
	  "v=spf1 exists:%{l}." LONG63 "." LONG63 "." LONG63
	  ".abcdefghijklmnopqrstuvwxyz.abcdefghijklmnopqrstuvwx.t.example -all",
	  0 },
	{ LONG63 "." LONG63 "." LONG63 ".abcdefghijklmnopqrstuvwxyz.abcdefghijklmnopqrstuvwx.t.example", RECORD_A,
	  "127.0.0.2", 0 },
	{ "nul.test.example", RECORD_TXT, "v=spf1 a:foo.example.com\0 +all", 30 },
	{ "two.test.example", RECORD_TXT, "v=spf1 -all", 0 },
	{ "two.test.example", RECORD_TXT, "v=spf1 +all", 0 },
	{ "exp.test.example", RECORD_TXT, "v=spf1 exp=%{p}.fail.example -all", 0 },
	{ "loopback.test.example", RECORD_TXT, "v=spf1 ip4:192.0.2.1 -all", 0 },
	{ "oddmx.test.example", RECORD_TXT, "v=spf1 mx a:fine.example -all", 0 },
	{ "oddmx.test.example", RECORD_MX, "1 a\\046b.example", 0 },
	{ "oddmx.test.example", RECORD_MX, "2 x..y", 0 },
	{ "fine.example", RECORD_A, "192.0.2.1", 0 },
	{ LONG63 ".example", RECORD_TXT, "v=spf1 +all", 0 },
	{ "_under-_score.test.example", RECORD_TXT, "v=spf1 +all", 0 },
	{ "salesforce.test.example", RECORD_TXT, "v=spf1 include:_spf.sf.example -all", 0 },
	{ "_spf.sf.example", RECORD_TXT, "v=spf1 exists:%{i}._spf.mta.sf.example -all", 0 },
	{ "192.0.2.1._spf.mta.sf.example", RECORD_A, "127.0.0.1", 0 },
	{ NULL, RECORD_A, NULL, 0 },
};

#define V4 "192.0.2.1"
#define V6 "2001:db8::1"

struct check {
	const char *name;
	const char *client;
	const char *local;
	const char *domain; /* without .test.example when it begins with a dot */
	const char *helo;
	enum spf_result result;
	const char *mechanism; /* NULL: none */
	unsigned terms;
	unsigned voids;
};

static const struct check checks[] = {
	{ "ip4", V4, "u", "ip.test.example", "h.example", SPF_PASS, "ip4:192.0.2.0/24", 0, 0 },
	{ "ip6", V6, "u", "ip.test.example", "h.example", SPF_PASS, "ip6:2001:db8::/32", 0, 0 },
	{ "-all", "203.0.113.1", "u", "ip.test.example", "h.example", SPF_FAIL, "-all", 0, 0 },
	{ "an IPv4-mapped client is IPv4", "::ffff:192.0.2.1", "u", "ip.test.example", "h.example", SPF_PASS,
	  "ip4:192.0.2.0/24", 0, 0 },
	{ "ip4 /0", V4, "u", "zero.test.example", "h.example", SPF_PASS, "ip4:0.0.0.0/0", 0, 0 },
	{ "ip4 /0 and an IPv6 client", V6, "u", "zero.test.example", "h.example", SPF_FAIL, "-all", 0, 0 },
	{ "ip6 /0 and an IPv4 client", V4, "u", "zero6.test.example", "h.example", SPF_FAIL, "-all", 0, 0 },
	{ "ip6 /0 and a mapped client", "::ffff:192.0.2.1", "u", "zero6.test.example", "h.example", SPF_FAIL, "-all", 0,
	  0 },
	{ "a prefix inside a byte, first", "192.0.2.128", "u", "bits.test.example", "h", SPF_PASS, "ip4:192.0.2.128/25", 0,
	  0 },
	{ "a prefix inside a byte, before", "192.0.2.127", "u", "bits.test.example", "h", SPF_FAIL, "-all", 0, 0 },
	{ "host bits in a network", "192.0.2.4", "u", "bits.test.example", "h", SPF_PASS, "ip4:192.0.2.5/31", 0, 0 },
	{ "a, IPv4", V4, "u", "a.test.example", "h.example", SPF_PASS, "a", 1, 0 },
	{ "a, IPv6", V6, "u", "a.test.example", "h.example", SPF_PASS, "a", 1, 0 },
	{ "a, another", "192.0.2.2", "u", "a.test.example", "h.example", SPF_FAIL, "-all", 1, 0 },
	{ "upper case", V4, "u", "A.TEST.Example", "h.example", SPF_PASS, "a", 1, 0 },
	{ "a trailing dot", V4, "u", "a.test.example.", "h.example", SPF_PASS, "a", 1, 0 },
	{ "mx, second host, /30", "192.0.2.1", "u", "mx.test.example", "h.example", SPF_PASS, "mx/30", 1, 0 },
	{ "mx, outside /30", "192.0.2.4", "u", "mx.test.example", "h.example", SPF_SOFTFAIL, "~all", 1, 0 },
	{ "null MX", V4, "u", "nullmx.test.example", "h.example", SPF_NEUTRAL, "?all", 1, 0 },
	{ "S05 exists with a private address", V4, "u", "exists.test.example", "h.example", SPF_PASS, "exists:%{i}._l.%{d}",
	  1, 0 },
	{ "exists, no", "192.0.2.2", "u", "exists.test.example", "h.example", SPF_FAIL, "-all", 1, 1 },
	{ "S07 exists with nibbles", V6, "u", "exists6.test.example", "h.example", SPF_PASS, "exists:%{ir}.%{v}._l.%{d}", 1,
	  0 },
	{ "ptr", V4, "u", "ptr.test.example", "h.example", SPF_PASS, "ptr:Hosts.example", 1, 0 },
	{ "ptr, a look-alike suffix", V6, "u", "ptr.test.example", "h.example", SPF_FAIL, "-all", 1, 0 },
	{ "ptr, no name", "203.0.113.99", "u", "ptr.test.example", "h.example", SPF_FAIL, "-all", 1, 1 },
	{ "%{p}", V4, "u", "p.test.example", "h.example", SPF_PASS, "exists:%{p}._p.test.example", 1, 0 },
	{ "%{p} unknown", "203.0.113.99", "u", "p.test.example", "h.example", SPF_PASS, "exists:%{p}._p.test.example", 1,
	  1 },
	{ "%{p} is the domain itself", "203.0.113.9", "u", "pdom.example", "h", SPF_PASS, "include:%{p}.inc.example", 1,
	  0 },
	{ "%{p} is any name", "203.0.113.9", "u", "other.pdom.example", "h", SPF_PASS, "exists:%{p}._q.test.example", 1,
	  0 },
	{ "%{p} follows redirect", "203.0.113.9", "u", "below.example", "h", SPF_PASS, "include:%{p}.inc.example", 2, 0 },
	{ "%{p} is a name below the domain", "203.0.113.10", "u", "sub.example", "h", SPF_PASS,
	  "exists:%{p}._q.test.example", 1, 0 },
	{ "include matches", V4, "u", "inc.test.example", "h.example", SPF_NEUTRAL, "?include:ip.test.example", 1, 0 },
	{ "include does not match", "203.0.113.1", "u", "inc.test.example", "h", SPF_SOFTFAIL, "~all", 1, 0 },
	{ "include without record", V4, "u", "incnone.test.example", "h", SPF_PERMERROR, NULL, 1, 0 },
	{ "include of a broken record", V4, "u", "incbroken.test.example", "h", SPF_PERMERROR, NULL, 1, 0 },
	{ "an error after the match", V4, "u", "broken.test.example", "h", SPF_PERMERROR, NULL, 0, 0 },
	{ "redirect", V4, "u", "red.test.example", "h", SPF_PASS, "ip4:192.0.2.0/24", 1, 0 },
	{ "redirect, fail", "203.0.113.1", "u", "red.test.example", "h", SPF_FAIL, "-all", 1, 0 },
	{ "redirect without record", V4, "u", "rednone.test.example", "h", SPF_PERMERROR, NULL, 1, 0 },
	{ "redirect beside all", V4, "u", "redall.test.example", "h", SPF_SOFTFAIL, "~all", 0, 0 },
	{ "redirect inside include", V4, "u", "increared.test.example", "h", SPF_PASS, "include:red.test.example", 2, 0 },
	{ "include of itself", V4, "u", "self.test.example", "h", SPF_PERMERROR, NULL, 11, 0 },
	{ "include of itself, after a match", V4, "u", "selfok.test.example", "h", SPF_PASS, "ip4:192.0.2.1", 0, 0 },
	{ "redirect loop", V4, "u", "redloop.test.example", "h", SPF_PERMERROR, NULL, 11, 0 },
	{ "include loop", V4, "u", "loop1.test.example", "h", SPF_PERMERROR, NULL, 11, 0 },
	{ "%{d} inside include", V4, "u", "incdom.test.example", "h", SPF_PASS, "include:%{d2}.deep.example", 2, 0 },
	{ "ten terms", "192.0.2.77", "u", "ten.test.example", "h", SPF_PASS, "ip4:192.0.2.77", 10, 0 },
	{ "eleven terms", "192.0.2.77", "u", "eleven.test.example", "h", SPF_PERMERROR, NULL, 11, 0 },
	{ "redirect as the tenth", V4, "u", "tenred.test.example", "h", SPF_PASS, "ip4:192.0.2.0/24", 10, 0 },
	{ "redirect as the eleventh", V4, "u", "elevenred.test.example", "h", SPF_PERMERROR, NULL, 11, 0 },
	{ "two void lookups", "192.0.2.77", "u", "voids2.test.example", "h", SPF_PASS, "ip4:192.0.2.77", 2, 2 },
	{ "three void lookups", V4, "u", "voids3.test.example", "h", SPF_PERMERROR, NULL, 3, 3 },
	{ "no MX record", V4, "u", "voidmx.test.example", "h", SPF_NEUTRAL, "?all", 2, 2 },
	{ "S01 five void lookups", V4, "u", "voids5.test.example", "h", SPF_PERMERROR, NULL, 3, 3 },
	{ "the same void lookup thrice", V4, "u", "voidsame.test.example", "h", SPF_PERMERROR, NULL, 3, 3 },
	{ "void lookups of ptr count", "203.0.113.99", "u", "voidptr.test.example", "h", SPF_PERMERROR, NULL, 3, 3 },
	{ "S09 three hosts of one mx", V4, "u", "voidhosts.test.example", "h", SPF_SOFTFAIL, "~all", 1, 1 },
	{ "S09 a host behind two void ones", "198.51.100.9", "u", "voidlast.test.example", "h", SPF_PASS, "mx", 2, 2 },
	{ "S09 but not in a third such term", "198.51.100.9", "u", "voidthird.test.example", "h", SPF_PERMERROR, NULL, 3,
	  3 },
	{ "S09 a void %{p} and a void name of one term", "203.0.113.99", "u", "voidp.test.example", "h", SPF_PASS,
	  "ip4:203.0.113.99", 2, 2 },
	{ "S09 a void %{p} of include counts", "203.0.113.99", "u", "voidincp.test.example", "h", SPF_PERMERROR, NULL, 3,
	  3 },
	{ "void lookups count across include", V4, "u", "voidinc.test.example", "h", SPF_PERMERROR, NULL, 4, 3 },
	{ "S01 includes that fan out", "203.0.113.1", "u", "fan.test.example", "h", SPF_PERMERROR, NULL, 11, 0 },
	{ "S01 twelve includes", "203.0.113.1", "u", "include12.test.example", "h", SPF_PERMERROR, NULL, 11, 0 },
	{ "eleven MX hosts", "198.51.100.9", "u", "mx11.test.example", "h", SPF_PERMERROR, NULL, 1, 0 },
	{ "the eleventh PTR name is not used", "203.0.113.7", "u", "ptr11.test.example", "h", SPF_FAIL, "-all", 1, 0 },
	{ "nor where it comes last", "203.0.113.8", "u", "ptr11.test.example", "h", SPF_FAIL, "-all", 1, 1 },
	{ "S04 the record's lookup fails", V4, "u", "fail.test.example", "h", SPF_TEMPERROR, NULL, 0, 0 },
	{ "S04 the record's answer is bogus", V4, "u", "bogus.test.example", "h", SPF_TEMPERROR, NULL, 0, 0 },
	{ "S04 an include's lookup fails", V4, "u", "incfail.test.example", "h", SPF_TEMPERROR, NULL, 1, 0 },
	{ "a redirect's answer is bogus", V4, "u", "redfail.test.example", "h", SPF_TEMPERROR, NULL, 1, 0 },
	{ "an address lookup fails", V4, "u", "afail.test.example", "h", SPF_TEMPERROR, NULL, 1, 0 },
	{ "an address answer is bogus", V6, "u", "afail.test.example", "h", SPF_TEMPERROR, NULL, 1, 0 },
	{ "an MX answer is bogus", V4, "u", "mxfail.test.example", "h", SPF_TEMPERROR, NULL, 1, 0 },
	{ "the second MX host fails after a match", "192.0.2.3", "u", "mxhostfail.test.example", "h", SPF_PASS, "mx", 1,
	  0 },
	{ "the second MX host fails", V4, "u", "mxhostfail.test.example", "h", SPF_TEMPERROR, NULL, 1, 0 },
	{ "a failing lookup after the match", V4, "u", "late.test.example", "h", SPF_PASS, "ip4:192.0.2.1", 0, 0 },
	{ "the PTR lookup fails", "203.0.113.2", "u", "ptrfail.test.example", "h", SPF_NEUTRAL, "?all", 1, 0 },
	{ "one PTR name fails", "203.0.113.3", "u", "ptrfail.test.example", "h", SPF_PASS, "ptr", 1, 0 },
	{ "%{p} after the match is not asked", "203.0.113.2", "u", "pfail.test.example", "h", SPF_PASS, "ip4:203.0.113.2",
	  0, 0 },
	{ "S08 an impossible name", V4, "u", "impossible.test.example", "h", SPF_PERMERROR, NULL, 0, 0 },
	{ "HELO in a name", "192.0.2.1", "u", "helo.test.example", "a.test.example", SPF_PASS, "a:%{h}", 1, 0 },
	{ "HELO that is no name", V4, "u", "helo.test.example", "a..b", SPF_FAIL, "-all", 1, 0 },
	{ "no HELO", V4, "u", "helo.test.example", NULL, SPF_FAIL, "-all", 1, 0 },
	{ "HELO URL-escaped", V4, "u", "helourl.test.example", "x +all/\\", SPF_PASS, "exists:%{H}.h.example", 1, 0 },
	{ "a local-part adds no term", V4, "joe +all x", "local.test.example", "h", SPF_PASS, "exists:%{l}.l.example", 1,
	  0 },
	{ "a local-part adds no term, fail", V4, "joe +all y", "local.test.example", "h", SPF_FAIL, "-all", 1, 1 },
	{ "a local-part with two dots matches nothing", V4, "a..b", "local.test.example", "h", SPF_FAIL, "-all", 1, 0 },
	{ "delimiters are joined with dots", V4, "x+a-b", "delim.test.example", "h", SPF_FAIL, "-all", 2, 2 },
	{ "two parts of a reversed local-part", V4, "c+a-b", "delim.test.example", "h", SPF_FAIL, "-all", 2, 2 },
	{ "the last two reversed parts", V4, "a-b", "delim.test.example", "h", SPF_PASS, "exists:%{l2r-+}.%{o-}.l.example",
	  1, 0 },
	{ "the first part of %{s}", V4, "user", "sender.test.example", "h", SPF_PASS, "exists:%{s1r}.s.example", 1, 0 },
	{ "include of an impossible name", V4, "a..b", "incmacro.test.example", "h", SPF_PERMERROR, NULL, 1, 0 },
	{ "include of a top-level domain", V4, "u", "inchelo.test.example", "com", SPF_PERMERROR, NULL, 1, 0 },
	{ "a long name loses labels on the left", V4, "a.b.c.d.e", "trunc.test.example", "h", SPF_PASS, NULL, 1, 0 },
	{ "NUL in a record", V4, "u", "nul.test.example", "h", SPF_PERMERROR, NULL, 0, 0 },
	{ "S01 two records", V4, "u", "two.test.example", "h", SPF_PERMERROR, NULL, 0, 0 },
	{ "S02 exp= is never evaluated", V4, "u", "exp.test.example", "h", SPF_FAIL, "-all", 0, 0 },
	{ "I06 loopback is no exception", "127.0.0.1", "u", "loopback.test.example", "h", SPF_FAIL, "-all", 0, 0 },
	{ "I06 ::1 is no exception", "::1", "u", "loopback.test.example", "h", SPF_FAIL, "-all", 0, 0 },
	{ "MX names that cannot be asked", V4, "u", "oddmx.test.example", "h", SPF_PASS, "a:fine.example", 2, 0 },
	{ "S06 no such domain", V4, "u", "gone.test.example", "h", SPF_NONE, NULL, 0, 0 },
	{ "a domain without TXT", V4, "u", "b.mx.example", "h", SPF_NONE, NULL, 0, 0 },
	{ "one label", V4, "u", "com", "h", SPF_NONE, NULL, 0, 0 },
	{ "no domain", V4, "u", "", "h", SPF_NONE, NULL, 0, 0 },
	{ "absent domain", V4, "u", NULL, "h", SPF_NONE, NULL, 0, 0 },
	{ "an address literal", V4, "u", "[192.0.2.1]", "h", SPF_NONE, NULL, 0, 0 },
	{ "an empty label", V4, "u", "a..test.example", "h", SPF_NONE, NULL, 0, 0 },
	{ "a domain with a space", V4, "u", "a.test.example +all", "h", SPF_NONE, NULL, 0, 0 },
	{ "a label of 63 bytes", V4, "u", LONG63 ".example", "h", SPF_PASS, "+all", 0, 0 },
	{ "a label of 64 bytes", V4, "u", "x" LONG63 ".example", "h", SPF_NONE, NULL, 0, 0 },
	{ "underscores", V4, "u", "_under-_score.test.example", "h", SPF_PASS, "+all", 0, 0 },
	{ "Salesforce's shape", V4, "u", "salesforce.test.example", "h", SPF_PASS, "include:_spf.sf.example", 2, 0 },
	{ "Salesforce's shape, another client", "192.0.2.2", "u", "salesforce.test.example", "h", SPF_FAIL, "-all", 2, 1 },
};

static struct spf_walk *begin(struct arena *arena, const struct check *check, bool ahead)
{
	struct spf_input input = { .local = span_of(check->local),
		                       .domain = span_of(check->domain),
		                       .helo = span_of(check->helo),
		                       .look_ahead = ahead };
	if (!address_parse(span_of(check->client), &input.client))
		return NULL;
	return spf_walk_new(arena, &input);
}

static enum spf_result run(struct arena *arena, struct spf_walk *walk)
{
	enum spf_result result;
	while ((result = spf_walk_step(walk)) == SPF_PENDING) {
		const struct question *question = spf_walk_next(walk);
		if (!question)
			return SPF_PENDING;
		for (; question; question = spf_walk_next(walk))
			spf_walk_answer(walk, question, zone_answer(arena, zone, question), NULL);
	}
	return result;
}

static void table(void)
{
	for (size_t i = 0; i < sizeof checks / sizeof *checks; i++) {
		for (unsigned ahead = 0; ahead < 2; ahead++) {
			struct arena arena;
			arena_init(&arena, 0);
			struct spf_walk *walk = begin(&arena, &checks[i], ahead != 0);
			enum spf_result result = walk ? run(&arena, walk) : SPF_PENDING;
			const struct spf_outcome *outcome = walk ? spf_walk_outcome(walk) : NULL;
			bool mechanism =
				outcome && (!checks[i].mechanism || span_equal(outcome->mechanism, span_of(checks[i].mechanism)));
			bool problem = outcome
			               && (outcome->problem.text != NULL)
			                      == (result == SPF_NONE || result == SPF_TEMPERROR || result == SPF_PERMERROR);
			ok(result == checks[i].result && mechanism && problem && outcome->terms == checks[i].terms
			       && outcome->voids == checks[i].voids && outcome->questions <= 160,
			   "%s%s", checks[i].name, ahead ? ", looking ahead" : "");
			if (outcome)
				printf("# %s by %.*s, %u terms, %u voids, %u questions%s%s\n", spf_result_name(result),
				       (int)outcome->mechanism.length, outcome->mechanism.at ? outcome->mechanism.at : "",
				       outcome->terms, outcome->voids, outcome->questions, outcome->problem.text ? ": " : "",
				       outcome->problem.text ? outcome->problem.text : "");
			arena_clear(&arena);
		}
	}
}

static void bytes(void)
{
	struct arena arena;
	arena_init(&arena, 0);
	struct check check = { .client = V4, .domain = "local.test.example", .helo = "h" };
	struct spf_input input = { .local = span_make("B\\\0\xff", 4), .domain = span_of(check.domain) };
	address_parse(span_of(V4), &input.client);
	struct spf_walk *walk = spf_walk_new(&arena, &input);
	ok(walk && run(&arena, walk) == SPF_PASS, "any byte of a local-part is escaped");
	struct spf_input nobody = { .domain = span_of("zero.test.example") };
	walk = spf_walk_new(&arena, &nobody);
	ok(walk && spf_walk_step(walk) == SPF_NONE && !spf_walk_next(walk),
	   "I05 no client address: none, nothing is asked");
	arena_clear(&arena);
}

static void mapped(void)
{
	struct arena arena;
	struct answer_record record = { .text = span_of("v=spf1 ip6:::/0 ~ip4:192.0.2.1 -all") };
	struct answer answer = { .status = ANSWER_FOUND, .count = 1, .records = &record };
	struct spf_input input = { .client = { ADDRESS_IPV6, { [10] = 0xff, [11] = 0xff, [12] = 192, [14] = 2, [15] = 1 } },
		                       .domain = span_of("a.example") };
	struct spf_policy policy;
	arena_init(&arena, 0);
	spf_policy_of(&arena, &answer, &policy);
	struct spf_walk *walk = spf_walk_new(&arena, &input);
	spf_walk_step(walk);
	answer.status = ANSWER_NODATA;
	spf_walk_answer(walk, spf_walk_next(walk), &answer, &policy);
	ok(spf_walk_step(walk) == SPF_SOFTFAIL, "I02 a mapped client is IPv4; a policy that was kept is used");
	arena_clear(&arena);
}

static void questions(void)
{
	struct arena arena;
	arena_init(&arena, 0);
	struct check check = { .client = V4, .local = "u", .domain = "A.test.example", .helo = "h" };
	struct spf_walk *walk = begin(&arena, &check, false);
	static const struct answer pending;
	ok(spf_walk_step(walk) == SPF_PENDING, "a walk begins with a question");
	const struct question *question = spf_walk_next(walk);
	ok(question && question->type == RECORD_TXT, "for TXT");
	is_span(question->name, span_of("a.test.example"), "of the domain in lower case");
	ok(!spf_walk_next(walk), "it is handed out once");
	spf_walk_answer(walk, question, &pending, NULL);
	ok(spf_walk_step(walk) == SPF_PENDING, "a pending answer is none");
	struct question other = { RECORD_A, question->name };
	spf_walk_answer(walk, &other, zone_answer(&arena, zone, &other), NULL);
	ok(spf_walk_step(walk) == SPF_PENDING, "nor is one to another question");
	spf_walk_answer(walk, question, zone_answer(&arena, zone, question), NULL);
	struct answer second = { .status = ANSWER_TEMPFAIL };
	spf_walk_answer(walk, question, &second, NULL);
	ok(spf_walk_step(walk) == SPF_PENDING, "the first answer counts");
	spf_walk_expire(walk);
	ok(spf_walk_step(walk) == SPF_TEMPERROR && !spf_walk_next(walk), "time is up");
	is_text(spf_walk_outcome(walk)->problem.text, "time is up", "and that is said");
	arena_clear(&arena);
}

static void expire_changes_nothing_final(void)
{
	struct arena arena;
	arena_init(&arena, 0);
	struct check check = { .client = V4, .local = "u", .domain = "ip.test.example", .helo = "h" };
	struct spf_walk *walk = begin(&arena, &check, true);
	run(&arena, walk);
	spf_walk_expire(walk);
	ok(spf_walk_step(walk) == SPF_PASS, "a result stays");
	is_span(spf_walk_outcome(walk)->domain, span_of("ip.test.example"), "the domain that decided");
	arena_clear(&arena);
}

static void look_ahead(void)
{
	struct arena arena;
	arena_init(&arena, 0);
	struct check check = { .client = "198.51.100.1", .local = "u", .domain = "voids5.test.example", .helo = "h" };
	struct spf_walk *walk = begin(&arena, &check, true);
	spf_walk_step(walk);
	const struct question *question = spf_walk_next(walk);
	spf_walk_answer(walk, question, zone_answer(&arena, zone, question), NULL);
	spf_walk_step(walk);
	unsigned count = 0;
	while ((question = spf_walk_next(walk)))
		count++;
	ok(count == 5, "all terms of a record are asked about at once (%u)", count);
	arena_clear(&arena);
}

static void memory(void)
{
	bool wrong = false;
	enum spf_result result = SPF_PENDING;
	struct check check = { .client = V4, .local = "u", .domain = "salesforce.test.example", .helo = "h" };
	size_t limit;
	for (limit = 16; limit < 200000 && result != SPF_PASS; limit += 64) {
		struct arena small;
		struct arena answers;
		arena_init(&small, limit);
		arena_init(&answers, 0);
		struct spf_walk *walk = begin(&small, &check, limit % 128 == 16);
		result = walk ? run(&answers, walk) : SPF_TEMPERROR;
		wrong = wrong || (result != SPF_PASS && result != SPF_TEMPERROR)
		        || (result == SPF_TEMPERROR && !arena_failed(&small));
		arena_clear(&small);
		arena_clear(&answers);
	}
	ok(result == SPF_PASS && !wrong, "without memory: temperror (%zu bytes are enough)", limit);
}

int main(void)
{
	table();
	bytes();
	mapped();
	questions();
	expire_changes_nothing_final();
	look_ahead();
	memory();
	return done_testing();
}
