/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * org_metadata: what a Salesforce organization says of its own mail, as it was exported: records of five objects,
 * from the JSON of `sf data query`, and the settings of two kinds, from the XML files of an sfdx project.
 *
 * Nothing is judged here. A value that was not asked for, one that is null and one that has another type than it
 * should are three different things, and none of them is a value. What two files say differently is in dispute, and
 * marked as such. Texts are as they were written, of any bytes. Everything is copied into one arena. One thread.
 * Sources: Object Reference for the Salesforce Platform (EmailRelay, EmailDomainFilter, EmailDomainKey,
 * OrgWideEmailAddress, Organization); Metadata API Developer Guide (EmailAdministrationSettings,
 * EmailAuthorizationSettings).
 */
#ifndef SFDC_CMD_ORG_METADATA_H
#define SFDC_CMD_ORG_METADATA_H

#include <stdbool.h>
#include <stddef.h>

#include "core/arena.h"
#include "core/span.h"

/* X(enumerator, name as Salesforce has it) */
#define ORG_OBJECTS_LIST(X)                                                                                            \
	X(ORG_ORGANIZATION, "Organization")                                                                                \
	X(ORG_RELAY, "EmailRelay")                                                                                         \
	X(ORG_FILTER, "EmailDomainFilter")                                                                                 \
	X(ORG_KEY, "EmailDomainKey")                                                                                       \
	X(ORG_ADDRESS, "OrgWideEmailAddress")

enum org_object {
#define X(enumerator, name) enumerator,
	ORG_OBJECTS_LIST(X)
#undef X
		ORG_OBJECTS
};

/* X(enumerator, name as Salesforce has it): the fields that are read, of whatever object. */
#define ORG_FIELDS_LIST(X)                                                                                             \
	X(ORG_ID, "Id")                                                                                                    \
	X(ORG_IS_DELETED, "IsDeleted")                                                                                     \
	X(ORG_NAME, "Name")                                                                                                \
	X(ORG_IS_SANDBOX, "IsSandbox")                                                                                     \
	X(ORG_HOST, "Host")                                                                                                \
	X(ORG_PORT, "Port")                                                                                                \
	X(ORG_TLS_SETTING, "TlsSetting")                                                                                   \
	X(ORG_REQUIRE_AUTH, "IsRequireAuth")                                                                               \
	X(ORG_USERNAME, "Username")                                                                                        \
	X(ORG_RELAY_ID, "EmailRelayId")                                                                                    \
	X(ORG_FROM_DOMAIN, "FromDomain")                                                                                   \
	X(ORG_TO_DOMAIN, "ToDomain")                                                                                       \
	X(ORG_IS_ACTIVE, "IsActive")                                                                                       \
	X(ORG_DOMAIN, "Domain")                                                                                            \
	X(ORG_DOMAIN_MATCH, "DomainMatch")                                                                                 \
	X(ORG_MATCH_PATTERN, "DomainMatchPattern")                                                                         \
	X(ORG_SELECTOR, "Selector")                                                                                        \
	X(ORG_OTHER_SELECTOR, "AlternateSelector")                                                                         \
	X(ORG_RECORD_NAME, "TxtRecordName")                                                                                \
	X(ORG_OTHER_RECORD_NAME, "AlternateTxtRecordName")                                                                 \
	X(ORG_PUBLISH_STATE, "TxtRecordsPublishState")                                                                     \
	X(ORG_KEY_SIZE, "KeySize")                                                                                         \
	X(ORG_DNS_DELEGATED, "IsDnsDelegated")                                                                             \
	X(ORG_EMAIL_ADDRESS, "Address")                                                                                    \
	X(ORG_IS_VERIFIED, "IsVerified")

enum org_field {
#define X(enumerator, name) enumerator,
	ORG_FIELDS_LIST(X)
#undef X
		ORG_FIELDS
};

enum org_state {
	ORG_UNASKED, /* the query did not ask for it */
	ORG_NULL,    /* it has no value */
	ORG_WRONG,   /* it has a value of another type, or is longer than ORG_TEXT_MAX */
	ORG_VALUE
};

#define ORG_TEXT_MAX 4096 /* FromDomain may have 4000 characters */

struct org_value {
	enum org_state state;
	struct span text; /* of ORG_VALUE: never absent; numbers in digits, yes and no as "true" and "false" */
};

/* Something that is true, false, or not known: not told, no such value, or told in two ways. */
enum org_flag { ORG_FLAG_UNKNOWN, ORG_FLAG_NO, ORG_FLAG_YES, ORG_FLAG_DISPUTED };

struct org_record {
	enum org_object object;
	struct span file;
	bool disputed; /* another record with this Id says something else */
	struct org_value values[ORG_FIELDS];
	struct org_record *next;
};

/* X(enumerator, element, the type of settings it stands in) */
#define ORG_SETTINGS_LIST(X)                                                                                           \
	X(ORG_BOUNCE_MANAGEMENT, "enableHandleBouncedEmails", "EmailAdministrationSettings")                               \
	X(ORG_COMPLIANCE, "enableEmailSpfCompliance", "EmailAdministrationSettings")                                       \
	X(ORG_SENDER_COMPLIANCE, "enableEmailSenderIdCompliance", "EmailAdministrationSettings")                           \
	X(ORG_TLS_BY_DOMAIN, "enableRestrictTlsToDomains", "EmailAdministrationSettings")                                  \
	X(ORG_SUBSTITUTE, "enableSubstituteFromAddress", "EmailAuthorizationSettings")

enum org_setting {
#define X(enumerator, element, type) enumerator,
	ORG_SETTINGS_LIST(X)
#undef X
		ORG_SETTINGS
};

/* Why a file gave nothing, or not all. */
struct org_trouble {
	struct span file;
	struct span text; /* the end of a sentence "FILE: ...", printable */
	struct org_trouble *next;
};

#define ORG_RECORDS_MAX 5000
#define ORG_ARENA_MAX ((size_t)256 << 20)

struct org_metadata {
	struct arena arena;
	struct org_record *first[ORG_OBJECTS]; /* in the order in which they were read; no deleted ones */
	struct org_record *last[ORG_OBJECTS];
	bool asked[ORG_OBJECTS]; /* some file answers a query for it, with records or without */
	size_t records;
	enum org_flag settings[ORG_SETTINGS];
	struct span setting_files[ORG_SETTINGS];
	struct org_trouble *troubles;
	struct org_trouble *last_trouble;
	size_t files; /* that held something of this */
	bool partial; /* an answer is not whole, or a query failed */
};

/* *metadata is small; what it points to may reach ORG_ARENA_MAX, beyond which memory counts as short. */
void org_metadata_init(struct org_metadata *metadata);
void org_metadata_clear(struct org_metadata *metadata);

const char *org_object_name(enum org_object object);
const char *org_field_name(enum org_field field);
const char *org_setting_name(enum org_setting setting);
const char *org_setting_type(enum org_setting setting);

/* ORG_FIELDS or ORG_OBJECTS, where there is none of that name. Fields are compared without case, as SOQL does. */
enum org_field org_field_from_name(struct span name);
enum org_object org_object_from_name(struct span name);

/*
 * Add a record; its file is copied, its texts are in the arena already. A deleted one is left out; one that says the
 * same as one that is there is left out, too; one that says something else of the same Id, or without Ids of the same
 * key, makes both disputed. False: there are too many.
 */
bool org_metadata_add(struct org_metadata *metadata, const struct org_record *record);

/* A setting that a file has. */
void org_metadata_set(struct org_metadata *metadata, enum org_setting setting, bool on, struct span file);

/* Remember what is wrong with a file. */
void org_metadata_trouble(struct org_metadata *metadata, struct span file, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

/* The text of a value; absent unless there is one. */
struct span org_text(const struct org_record *record, enum org_field field);

/* A value that is true or false. ORG_FLAG_DISPUTED where the record is. */
enum org_flag org_flag(const struct org_record *record, enum org_field field);

/* What came of a file. */
enum org_reading {
	ORG_READ,     /* it was read; maybe with troubles */
	ORG_NOT_OURS, /* it is well-formed, and holds nothing of this */
	ORG_BROKEN    /* it cannot be read: problem_r says why, the end of a sentence "FILE: ..." */
};

#define ORG_PROBLEM_SIZE 200

/*
 * Read JSON: the answers of `sf data query`, of the REST API and of `sf data export tree`, a record alone, or an
 * array of them. Records without attributes are known by the fields that only their object has, an answer without
 * records by the object's name in that of the file. Any bytes; at most ORG_JSON_MAX, and ORG_JSON_DEPTH deep. A key
 * that stands twice in an object breaks the file.
 */
#define ORG_JSON_MAX ((size_t)16 << 20)
#define ORG_JSON_DEPTH 32
enum org_reading org_metadata_json(struct org_metadata *metadata, struct span file, struct span json,
                                   char problem_r[ORG_PROBLEM_SIZE]);

/*
 * Read XML: the settings of one kind. Nothing outside is read, and no document type is taken, so that there are no
 * entities. Any bytes; at most ORG_XML_MAX, and ORG_XML_DEPTH deep.
 */
#define ORG_XML_MAX ((size_t)1 << 20)
#define ORG_XML_DEPTH 32
enum org_reading org_metadata_xml(struct org_metadata *metadata, struct span file, struct span xml,
                                  char problem_r[ORG_PROBLEM_SIZE]);

/* Read one of both, by its first character that is none of white space or a byte order mark. */
enum org_reading org_metadata_read(struct org_metadata *metadata, struct span file, struct span bytes,
                                   char problem_r[ORG_PROBLEM_SIZE]);

/*
 * The next domain of a list "a.example, *.b.example" of FromDomain or DomainMatchPattern: trimmed, as it is written.
 * *at starts at 0. False: there is none left.
 */
bool org_next_domain(struct span list, size_t *at, struct span *domain_r);

#endif
