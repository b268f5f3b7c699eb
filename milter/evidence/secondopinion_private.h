/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * secondopinion_private: what the files of the secondopinion module share.
 */
#ifndef SFDC_EVIDENCE_SECONDOPINION_PRIVATE_H
#define SFDC_EVIDENCE_SECONDOPINION_PRIVATE_H

#include <stdint.h>

#include "evidence/secondopinion.h"

/* The child's exit code when it had no memory; 0 after it gave a result. */
#define SECONDOPINION_EXIT_MEMORY 2

enum secondopinion_kind { SECONDOPINION_LOOKUP, SECONDOPINION_RESULT };

/* What the child sends: a question, or at the end what libspf2 found. The parent trusts none of it. */
struct secondopinion_message {
	int32_t kind;
	int32_t type;                /* enum record_type */
	int32_t result;              /* enum spf_result, as libspf2 means it */
	int32_t local;               /* the result rests on the client's address being a loopback one */
	int32_t broken;              /* the result is that a record cannot be compiled */
	char name[ANSWER_NAME_SIZE]; /* in the form of a question, NUL-terminated */
};

/* What the parent answers: this, then count records, each a uint32_t length and as many bytes. */
struct secondopinion_reply {
	int32_t status; /* ANSWER_FOUND, ANSWER_NODATA, ANSWER_NXDOMAIN or ANSWER_TEMPFAIL */
	uint32_t count;
};

/* Read or write length bytes of a socket that blocks; false at its end. */
bool secondopinion_read(int fd, void *to, size_t length);
bool secondopinion_write(int fd, const void *from, size_t length);

/* The child: evaluate, ask over fd, send the result, end the process. */
_Noreturn void secondopinion_child(int fd, const struct spf_input *input);

/* A record that libspf2 was given. */
struct secondopinion_record {
	const struct spf_record *record;
	struct span text;
	const struct secondopinion_record *next;
};

/* What is known of both evaluations. */
struct secondopinion_trace {
	const struct spf_outcome *ours;
	const struct secondopinion_message *theirs;
	const struct secondopinion_record *records;
	bool stopped;    /* a lookup was refused because there had been too many */
	bool several;    /* a TXT answer held several records */
	bool many_names; /* a PTR answer held more names than are looked at */
	bool many_hosts; /* an MX answer likewise */
	bool ptr_failed; /* a PTR lookup failed */
	bool failed;     /* some lookup failed */
	bool one_label;  /* the record of a name of one label was asked for */
};

/* Why the results differ: an English phrase that follows "because" or "differs". Never NULL. */
const char *secondopinion_because(const struct secondopinion_trace *trace);

#endif
