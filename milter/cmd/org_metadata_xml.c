/* SPDX-License-Identifier: BSD-2-Clause */
#include "config.h"

#include "cmd/org_metadata.h"

#include <libxml/parser.h>
#include <stdio.h>
#include <string.h>

#include "core/log_entry.h"

#define METADATA_NAMESPACE "http://soap.sforce.com/2006/04/metadata"
#define VALUE_MAX 32 /* "true", "false", and white space around it */

struct reading {
	xmlParserCtxtPtr parser;
	struct org_metadata *metadata;
	struct span file;
	char *problem;
	bool failed;
	unsigned depth;
	bool ours;                /* the root is one of the two types */
	const char *type;         /* which */
	enum org_setting setting; /* the element we are in; ORG_SETTINGS: none of ours */
	bool seen[ORG_SETTINGS];
	bool on[ORG_SETTINGS];
	bool read[ORG_SETTINGS]; /* it has a value */
	bool stray;              /* the element holds another, or more than a value could be */
	size_t length;
	char value[VALUE_MAX];
};

static void fail(struct reading *reading, const char *problem)
{
	if (reading->failed)
		return;
	snprintf(reading->problem, ORG_PROBLEM_SIZE, "%s", problem);
	reading->failed = true;
	xmlStopParser(reading->parser);
}

static struct span span_of_xml(const xmlChar *text)
{
	return span_of((const char *)text);
}

static void begin_root(struct reading *reading, struct span name)
{
	for (unsigned i = 0; i < ORG_SETTINGS; i++)
		if (span_equal(name, span_of(org_setting_type((enum org_setting)i)))) {
			reading->ours = true;
			reading->type = org_setting_type((enum org_setting)i);
		}
}

static void begin_setting(struct reading *reading, struct span name)
{
	for (unsigned i = 0; i < ORG_SETTINGS; i++) {
		if (strcmp(reading->type, org_setting_type((enum org_setting)i)) != 0
		    || !span_equal(name, span_of(org_setting_name((enum org_setting)i))))
			continue;
		reading->setting = (enum org_setting)i;
		if (reading->seen[i])
			fail(reading, "an element stands twice");
		reading->seen[i] = true;
	}
	reading->length = 0;
	reading->stray = false;
}

static void begin_element(void *context, const xmlChar *name, const xmlChar *prefix, const xmlChar *uri, int namespaces,
                          const xmlChar **declared, int attributes, int defaulted, const xmlChar **values)
{
	struct reading *reading = context;
	/* Files without a namespace are written by hand; another namespace has other elements. */
	bool known = !uri || span_equal(span_of_xml(uri), span_of(METADATA_NAMESPACE));
	(void)prefix, (void)namespaces, (void)declared, (void)attributes, (void)defaulted, (void)values;
	if (++reading->depth > ORG_XML_DEPTH)
		fail(reading, "its elements are too deep");
	else if (reading->depth == 1 && known)
		begin_root(reading, span_of_xml(name));
	else if (reading->depth == 2 && reading->ours && known)
		begin_setting(reading, span_of_xml(name));
	else if (reading->depth > 2)
		reading->stray = true;
}

static void end_setting(struct reading *reading)
{
	struct span value = span_trim(span_make(reading->value, reading->length));
	bool on = span_equal(value, span_of("true")) || span_equal(value, span_of("1"));
	bool off = span_equal(value, span_of("false")) || span_equal(value, span_of("0"));
	char problem[ORG_PROBLEM_SIZE];
	if (value.length == 0 && !reading->stray)
		return; /* as if it were not there: xsi:nil, or empty */
	if (reading->stray || (!on && !off)) {
		snprintf(problem, sizeof problem, "%s is neither true nor false", org_setting_name(reading->setting));
		fail(reading, problem);
		return;
	}
	reading->on[reading->setting] = on;
	reading->read[reading->setting] = true;
}

static void end_element(void *context, const xmlChar *name, const xmlChar *prefix, const xmlChar *uri)
{
	struct reading *reading = context;
	(void)name, (void)prefix, (void)uri;
	if (reading->depth == 2 && reading->setting != ORG_SETTINGS) {
		end_setting(reading);
		reading->setting = ORG_SETTINGS;
	}
	if (reading->depth > 0)
		reading->depth--;
}

static void take_text(void *context, const xmlChar *text, int length)
{
	struct reading *reading = context;
	size_t count = length > 0 ? (size_t)length : 0;
	if (reading->setting == ORG_SETTINGS)
		return;
	if (count > VALUE_MAX - reading->length) {
		reading->stray = true;
		return;
	}
	memcpy(reading->value + reading->length, text, count);
	reading->length += count;
}

static void refuse_type(void *context, const xmlChar *name, const xmlChar *external, const xmlChar *system)
{
	(void)name, (void)external, (void)system;
	fail(context, "it has a document type, as no metadata has");
}

#if LIBXML_VERSION >= 21200
static void take_error(void *context, const xmlError *error)
#else
static void take_error(void *context, xmlErrorPtr error)
#endif
{
	struct reading *reading = context;
	char shown[LOG_PRINTABLE_SIZE];
	if (reading->failed || error->level < XML_ERR_ERROR)
		return;
	log_entry_printable(span_trim(span_of(error->message ? error->message : "")), shown, sizeof shown);
	snprintf(reading->problem, ORG_PROBLEM_SIZE, "line %d: it is no XML: %.120s", error->line, shown);
	reading->failed = true;
	xmlStopParser(reading->parser);
}

static void keep(struct reading *reading)
{
	for (unsigned i = 0; i < ORG_SETTINGS; i++)
		if (reading->read[i])
			org_metadata_set(reading->metadata, (enum org_setting)i, reading->on[i], reading->file);
	reading->metadata->files++;
}

enum org_reading org_metadata_xml(struct org_metadata *metadata, struct span file, struct span xml,
                                  char problem_r[ORG_PROBLEM_SIZE])
{
	struct reading reading = { .metadata = metadata, .file = file, .problem = problem_r, .setting = ORG_SETTINGS };
	/* No tree is built, nothing is resolved. */
	xmlSAXHandler handler = {
		.initialized = XML_SAX2_MAGIC,
		.startElementNs = begin_element,
		.endElementNs = end_element,
		.characters = take_text,
		.cdataBlock = take_text,
		.internalSubset = refuse_type,
		.serror = take_error,
	};
	if (xml.length > ORG_XML_MAX) {
		snprintf(problem_r, ORG_PROBLEM_SIZE, "it is larger than %zu bytes", ORG_XML_MAX);
		return ORG_BROKEN;
	}
	reading.parser = xmlCreatePushParserCtxt(&handler, &reading, NULL, 0, NULL);
	if (!reading.parser) {
		snprintf(problem_r, ORG_PROBLEM_SIZE, "out of memory");
		return ORG_BROKEN;
	}
	xmlCtxtUseOptions(reading.parser, XML_PARSE_NONET);
	int status = xmlParseChunk(reading.parser, xml.at ? xml.at : "", (int)xml.length, 1);
	bool whole = status == 0 && reading.parser->wellFormed != 0;
	xmlFreeParserCtxt(reading.parser);
	if (!reading.failed && !whole)
		snprintf(problem_r, ORG_PROBLEM_SIZE, "it is no XML, or not whole");
	if (reading.failed || !whole)
		return ORG_BROKEN;
	if (!reading.ours)
		return ORG_NOT_OURS;
	keep(&reading);
	return ORG_READ;
}
