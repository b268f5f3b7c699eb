/* SPDX-License-Identifier: BSD-2-Clause */
/* received: what each mail server's Received field says, and what no field may say. */
#include "cmd/received.h"

#include "tap.h"

#define E RECEIVED_ENCRYPTED
#define C RECEIVED_CLEAR
#define L RECEIVED_LOCAL
#define U RECEIVED_UNTOLD

static const struct {
	const char *what;
	const char *value;
	const char *by;
	const char *from;
	const char *from_name;
	const char *address;
	const char *protocol;
	const char *tls_text;
	enum tls_version tls;
	const char *cipher;
	unsigned long bits;
	enum received_certificate certificate;
	const char *certificate_name;
	bool authenticated;
	enum received_encryption encryption;
} rows[] = {
	{ "Postfix 3.4 and later",
	  " from smtp09.mta.salesforce.com (smtp09.mta.salesforce.com [13.110.74.200])\r\n"
	  "\t(using TLSv1.3 with cipher TLS_AES_256_GCM_SHA384 (256/256 bits)\r\n"
	  "\t key-exchange X25519 server-signature RSA-PSS (2048 bits) server-digest SHA256)\r\n"
	  "\t(Client CN \"smtp09.mta.salesforce.com\", Issuer \"DigiCert (x)\" (verified OK))\r\n"
	  "\tby relay.example.com (Postfix) with ESMTPS id 4XyZ1\r\n"
	  "\tfor <joe@customer.example>; Wed,  1 Apr 2026 10:00:00 +0000 (UTC)",
	  "relay.example.com", "smtp09.mta.salesforce.com", "smtp09.mta.salesforce.com", "13.110.74.200", "ESMTPS",
	  "TLSv1.3", TLS_1_3, "TLS_AES_256_GCM_SHA384", 256, CERTIFICATE_VERIFIED, "smtp09.mta.salesforce.com", false, E },
	{ "Postfix, a certificate that is not verified, and AUTH",
	  " from a (unknown [IPv6:2001:db8::1]) (using TLSv1.2 with cipher ECDHE-RSA-AES256-GCM-SHA384 (256/256 bits))"
	  " (Client CN \"a b\", Issuer \"x\" (not verified)) (Authenticated sender: joe) by r (Postfix) with ESMTPSA id 1; x",
	  "r", "a", NULL, "2001:db8::1", "ESMTPSA", "TLSv1.2", TLS_1_2, "ECDHE-RSA-AES256-GCM-SHA384", 256,
	  CERTIFICATE_UNVERIFIED, "a b", true, E },
	{ "Postfix, no certificate asked for",
	  "from a (b.example [192.0.2.1]) (using TLSv1 with cipher X (128/128 bits)) (No client certificate requested) by r "
	  "(Postfix) with SMTP id 1",
	  "r", "a", "b.example", "192.0.2.1", "SMTP", "TLSv1", TLS_1_0, "X", 128, CERTIFICATE_NONE, NULL, false, E },
	{ "Postfix in clear", "from a (b.example [192.0.2.1]) by r (Postfix) with ESMTP id 1; x", "r", "a", "b.example",
	  "192.0.2.1", "ESMTP", NULL, TLS_UNKNOWN, NULL, 0, CERTIFICATE_UNTOLD, NULL, false, C },
	{ "Postfix, submitted by a program", "by r (Postfix, from userid 1000) id 1; x", "r", NULL, NULL, "", NULL, NULL,
	  TLS_UNKNOWN, NULL, 0, CERTIFICATE_UNTOLD, NULL, false, L },
	{ "Postfix, from a content filter", "from localhost (localhost [127.0.0.1]) by r (Postfix) with ESMTP id 1; x", "r",
	  "localhost", "localhost", "127.0.0.1", "ESMTP", NULL, TLS_UNKNOWN, NULL, 0, CERTIFICATE_UNTOLD, NULL, false, L },
	{ "Sendmail",
	  "from mx.example (mx.example [192.0.2.1])\n\t(authenticated bits=0)\n\tby relay.example.com (8.17.1.9/8.17.1) with "
	  "ESMTPSA id 31x\n\t(version=TLSv1.3 cipher=TLS_AES_256_GCM_SHA384 bits=256 verify=OK)\n\tfor <a@b>; x",
	  "relay.example.com", "mx.example", "mx.example", "192.0.2.1", "ESMTPSA", "TLSv1.3", TLS_1_3,
	  "TLS_AES_256_GCM_SHA384", 256, CERTIFICATE_VERIFIED, NULL, true, E },
	{ "Sendmail, not verified, may be forged",
	  "from a (joe@b.example [192.0.2.1] (may be forged)) by r (8.16/8.16) with ESMTPS id 1 (version=TLSv1/SSLv3 "
	  "cipher=DHE bits=256 verify=FAIL); x",
	  "r", "a", "b.example", "192.0.2.1", "ESMTPS", "TLSv1/SSLv3", TLS_UNKNOWN, "DHE", 256, CERTIFICATE_UNVERIFIED,
	  NULL, false, E },
	{ "Sendmail, no certificate",
	  "from a (b [192.0.2.1]) by r with ESMTPS id 1 (version=TLSv1.2 cipher=X bits=256 verify=NO)", "r", "a", "b",
	  "192.0.2.1", "ESMTPS", "TLSv1.2", TLS_1_2, "X", 256, CERTIFICATE_NONE, NULL, false, E },
	{ "Exchange Online",
	  "from AM0.eurprd01.prod.exchangelabs.com (2603:10a6:208:1::1)\r\n by AM1.eurprd01.prod.exchangelabs.com "
	  "(2603:10a6:208:2::2) with Microsoft SMTP Server (version=TLS1_2, cipher=TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384) "
	  "id 15.20.1.2; x",
	  "AM1.eurprd01.prod.exchangelabs.com", "AM0.eurprd01.prod.exchangelabs.com", NULL, "2603:10a6:208:1::1",
	  "Microsoft SMTP Server", "TLS1_2", TLS_1_2, "TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384", 0, CERTIFICATE_UNTOLD, NULL,
	  false, E },
	{ "Exchange, in clear", "from a (192.0.2.1) by b (192.0.2.2) with Microsoft SMTP Server id 14.3; x", "b", "a", NULL,
	  "192.0.2.1", "Microsoft SMTP Server", NULL, TLS_UNKNOWN, NULL, 0, CERTIFICATE_UNTOLD, NULL, false, C },
	{ "Exchange 2010", "from a (192.0.2.1) by b (192.0.2.2) with Microsoft SMTP Server (TLS) id 14.3; x", "b", "a",
	  NULL, "192.0.2.1", "Microsoft SMTP Server", NULL, TLS_UNKNOWN, NULL, 0, CERTIFICATE_UNTOLD, NULL, false, E },
	{ "Exchange, within", "from a ([fe80::1]) by b ([fe80::2%5]) with mapi id 15.20; x", "b", "a", NULL, "fe80::1",
	  "mapi", NULL, TLS_UNKNOWN, NULL, 0, CERTIFICATE_UNTOLD, NULL, false, L },
	{ "Exim 4.96",
	  "from smtp14-fra-sp2.mta.salesforce.com ([85.222.158.221])\n\tby mx.example.com with esmtps  (TLS1.2) tls "
	  "TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384\n\t(Exim 4.96)\n\t(envelope-from <a@b.example>)\n\tid 1pXyz-0001\n\tfor j@e; x",
	  "mx.example.com", "smtp14-fra-sp2.mta.salesforce.com", NULL, "85.222.158.221", "esmtps", "TLS1.2", TLS_1_2,
	  "TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384", 0, CERTIFICATE_UNTOLD, NULL, false, E },
	{ "Exim, older",
	  "from b.example ([192.0.2.1]:5555 helo=a) by r with esmtpsa (TLSv1.2:ECDHE-X:256) (Exim 4.92) id 1; x", "r", "a",
	  "b.example", "192.0.2.1", "esmtpsa", "TLSv1.2", TLS_1_2, "ECDHE-X", 256, CERTIFICATE_UNTOLD, NULL, false, E },
	{ "Exim, no name", "from [192.0.2.1] (port=5555 helo=a) by r with esmtp (Exim 4.96) id 1; x", "r", "a", NULL,
	  "192.0.2.1", "esmtp", NULL, TLS_UNKNOWN, NULL, 0, CERTIFICATE_UNTOLD, NULL, false, C },
	{ "Exim, submitted by a program", "from root by r with local (Exim 4.96) (envelope-from <r@r>) id 1; x", "r",
	  "root", NULL, "", "local", NULL, TLS_UNKNOWN, NULL, 0, CERTIFICATE_UNTOLD, NULL, false, L },
	{ "Salesforce",
	  "from [10.253.137.82] ([10.253.137.82:44012] helo=na247-app1-27-ia6.ops.sfdc.net)\r\n\tby "
	  "mx2-ia6-sp4.mta.salesforce.com (envelope-from <g@google.com>)\r\n\t(ecelerity 4.2.38.999 "
	  "r(Core:release/4.2.38.x)) with ESMTPS (cipher=ECDHE-RSA-AES256-GCM-SHA384\r\n\tsubject=\"/O=salesforce.com, "
	  "inc./OU=0:app;1:ia6/CN=na247\") \r\n\tid 3B/28-1; x",
	  "mx2-ia6-sp4.mta.salesforce.com", "na247-app1-27-ia6.ops.sfdc.net", NULL, "10.253.137.82", "ESMTPS", NULL,
	  TLS_UNKNOWN, "ECDHE-RSA-AES256-GCM-SHA384", 0, CERTIFICATE_UNTOLD,
	  "/O=salesforce.com, inc./OU=0:app;1:ia6/CN=na247", false, E },
	{ "Gmail",
	  "from smtp02.mta.salesforce.com (smtp02.mta.salesforce.com. [13.110.242.177])\n by gmr-mx.google.com with ESMTPS id "
	  "a-b\n for <x@google.com>\n (version=TLS1_3 cipher=TLS_AES_256_GCM_SHA384 bits=256/256);\n x",
	  "gmr-mx.google.com", "smtp02.mta.salesforce.com", "smtp02.mta.salesforce.com", "13.110.242.177", "ESMTPS",
	  "TLS1_3", TLS_1_3, "TLS_AES_256_GCM_SHA384", 256, CERTIFICATE_UNTOLD, NULL, false, E },
	{ "qmail", "from unknown (HELO a) (192.0.2.1)\n  by 0 with (DHE-RSA-AES256-SHA encrypted) SMTP; x", "0", "a", NULL,
	  "192.0.2.1", "SMTP", NULL, TLS_UNKNOWN, "DHE-RSA-AES256-SHA", 0, CERTIFICATE_UNTOLD, NULL, false, E },
	{ "qmail, submitted by a program", "(qmail 1234 invoked by uid 0); x", NULL, NULL, NULL, "", NULL, NULL,
	  TLS_UNKNOWN, NULL, 0, CERTIFICATE_UNTOLD, NULL, false, L },
	{ "SMTPUTF8", "from a by b with UTF8SMTPS; x", "b", "a", NULL, "", "UTF8SMTPS", NULL, TLS_UNKNOWN, NULL, 0,
	  CERTIFICATE_UNTOLD, NULL, false, E },
	{ "LMTP", "from a by b with LMTP; x", "b", "a", NULL, "", "LMTP", NULL, TLS_UNKNOWN, NULL, 0, CERTIFICATE_UNTOLD,
	  NULL, false, C },
	{ "not told", "from a by b; x", "b", "a", NULL, "", NULL, NULL, TLS_UNKNOWN, NULL, 0, CERTIFICATE_UNTOLD, NULL,
	  false, U },
	{ "a protocol of one's own", "from a by b with QMTP; x", "b", "a", NULL, "", "QMTP", NULL, TLS_UNKNOWN, NULL, 0,
	  CERTIFICATE_UNTOLD, NULL, false, U },
	{ "nothing", "", NULL, NULL, NULL, "", NULL, NULL, TLS_UNKNOWN, NULL, 0, CERTIFICATE_UNTOLD, NULL, false, U },
	/* What a client may choose: HELO, its DNS name, the envelope sender. */
	{ "a DNS name like AUTH", "from a (authenticated.evil.example [192.0.2.1]) by r with ESMTP id 1; x", "r", "a",
	  "authenticated.evil.example", "192.0.2.1", "ESMTP", NULL, TLS_UNKNOWN, NULL, 0, CERTIFICATE_UNTOLD, NULL, false,
	  C },
	{ "a DNS name like a cipher", "from a (cipher=X [192.0.2.1]) by r with ESMTP id 1; x", "r", "a", NULL, "192.0.2.1",
	  "ESMTP", NULL, TLS_UNKNOWN, NULL, 0, CERTIFICATE_UNTOLD, NULL, false, C },
	{ "a HELO like a cipher", "from b ([192.0.2.1] helo=cipher=X) by r with esmtp id 1; x", "r", "cipher=X", "b",
	  "192.0.2.1", "esmtp", NULL, TLS_UNKNOWN, NULL, 0, CERTIFICATE_UNTOLD, NULL, false, C },
	{ "a HELO like TLS", "from unknown (HELO version=TLSv1.3) (192.0.2.1) by r with SMTP; x", "r", "version=TLSv1.3",
	  NULL, "192.0.2.1", "SMTP", NULL, TLS_UNKNOWN, NULL, 0, CERTIFICATE_UNTOLD, NULL, false, C },
	{ "a HELO like an address", "from [198.51.100.1] (b [192.0.2.1]) by r with SMTP; x", "r", "[198.51.100.1]", "b",
	  "192.0.2.1", "SMTP", NULL, TLS_UNKNOWN, NULL, 0, CERTIFICATE_UNTOLD, NULL, false, C },
	{ "a sender like a cipher",
	  "from a (b [192.0.2.1]) by r with esmtp (envelope-from <cipher=X@evil.example>) id 1; x", "r", "a", "b",
	  "192.0.2.1", "esmtp", NULL, TLS_UNKNOWN, NULL, 0, CERTIFICATE_UNTOLD, NULL, false, C },
	{ "clauses twice", "from a by r with ESMTP id 1 from c by d with ESMTPS id 2; x", "r", "a", NULL, "", "ESMTP", NULL,
	  TLS_UNKNOWN, NULL, 0, CERTIFICATE_UNTOLD, NULL, false, C },
	{ "a comment without end", "from a (b [192.0.2.1] by r with ESMTPS (((; x", NULL, "a", "b", "192.0.2.1", NULL, NULL,
	  TLS_UNKNOWN, NULL, 0, CERTIFICATE_UNTOLD, NULL, false, U },
	{ "a quote without end", "from \"a by r with ESMTPS; x", NULL, "\"a by r with ESMTPS; x", NULL, "", NULL, NULL,
	  TLS_UNKNOWN, NULL, 0, CERTIFICATE_UNTOLD, NULL, false, U },
	{ "a clause without value", "from by with", NULL, "by", NULL, "", NULL, NULL, TLS_UNKNOWN, NULL, 0,
	  CERTIFICATE_UNTOLD, NULL, false, U },
	{ "an escape at the end", "from a (\\", NULL, "a", "\\", "", NULL, NULL, TLS_UNKNOWN, NULL, 0, CERTIFICATE_UNTOLD,
	  NULL, false, U },
	{ "no cipher", "from a (b [192.0.2.1]) by r with ESMTP id 1 (version=NONE cipher=NONE bits=0 verify=NO); x", "r",
	  "a", "b", "192.0.2.1", "ESMTP", NULL, TLS_UNKNOWN, NULL, 0, CERTIFICATE_UNTOLD, NULL, false, C },
};

static bool same(struct span got, const char *expected)
{
	return span_absent(got) == (expected == NULL) && span_equal(got, span_of(expected));
}

static void test_rows(void)
{
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		struct received got;
		char address[ADDRESS_TEXT_SIZE];
		received_parse(span_of(rows[i].value), &got);
		address_format(&got.address, address);
		ok(same(got.by, rows[i].by), "%s: by", rows[i].what);
		ok(same(got.from, rows[i].from), "%s: from", rows[i].what);
		ok(same(got.from_name, rows[i].from_name), "%s: its DNS name", rows[i].what);
		ok(strcmp(address, rows[i].address) == 0, "%s: its address", rows[i].what);
		ok(same(got.protocol, rows[i].protocol), "%s: with", rows[i].what);
		ok(same(got.tls_text, rows[i].tls_text), "%s: the TLS version", rows[i].what);
		ok(got.tls == rows[i].tls, "%s: which one", rows[i].what);
		ok(same(got.cipher, rows[i].cipher), "%s: the cipher", rows[i].what);
		ok(got.bits == rows[i].bits, "%s: %lu bits", rows[i].what, got.bits);
		ok(got.certificate == rows[i].certificate, "%s: the certificate", rows[i].what);
		ok(same(got.certificate_name, rows[i].certificate_name), "%s: its name", rows[i].what);
		ok(got.authenticated == rows[i].authenticated, "%s: AUTH", rows[i].what);
		ok(got.encryption == rows[i].encryption, "%s: encrypted: %d", rows[i].what, (int)got.encryption);
	}
}

static void test_rest(void)
{
	struct received got;
	received_parse(span_of("from a by b with ESMTP id xyz (x); Wed, 1 Apr 2026 10:00:00 +0000 (UTC) "), &got);
	is_span(got.id, span_of("xyz"), "the queue's name");
	is_span(got.date, span_of("Wed, 1 Apr 2026 10:00:00 +0000 (UTC)"), "the date");
	received_parse(span_make(NULL, 0), &got);
	ok(span_absent(got.by) && got.encryption == RECEIVED_UNTOLD, "an absent field");
	for (size_t depth = 1; depth < 2000; depth *= 2) {
		char text[4100];
		memset(text, '(', depth);
		memset(text + depth, ')', depth);
		memcpy(text + 2 * depth, "by r with ESMTPS", 17);
		received_parse(span_of(text), &got);
		ok(same(got.by, "r"), "%zu comments in one another", depth);
	}
}

int main(void)
{
	test_rows();
	test_rest();
	return done_testing();
}
