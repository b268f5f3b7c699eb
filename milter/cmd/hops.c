/* SPDX-License-Identifier: BSD-2-Clause */
#include "config.h"

#include "cmd/hops.h"

#include <stdlib.h>

#include "cmd/relayctl.h"
#include "cmd/terminal.h"
#include "core/header.h"
#include "core/log_entry.h"

#define ROW_SIZE (6 * LOG_PRINTABLE_SIZE)
#define TRUST_SIZE (2 * LOG_PRINTABLE_SIZE + 400)
#define LABEL_INDENT 12
#define ROW_INDENT 16

static bool is_own(const struct hops *hops, struct span by)
{
	for (size_t i = 0; i < hops->names; i++)
		if (span_equal_nocase(hops->own_names[i], by))
			return true;
	return false;
}

static bool take_field(void *context, struct span name, struct span value)
{
	struct hops *hops = context;
	struct received received;
	struct span plain = span_trim(name);

	if (span_starts_nocase(plain, span_of("X-SFDC-TLS")) || span_equal_nocase(plain, span_of("X-SFDCTLS"))) {
		if (hops->fields < HOPS_FIELDS_SHOWN)
			hops->shown_fields[hops->fields] = (struct hops_field) { plain, span_trim(value) };
		hops->fields++;
	}
	if (!span_equal_nocase(plain, span_of("Received")))
		return true;
	received_parse(value, &received);
	if (hops->count < HOPS_SHOWN)
		hops->shown[hops->count] = received;
	hops->count++;
	hops->clear += received.encryption == RECEIVED_CLEAR;
	if (hops->own == 0 && is_own(hops, received.by))
		hops->own = hops->count;
	return true;
}

static void add_name(struct hops *hops, struct span name)
{
	if (name.length != 0 && !is_own(hops, name) && hops->names < HOPS_NAMES_MAX)
		hops->own_names[hops->names++] = name;
}

void hops_read(struct span raw, const struct settings *settings, const char *own_host, struct hops *hops_r)
{
	struct span body;
	unsigned defects;
	memset(hops_r, 0, sizeof *hops_r);
	add_name(hops_r, settings->authserv_id);
	add_name(hops_r, span_of(own_host));
	message_split(raw, take_field, hops_r, &body, &defects);
}

enum hop_trust hops_trust(const struct hops *hops, size_t i)
{
	if (hops->own == 0 || i + 1 > hops->own)
		return HOP_CLAIMED;
	return i + 1 == hops->own ? HOP_OWN : HOP_BEHIND;
}

static const char *const trusts[] = { [HOP_BEHIND] = "behind", [HOP_OWN] = "own", [HOP_CLAIMED] = "claimed" };

static const char *const certificates[] = {
	[CERTIFICATE_UNTOLD] = "",
	[CERTIFICATE_NONE] = "none",
	[CERTIFICATE_UNVERIFIED] = "unverified",
	[CERTIFICATE_VERIFIED] = "verified",
};

static const char *const encryptions[] = {
	[RECEIVED_UNTOLD] = "unknown",
	[RECEIVED_ENCRYPTED] = "yes",
	[RECEIVED_CLEAR] = "no",
	[RECEIVED_LOCAL] = "local",
};

struct row {
	char text[ROW_SIZE];
	size_t length;
};

static void put(struct row *row, const char *before, struct span text, const char *behind)
{
	char shown[LOG_PRINTABLE_SIZE];
	if (span_absent(text))
		return;
	terminal_escape(text, shown, sizeof shown);
	int length = snprintf(row->text + row->length, sizeof row->text - row->length, "%s%s%s", before, shown, behind);
	if (length > 0 && (size_t)length < sizeof row->text - row->length)
		row->length += (size_t)length;
}

static void put_encryption(struct row *row, const struct received *hop)
{
	char bits[32];
	snprintf(bits, sizeof bits, "%lu bits", hop->bits);
	switch (hop->encryption) {
	case RECEIVED_CLEAR:
		put(row, ": NOT ENCRYPTED (", hop->protocol, ")");
		return;
	case RECEIVED_LOCAL:
		put(row, "", span_of(": within one machine or system"), "");
		return;
	case RECEIVED_UNTOLD:
		put(row, "", span_of(": whether it was encrypted is not told"), "");
		return;
	case RECEIVED_ENCRYPTED:
		break;
	}
	put(row, ": ", span_absent(hop->tls_text) ? span_of("encrypted, TLS version not told") : hop->tls_text, "");
	if (hop->tls != TLS_UNKNOWN && hop->tls < TLS_1_2)
		put(row, "", span_of(" (older than 1.2)"), "");
	put(row, ", ", hop->cipher, "");
	if (hop->bits != 0)
		put(row, ", ", span_of(bits), "");
	if (hop->certificate == CERTIFICATE_NONE)
		put(row, "", span_of(", no client certificate"), "");
	else if (hop->certificate != CERTIFICATE_UNTOLD || !span_absent(hop->certificate_name))
		put(row, "", span_of(", client certificate"), "");
	put(row, " of ", hop->certificate_name, "");
	if (hop->certificate == CERTIFICATE_VERIFIED || hop->certificate == CERTIFICATE_UNVERIFIED)
		put(row, " (", span_of(certificates[hop->certificate]), ")");
}

static void print_hop(FILE *out, const struct hops *hops, size_t i)
{
	const struct received *hop = &hops->shown[i];
	enum hop_trust trust = hops_trust(hops, i);
	char address[ADDRESS_TEXT_SIZE];
	struct row row = { .length = 0 };

	address_format(&hop->address, address);
	put(&row, "", span_absent(hop->by) ? span_of("a server that is not named") : hop->by, "");
	put(&row, " from ", hop->from, "");
	if (!span_absent(hop->from_name) && !span_equal_nocase(hop->from_name, hop->from))
		put(&row, span_absent(hop->from) ? " from (" : " (", hop->from_name, ")");
	if (address[0] != '\0')
		put(&row, span_absent(hop->from) && span_absent(hop->from_name) ? " from [" : " [", span_of(address), "]");
	put_encryption(&row, hop);
	if (hop->authenticated)
		put(&row, ", ", span_of("authenticated"), "");
	fprintf(out, "  %4zu  ", i + 1);
	terminal_put(out, trust == HOP_OWN ? SHADE_STRONG : SHADE_DIM, span_of(trusts[trust]), 8);
	terminal_fold(out, span_make(row.text, row.length), ROW_INDENT, ROW_INDENT);
}

static void print_row(FILE *out, const char *label, const char *text)
{
	fprintf(out, "  %-*s", LABEL_INDENT - 2, label);
	terminal_fold(out, span_of(text), LABEL_INDENT, LABEL_INDENT);
}

/* "2 of 5: 3, 4" */
static void print_clear(FILE *out, const struct hops *hops)
{
	char text[HOPS_SHOWN * 8 + 64];
	const char *join = hops->clear == 1 ? ": hop " : ": hops ";
	size_t length = (size_t)snprintf(text, sizeof text, "%zu of %zu", hops->clear, hops->count);
	for (size_t i = 0; i < hops->count && i < HOPS_SHOWN; i++)
		if (hops->shown[i].encryption == RECEIVED_CLEAR) {
			length += (size_t)snprintf(text + length, sizeof text - length, "%s%zu", join, i + 1);
			join = ", ";
		}
	if (hops->count > HOPS_SHOWN)
		snprintf(text + length, sizeof text - length, ", ...");
	print_row(out, "in clear", hops->clear == 0 ? "no hop, as far as they tell" : text);
}

static void print_trust(FILE *out, const struct hops *hops)
{
	char name[LOG_PRINTABLE_SIZE];
	char text[TRUST_SIZE];
	struct span own = hops->names != 0 ? hops->own_names[0] : span_make(NULL, 0);
	if (hops->own != 0 && hops->own <= HOPS_SHOWN)
		own = hops->shown[hops->own - 1].by;
	terminal_escape(own, name, sizeof name);
	if (hops->own == 0)
		snprintf(text, sizeof text, "none is by %s: all of this is only claimed, by whoever sent the message",
		         hops->names != 0 ? name : "a relay that is known here");
	else
		snprintf(text, sizeof text,
		         "hop %zu is by %s, and true if the message was taken behind that relay; what is below it is only "
		         "claimed, by whoever sent the message%s",
		         hops->own, name, hops->own > 1 ? "; what is above it, by servers behind the relay" : "");
	print_row(out, "trust", text);
}

void hops_print(FILE *out, const struct hops *hops)
{
	char text[128];
	fprintf(out, "\n  %-*sthe newest first\n", LABEL_INDENT - 2, "hops");
	for (size_t i = 0; i < hops->count && i < HOPS_SHOWN; i++)
		print_hop(out, hops, i);
	if (hops->count > HOPS_SHOWN) {
		snprintf(text, sizeof text, "%zu more Received fields are not shown", hops->count - HOPS_SHOWN);
		print_row(out, "", text);
	}
	if (hops->count == 0)
		print_row(out, "", "there is no Received field");
	else
		print_clear(out, hops);
	for (size_t i = 0; i < hops->fields && i < HOPS_FIELDS_SHOWN; i++) {
		struct row row = { .length = 0 };
		put(&row, "", hops->shown_fields[i].name, "");
		put(&row, ": ", hops->shown_fields[i].value, " (claimed)");
		fprintf(out, "  %-*s", LABEL_INDENT - 2, "field");
		terminal_fold(out, span_make(row.text, row.length), LABEL_INDENT, LABEL_INDENT);
	}
	if (hops->fields > HOPS_FIELDS_SHOWN) {
		snprintf(text, sizeof text, "%zu more of these are not shown", hops->fields - HOPS_FIELDS_SHOWN);
		print_row(out, "", text);
	}
	print_trust(out, hops);
}

static void set_text(json_t *object, const char *key, struct span text)
{
	if (!span_absent(text))
		json_object_set_new(object, key, relayctl_json_shown(text));
}

static json_t *hop_json(const struct hops *hops, size_t i)
{
	const struct received *hop = &hops->shown[i];
	char address[ADDRESS_TEXT_SIZE];
	json_t *object =
		json_pack("{s:s, s:s}", "trust", trusts[hops_trust(hops, i)], "encrypted", encryptions[hop->encryption]);
	address_format(&hop->address, address);
	set_text(object, "by", hop->by);
	set_text(object, "from", hop->from);
	set_text(object, "from_name", hop->from_name);
	set_text(object, "address", address[0] != '\0' ? span_of(address) : span_make(NULL, 0));
	set_text(object, "protocol", hop->protocol);
	set_text(object, "tls", hop->tls_text);
	set_text(object, "cipher", hop->cipher);
	if (hop->bits != 0)
		json_object_set_new(object, "bits", json_integer((json_int_t)hop->bits));
	if (hop->certificate != CERTIFICATE_UNTOLD)
		json_object_set_new(object, "certificate", json_string(certificates[hop->certificate]));
	set_text(object, "certificate_name", hop->certificate_name);
	if (hop->authenticated)
		json_object_set_new(object, "authenticated", json_true());
	set_text(object, "id", hop->id);
	set_text(object, "date", hop->date);
	return object;
}

json_t *hops_json(const struct hops *hops)
{
	json_t *list = json_array();
	json_t *fields = json_array();
	for (size_t i = 0; i < hops->count && i < HOPS_SHOWN; i++)
		json_array_append_new(list, hop_json(hops, i));
	for (size_t i = 0; i < hops->fields && i < HOPS_FIELDS_SHOWN; i++)
		json_array_append_new(fields, json_pack("[o, o]", relayctl_json_shown(hops->shown_fields[i].name),
		                                        relayctl_json_shown(hops->shown_fields[i].value)));
	return json_pack("{s:I, s:I, s:I, s:o, s:o}", "count", (json_int_t)hops->count, "own", (json_int_t)hops->own,
	                 "in_clear", (json_int_t)hops->clear, "received", list, "tls_fields", fields);
}
