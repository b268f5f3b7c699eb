/*
 * ports: the daemon's evidence, behind the functions that core/ports.h asks for.
 */
#ifndef SFDC_EVIDENCE_PORTS_H
#define SFDC_EVIDENCE_PORTS_H

#include <stdbool.h>

#include "core/ports.h"

/*
 * Fill *ports_r. settings gives what the process keeps for its whole life; what belongs to a message is taken from the
 * settings that the message is examined with. False: something needed could not be had. After a fork only: adapters
 * may start threads.
 */
bool evidence_ports_init(struct ports *ports_r, const struct settings *settings);

/* Release what evidence_ports_init() took, after the last message has ended. */
void evidence_ports_clear(struct ports *ports);

#endif
