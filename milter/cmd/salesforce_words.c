/* SPDX-License-Identifier: BSD-2-Clause */
#include "cmd/salesforce_words.h"

#include <stdio.h>

#define CUT_MIN 19 /* bytes of a text that was cut by which it is known: "[internal] " and eight more */
#define REASON_CODE_MAX 32
#define SENTENCE_MIN 20

#define SEE_RELAY "sfdc-relayctl check-relay HOST"
#define SEE_OPEN "sfdc-relayctl check-relay --probe-open-relay HOST"
#define SEE_MESSAGE "sfdc-relayctl check-message --explain MESSAGE"
#define SEE_CONFIG "sfdc-relayctl check-config --mta postfix"

#define CHAIN_MEANING                                                                                                        \
	"Salesforce does not trust the certificate of your relay: an intermediate certificate is missing, a certificate of the " \
	"chain has expired, or the CA is none that it knows"
#define CHAIN_LOOK                                                                                                              \
	"in smtpd_tls_chain_files or smtpd_tls_cert_file of Postfix, confSERVER_CERT of Sendmail: the server's certificate first, " \
	"then every intermediate; reload the mail server after each renewal"
#define NAME_MEANING "the certificate of your relay does not name the host that Salesforce connects to"
#define NAME_LOOK                                                                                                                \
	"compare Host in Salesforce's Email Relay with the subjectAltName of the certificate; where the host has MX records, it is " \
	"the MX host that counts; an IP address as Host never matches"
#define NET_LOOK                                                                                                       \
	"the firewall, the port in Salesforce's Email Relay (25, 587, 10025 or 11025), and whether the mail server runs"
#define SLOW_LOOK                                                                                                      \
	"the relay's own log at that time: DNS look-ups of the client's name, a milter or policy service that does not answer, a full disk"

static const struct words_row rows[WORDS_COUNT] = {
	[WORDS_NONE] = { WORDS_OF_SALESFORCE, "", "", "", "", NULL },
	[WORDS_CHAIN] = { WORDS_OF_SALESFORCE, "451 4.7.5",
	                  "[internal] remote node SSL certificate not signed by a valid CA", CHAIN_MEANING, CHAIN_LOOK,
	                  SEE_RELAY },
	[WORDS_CHAIN_CA] = { WORDS_OF_SALESFORCE, "451 4.7.5", "[internal] SSL cert must be signed by a valid CA",
	                     CHAIN_MEANING, CHAIN_LOOK, SEE_RELAY },
	[WORDS_NAME] = { WORDS_OF_SALESFORCE, "451 4.7.5", "[internal] SSL cert common name does not match host",
	                 NAME_MEANING, NAME_LOOK, SEE_RELAY },
	[WORDS_NAME_SUBJECT] = { WORDS_OF_SALESFORCE, "451 4.7.5", "[internal] SSL certificate subject does not match host",
	                         NAME_MEANING, NAME_LOOK, SEE_RELAY },
	[WORDS_EXPIRED] = { WORDS_OF_SALESFORCE, "454", "certificate expired|certificate has expired",
	                    "a certificate of your relay is no longer valid",
	                    "renew it, and reload the mail server: until then it goes on with the old one", SEE_RELAY },
	[WORDS_NOT_YET] = { WORDS_OF_SALESFORCE, "454",
	                    "certificate not yet valid: possible clock skew|certificate is not yet valid",
	                    "a certificate of your relay is not valid yet",
	                    "its first day of validity; the clock of the machine that made it", SEE_RELAY },
	[WORDS_STARTTLS_ABSENT] = { WORDS_OF_SALESFORCE, "451 4.7.6", "[internal] STARTTLS required but not advertised",
	                            "the TLS Setting is Required or Required Verify, and the relay does not offer STARTTLS",
	                            "smtpd_tls_security_level of that port, a certificate that cannot be read (the relay's log), a "
	                            "firewall that inspects SMTP and takes STARTTLS away, the port in Salesforce's Email Relay",
	                            SEE_RELAY },
	[WORDS_STARTTLS_UNSENT] = { WORDS_OF_SALESFORCE, "451 4.7.5", "[internal] send STARTTLS failed",
	                            "the connection ended when Salesforce asked for STARTTLS",
	                            "the relay's own log, the firewall", SEE_RELAY },
	[WORDS_STARTTLS_REFUSED] = { WORDS_OF_SALESFORCE, "451 4.7.5", "[internal] no tls go-ahead",
	                             "the relay offered STARTTLS and then refused it, or did not answer",
	                             "the relay's own log: a key that cannot be read, no room, or, with \"454 4.7.1 Service unavailable\", a "
	                             "milter that cannot be reached",
	                             SEE_RELAY },
	[WORDS_HANDSHAKE] = { WORDS_OF_SALESFORCE, "451 4.7.5", "[internal] TLS negotiation failed",
	                      "the TLS handshake failed: no common version or cipher, no usable key, or a client certificate demanded",
	                      "smtpd_tls_mandatory_protocols (Salesforce has TLS 1.2 and 1.3), ciphers, smtpd_tls_req_ccert, and the "
	                      "relay's own log",
	                      SEE_RELAY },
	[WORDS_TLS_MEMORY] = { WORDS_OF_SALESFORCE, "451", "[internal] memory shortage while determining tls parameters",
	                       "a trouble of Salesforce's own server", "nothing of yours; it tries again", NULL },
	[WORDS_NULL_MX] = { WORDS_OF_SALESFORCE, "550 5.4.4", "[internal] NULL MX domain does not accept mail",
	                    "the domain has the MX record \"0 .\", which says that it takes no mail",
	                    "Host in Salesforce's Email Relay, or the recipient's domain if that mail did not take the relay",
	                    SEE_RELAY },
	[WORDS_NO_ADDRESS] = { WORDS_OF_SALESFORCE, "454 4.4.4", "[internal] no MX or A for domain",
	                       "the DNS has neither an MX nor an address record for the host",
	                       "Host in Salesforce's Email Relay, its zone as it is seen from the Internet", SEE_RELAY },
	[WORDS_LOOKUP_FAILED] = { WORDS_OF_SALESFORCE, "554 5.4.4", "[internal] Domain Lookup Failed",
	                          "the DNS of the host could not be asked, or said that there is no such name",
	                          "its name servers, its DNSSEC signatures, Host in Salesforce's Email Relay", SEE_RELAY },
	[WORDS_NO_DOMAIN] = { WORDS_OF_SALESFORCE, "554", "No Valid Domain",
	                      "the address or the host has no domain that can be looked up",
	                      "Host in Salesforce's Email Relay, the recipient's address", NULL },
	[WORDS_PRIVATE] = { WORDS_OF_SALESFORCE, "551 5.4.6", "[internal] Private/Loopback Address",
	                    "the host's address is a private or a loopback one, which Salesforce cannot reach",
	                    "the address record of Host as it is seen from the Internet", SEE_RELAY },
	[WORDS_UNREACHABLE] = { WORDS_OF_SALESFORCE, "451 4.4.1",
	                        "[internal] No valid hosts (unable to make any connections)",
	                        "no connection to the relay could be made", NET_LOOK, SEE_RELAY },
	[WORDS_NO_HOSTS] = { WORDS_OF_SALESFORCE, "451 4.4.1", "[internal] No valid hosts",
	                     "there was no host that could be tried", NET_LOOK, SEE_RELAY },
	[WORDS_MX_UNREACHABLE] = { WORDS_OF_SALESFORCE, "421 4.4.0",
	                           "[internal] no MXs for this domain could be reached at this time",
	                           "no MX host of the relay's name could be reached",
	                           "the MX records of Host, which come before its address; " NET_LOOK, SEE_RELAY },
	[WORDS_CONNECT_TIMEOUT] = { WORDS_OF_SALESFORCE, "450 4.4.1", "[internal] Connection Timed Out",
	                            "nothing answered when Salesforce connected: most often a firewall that drops",
	                            NET_LOOK, SEE_RELAY },
	[WORDS_NO_BANNER] = { WORDS_OF_SALESFORCE, "451 4.4.2", "[internal] no banner",
	                      "the connection was made, and no SMTP greeting came",
	                      "a port that is not SMTP or begins with TLS (465), a firewall between; " SLOW_LOOK,
	                      SEE_RELAY },
	[WORDS_NO_EHLO] = { WORDS_OF_SALESFORCE, "451 4.4.2", "[internal] no HELO/EHLO response", "EHLO was not answered",
	                    SLOW_LOOK, SEE_RELAY },
	[WORDS_EHLO_UNSENT] = { WORDS_OF_SALESFORCE, "451 4.4.2", "[internal] send HELO/EHLO failed",
	                        "the connection ended before EHLO", SLOW_LOOK, SEE_RELAY },
	[WORDS_NO_MAIL] = { WORDS_OF_SALESFORCE, "451 4.4.2",
	                    "[internal] no MAIL FROM response|[internal] send MAIL FROM failed",
	                    "MAIL FROM was not answered", SLOW_LOOK, NULL },
	[WORDS_NO_RCPT] = { WORDS_OF_SALESFORCE, "451 4.4.2",
	                    "[internal] no RCPT TO response|[internal] send RCPT TO failed", "RCPT TO was not answered",
	                    SLOW_LOOK, NULL },
	[WORDS_NO_DATA] = { WORDS_OF_SALESFORCE, "451 4.4.2", "[internal] no DATA response|[internal] send DATA failed",
	                    "DATA was not answered", SLOW_LOOK, NULL },
	[WORDS_NO_BODY] = { WORDS_OF_SALESFORCE, "451 4.4.2", "[internal] no BODY response|[internal] send BODY failed",
	                    "the message was sent, and no answer came: it may have been delivered all the same, and comes again",
	                    "a content filter or milter that is slower than Salesforce waits; message_timeout; " SLOW_LOOK,
	                    NULL },
	[WORDS_CLOSED] = { WORDS_OF_SALESFORCE, "451 4.4.2", "[internal] connection closed by remote host",
	                   "the relay, or a firewall before it, ended the connection",
	                   "the relay's own log at that time: limits of connections, a process that died, a client certificate demanded",
	                   SEE_RELAY },
	[WORDS_TOO_OLD] = { WORDS_OF_SALESFORCE, "554 5.4.7", "[internal] exceeded max time without delivery",
	                    "the relay could not be reached, or answered 4xx, for 24 hours: the message is lost and the recipient flagged",
	                    "the Email Log of the day before has the reason of each attempt", SEE_RELAY },
	[WORDS_TOO_OFTEN] = { WORDS_OF_SALESFORCE, "554 5.4.7", "[internal] exceeded max retries without delivery",
	                      "all attempts failed: the message is lost and the recipient flagged",
	                      "the Email Log has the reason of each attempt", SEE_RELAY },
	[WORDS_NOT_TRIED] = { WORDS_OF_SALESFORCE, "554 5.4.5", "[internal] Delivery not attempted (message expired)",
	                      "the message waited too long behind others and was never tried",
	                      "what the Email Log says of the other messages to the relay at that time", SEE_RELAY },
	[WORDS_PURGED] = { WORDS_OF_SALESFORCE, "554 5.7.0", "[internal] Message manually purged|[internal] Blackholed",
	                   "somebody at Salesforce removed the message", "ask Salesforce's support", NULL },
	[WORDS_POLICY] = { WORDS_OF_SALESFORCE, "550 5.7.1", "[internal] discarded by policy|[internal] rejected by policy",
	                   "a rule of Salesforce's own stopped the message, as for a sender's domain that is not verified",
	                   "verified domains and DKIM keys in Salesforce Setup", NULL },
	[WORDS_BODY_MISSING] = { WORDS_OF_SALESFORCE, "550 5.3.0", "[internal] message body missing",
	                         "a trouble of Salesforce's own server", "send the message again", NULL },
	[WORDS_TLS_WANTED] = { WORDS_OF_RELAY, "530 5.7.0",
	                       "Must issue a STARTTLS command first|must issue starttls|encryption required|tls required",
	                       "the relay takes mail over TLS only, and Salesforce came without",
	                       "TLS Setting in Salesforce's Email Relay: Off never uses TLS; Preferred goes on in clear where TLS fails",
	                       SEE_RELAY },
	[WORDS_AUTH_WANTED] = { WORDS_OF_RELAY, "530 5.7.0",
	                        "Authentication required|authentication is required|5.7.3 client was not authenticated",
	                        "the relay asks for SMTP AUTH, and Salesforce did not log in",
	                        "user and password in Salesforce's Email Relay; AUTH must be offered after STARTTLS, with PLAIN or LOGIN",
	                        SEE_RELAY },
	[WORDS_AUTH_FAILED] = { WORDS_OF_RELAY, "535 5.7.8",
	                        "authentication failed|authentication credentials invalid|authentication unsuccessful|"
	                        "username and password not accepted",
	                        "the relay did not take the user and password of Salesforce's Email Relay",
	                        "the password there, and the relay's own log of SASL", NULL },
	[WORDS_AUTH_TROUBLE] = { WORDS_OF_RELAY, "454 4.7.0", "Temporary authentication failure",
	                         "the relay could not look up users: its SASL service is not there",
	                         "saslauthd or Dovecot, cyrus_sasl_config_path, and the relay's own log", NULL },
	[WORDS_AUTH_MECHANISM] = { WORDS_OF_RELAY, "535 5.7.8",
	                           "no mechanism available|unrecognized authentication type|authentication mechanism is not",
	                           "the relay does not know the mechanism; Salesforce has PLAIN and LOGIN only",
	                           "mech_list of Cyrus SASL, auth_mechanisms of Dovecot", SEE_RELAY },
	[WORDS_RELAY_DENIED] = { WORDS_OF_RELAY, "554 5.7.1",
	                         "Relay access denied|relaying denied|unable to relay|not permitted to relay",
	                         "the relay does not relay for the address that Salesforce came from, or not without AUTH",
	                         "smtpd_relay_restrictions of that port: AUTH, or Salesforce's addresses, which change",
	                         SEE_CONFIG },
	[WORDS_CLIENT_REFUSED] = { WORDS_OF_RELAY, "554 5.7.1",
	                           "Client host rejected|blocked using|cannot find your hostname",
	                           "a rule of the relay, or a block list it asks, refuses the address that Salesforce came from",
	                           "smtpd_client_restrictions of that port", SEE_CONFIG },
	[WORDS_SENDER_REFUSED] = { WORDS_OF_RELAY, "550 5.7.1", "Sender address rejected",
	                           "a rule of the relay refuses the envelope sender, often that of bounce management below bnc.salesforce.com",
	                           "smtpd_sender_restrictions of that port", SEE_CONFIG },
	[WORDS_RECIPIENT_REFUSED] = { WORDS_OF_RELAY, "550 5.1.1", "Recipient address rejected|user unknown|no such user",
	                              "the relay, or the server behind it, does not take the recipient",
	                              "the address in Salesforce; relay_recipient_maps and reject_unverified_recipient of the relay",
	                              NULL },
	[WORDS_SIZE] = { WORDS_OF_RELAY, "552 5.3.4",
	                 "message size exceeds|message size limit exceeded|message file too big|exceeds fixed limit|exceeds fixed maximum",
	                 "the message is larger than the relay takes",
	                 "message_size_limit of Postfix, confMAX_MESSAGE_SIZE of Sendmail", SEE_RELAY },
	[WORDS_SIZE_NOW] = { WORDS_OF_RELAY, "421 4.3.0", "message is too large to process at this time",
	                     "the server had no room for a message of that size", "disk space, message_size_limit",
	                     SEE_RELAY },
	[WORDS_SPACE] = { WORDS_OF_RELAY, "452 4.3.1", "Insufficient system storage", "the relay's queue has no room",
	                  "disk space of the queue, queue_minfree", NULL },
	[WORDS_MILTER_DOWN] = { WORDS_OF_RELAY, "451 4.7.1", "Service unavailable - try again later|please try again later",
	                        "the relay's milter could not be reached or did not answer in time, and the relay waits for it, as it should",
	                        "whether sfdc-milter runs, its socket, and the relay's own log (\"milter\")", SEE_CONFIG },
	[WORDS_GREYLISTED] = { WORDS_OF_RELAY, "450 4.7.1", "greylist|graylist",
	                       "a greylisting service on the relay's port defers mail of clients it does not know",
	                       "check_policy_service of that port: Salesforce's mail needs none", NULL },
	[WORDS_BUSY] = { WORDS_OF_RELAY, "421 4.7.0",
	                 "too many connections|too many concurrent|all server ports are busy|too busy",
	                 "the relay has no room for another connection",
	                 "the process limit in master.cf, smtpd_client_connection_count_limit", NULL },
	[WORDS_RATE] = { WORDS_OF_RELAY, "450 4.7.1",
	                 "too much mail|connection rate limit|too many recipients|too many errors|rate limit exceeded",
	                 "a limit of the relay on the rate of its clients was reached",
	                 "the limits of anvil(8), and smtpd_client_event_limit_exceptions", NULL },
	[WORDS_TLS_TROUBLE] = { WORDS_OF_RELAY, "454 4.7.0",
	                        "TLS not available due to local problem|tls currently unavailable|tls not available",
	                        "the relay offers STARTTLS and cannot do it",
	                        "the relay's own log: a certificate or key that cannot be read, or do not belong together",
	                        SEE_RELAY },
	[WORDS_BARE_LINE_END] = { WORDS_OF_RELAY, "521 5.5.2", "bare <LF> received|bare LF|bare newline",
	                          "the message held a line end that is none, and the relay refuses those",
	                          "smtpd_forbid_bare_newline; with normalize such mail is mended", SEE_MESSAGE },
};

const struct words_row *words_row(enum words words)
{
	return &rows[(unsigned)words < WORDS_COUNT ? words : WORDS_NONE];
}

/* The next alternative of a row's text; absent after the last. */
static struct span alternative(const struct words_row *row, size_t *at)
{
	struct span text = span_of(row->text);
	if (*at >= text.length)
		return span_make(NULL, 0);
	size_t end = span_find(text, *at, '|');
	struct span found = span_slice(text, *at, end);
	*at = end + 1;
	return found;
}

const char *words_line(enum words words, char line_r[WORDS_LINE_SIZE])
{
	const struct words_row *row = words_row(words);
	size_t at = 0;
	struct span text = alternative(row, &at);
	snprintf(line_r, WORDS_LINE_SIZE, "%s%s%.*s", row->code, text.length > 0 ? " " : "", (int)text.length,
	         text.at ? text.at : "");
	return line_r;
}

size_t words_unfold(struct span line, char *to)
{
	size_t length = 0;
	for (size_t i = 0; i < line.length;) {
		bool broken = false;
		size_t end = i;
		for (; end < line.length && (line.at[end] == ' ' || (line.at[end] >= '\t' && line.at[end] <= '\r')); end++)
			broken = broken || line.at[end] == '\n' || line.at[end] == '\r';
		if (end == i) {
			to[length++] = line.at[i++];
			continue;
		}
		i = end;
		if (broken && length > 0 && to[length - 1] == '=')
			length--;
		else if (!(broken && length > 1 && to[length - 1] == '-' && ascii_alnum(to[length - 2])))
			to[length++] = ' ';
	}
	return length;
}

static enum words find_whole(struct span line)
{
	enum words best = WORDS_NONE;
	size_t length = 0;
	for (unsigned i = WORDS_NONE + 1; i < WORDS_COUNT; i++) {
		size_t at = 0;
		for (struct span text = alternative(&rows[i], &at); text.length > 0; text = alternative(&rows[i], &at))
			if (text.length > length && span_holds_nocase(line, text)) {
				best = (enum words)i;
				length = text.length;
			}
	}
	return best;
}

/* Without the marks that are put behind a text that was cut, and quotes around it. */
static struct span without_marks(struct span line)
{
	while (line.length > 0
	       && (strchr(".\"')] ", line.at[line.length - 1]) || (unsigned char)line.at[line.length - 1] > 0x7e))
		line.length--;
	return line;
}

/* How many bytes at the end of the line begin the text. */
static size_t begun(struct span line, struct span text)
{
	size_t most = line.length < text.length ? line.length : text.length;
	for (size_t length = most; length >= CUT_MIN; length--)
		if (span_ends_nocase(line, span_slice(text, 0, length)))
			return length;
	return 0;
}

static enum words find_cut(struct span line)
{
	enum words best = WORDS_NONE;
	size_t longest = 0;
	for (unsigned i = WORDS_NONE + 1; i < WORDS_COUNT; i++) {
		size_t at = 0;
		for (struct span text = alternative(&rows[i], &at); text.length > 0; text = alternative(&rows[i], &at)) {
			size_t length = begun(line, text);
			if (length > longest)
				best = (enum words)i;
			else if (length == longest && length != 0 && best != (enum words)i)
				best = WORDS_NONE;
			longest = length > longest ? length : longest;
		}
	}
	return best;
}

/* What Salesforce's own server says is nobody else's, even if it was cut. */
enum words words_find(struct span line)
{
	enum words whole = find_whole(line);
	bool internal = span_holds_nocase(line, span_of("[internal]"));
	if (whole != WORDS_NONE && (!internal || rows[whole].source == WORDS_OF_SALESFORCE))
		return whole;
	enum words cut = find_cut(without_marks(line));
	return cut != WORDS_NONE ? cut : whole;
}

static bool separates(char c)
{
	return c == ' ' || c == ',' || c == '\t' || c == ':' || c == '"' || c == '\'' || c == ';' || c == '-';
}

/* In whatever case. */
static bool reason_of(struct span word, enum reason *reason_r)
{
	char lower[REASON_CODE_MAX];
	if (word.length == 0 || word.length > sizeof lower)
		return false;
	for (size_t i = 0; i < word.length; i++)
		lower[i] = ascii_lower(word.at[i]);
	return reason_from_code(span_make(lower, word.length), reason_r) && *reason_r != REASON_NONE;
}

/* Those with the longest sentence that stands in the line; a sentence may be that of several. */
static size_t find_sentences(struct span line, enum reason reasons_r[WORDS_REASONS_MAX])
{
	size_t count = 0;
	size_t longest = SENTENCE_MIN;
	for (unsigned i = REASON_NONE + 1; i < REASON_COUNT; i++) {
		struct span sentence = span_of(reason_row((enum reason)i)->sentence);
		if (sentence.length < longest || !span_holds_nocase(line, sentence))
			continue;
		if (sentence.length > longest)
			count = 0;
		longest = sentence.length;
		if (count < WORDS_REASONS_MAX)
			reasons_r[count++] = (enum reason)i;
	}
	return count;
}

size_t words_reasons(struct span line, enum reason reasons_r[WORDS_REASONS_MAX])
{
	size_t count = 0;
	/* What stands behind the first colon that ends a reason is its sentence. */
	for (size_t at = 0; at < line.length && count < WORDS_REASONS_MAX;) {
		size_t end = at;
		while (end < line.length && (ascii_alnum(line.at[end]) || line.at[end] == '-'))
			end++;
		enum reason reason;
		bool found = reason_of(span_slice(line, at, end), &reason);
		if (found)
			reasons_r[count++] = reason;
		if (found && end < line.length && line.at[end] == ':')
			break;
		if (count > 0 && !found)
			break;
		at = end + 1;
	}
	return count > 0 ? count : find_sentences(line, reasons_r);
}

struct span words_session(struct span line)
{
	static const struct span before = SPAN_LITERAL("(id ");
	for (size_t i = 0; i + before.length < line.length; i++)
		if (span_starts_nocase(span_slice(line, i, line.length), before)) {
			struct span id = span_slice(line, i + before.length, span_find(line, i, ')'));
			return id.length > 0 ? id : span_make(NULL, 0);
		}
	return span_make(NULL, 0);
}

static bool stands_alone(struct span line, size_t from, size_t to)
{
	return (from == 0 || separates(line.at[from - 1])) && (to == line.length || separates(line.at[to]));
}

unsigned words_code(struct span line)
{
	for (size_t i = 0; i + 3 <= line.length; i++) {
		const char *c = line.at + i;
		if ((c[0] == '4' || c[0] == '5') && c[1] >= '0' && c[1] <= '5' && ascii_digit(c[2])
		    && stands_alone(line, i, i + 3))
			return (unsigned)(c[0] - '0') * 100 + (unsigned)(c[1] - '0') * 10 + (unsigned)(c[2] - '0');
	}
	return 0;
}

/* The end of 1 to 3 digits at from; from itself if there are none. */
static size_t digits(struct span line, size_t from)
{
	size_t end = from;
	while (end < line.length && end - from < 3 && ascii_digit(line.at[end]))
		end++;
	return end;
}

struct span words_enhanced(struct span line)
{
	for (size_t i = 0; i + 5 <= line.length; i++) {
		if ((line.at[i] != '4' && line.at[i] != '5') || line.at[i + 1] != '.')
			continue;
		size_t subject = digits(line, i + 2);
		if (subject == i + 2 || subject >= line.length || line.at[subject] != '.')
			continue;
		size_t end = digits(line, subject + 1);
		if (end > subject + 1 && stands_alone(line, i, end))
			return span_slice(line, i, end);
	}
	return span_make(NULL, 0);
}

const char *words_status(struct span enhanced)
{
	static const struct {
		const char *code;
		const char *meaning;
	} statuses[] = {
		{ "1.1", "there is no such mailbox" },
		{ "1.2", "there is no such domain" },
		{ "1.8", "the domain of the envelope sender cannot be answered" },
		{ "2.1", "the mailbox takes no mail" },
		{ "2.2", "the mailbox is full" },
		{ "3.1", "the mail system has no room" },
		{ "3.2", "the mail system takes no mail at the moment" },
		{ "3.4", "the message is too large" },
		{ "4.1", "the host did not answer" },
		{ "4.2", "the connection broke" },
		{ "4.3", "the DNS, or another directory, did not answer" },
		{ "4.4", "there is no route to the host" },
		{ "4.6", "the mail goes round in a loop" },
		{ "4.7", "the message could not be delivered in time" },
		{ "5.3", "too many recipients" },
		{ "5.4", "a command came with parameters that are not known" },
		{ "6.0", "something in the message itself is refused" },
		{ "7.0", "refused for reasons of security" },
		{ "7.1", "the policy of the server refuses it" },
		{ "7.5", "cryptography failed: TLS, a certificate or a signature" },
		{ "7.8", "user and password were not accepted" },
		{ "7.20", "no DKIM signature passes" },
		{ "7.21", "no DKIM signature that is acceptable passes" },
		{ "7.22", "no DKIM signature of the author's domain passes" },
		{ "7.23", "SPF does not pass" },
		{ "7.24", "the SPF record is broken" },
		{ "7.26", "neither SPF nor DKIM passes (DMARC)" },
	};
	if (enhanced.length < 5)
		return NULL;
	for (size_t i = 0; i < sizeof statuses / sizeof statuses[0]; i++)
		if (span_equal(span_slice(enhanced, 2, enhanced.length), span_of(statuses[i].code)))
			return statuses[i].meaning;
	return NULL;
}
