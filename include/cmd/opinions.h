/*
 * opinions: what libspf2 says of each SPF evaluation of a message, for check-message --explain.
 */
#ifndef SFDC_CMD_OPINIONS_H
#define SFDC_CMD_OPINIONS_H

#include <stdbool.h>
#include <stddef.h>

#include "core/examine.h"
#include "evidence/resolver.h"
#include "evidence/secondopinion.h"

/* Seconds that one opinion may take at most; the message_timeout if that is less. */
#define OPINION_SECONDS 5

/* Of one evaluation that came to an end: that of the sender, or of a name of ip.spf. */
struct opinion {
	enum check_id check; /* CHECK_SPF, CHECK_IP */
	struct span name;    /* the domain */
	struct secondopinion second;
	const struct opinion *next;
};

/*
 * Ask about every evaluation, the sender's first, then in the order of the configuration. NULL: there was none, or no
 * memory. The list is in the examination's arena. Answers come from resolver; those of the examination are in its cache.
 */
const struct opinion *opinions_get(struct examination *examination, struct resolver *resolver);

/* Room for any sentence, NUL included. */
#define OPINION_SENTENCE_SIZE 320

/* What is said, as a sentence without full stop. */
void opinion_sentence(const struct secondopinion *second, char sentence_r[OPINION_SENTENCE_SIZE]);

/* A word for the status: "given", "withheld", "crashed", "late", "failed". */
const char *opinion_status(enum secondopinion_status status);

#endif
