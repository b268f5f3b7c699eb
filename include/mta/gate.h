/*
 * gate: takes the MTA's connections and leads each to libmilter through a passage (passage.h), all of them in one thread
 * that never waits for any. So no connection holds a thread of libmilter but while a whole packet of it is worked on.
 *
 * No more connections are taken than there are descriptors for, with some left for look-ups; others wait their turn in
 * the listening socket's queue. A connection whose packets are not sound, or for which there is no memory, is cut off
 * with one line in the log.
 */
#ifndef SFDC_MTA_GATE_H
#define SFDC_MTA_GATE_H

#include <stdbool.h>

#include "mta/door.h"
#include "observe/log.h"

/*
 * Start the thread, which lives as long as the process. listener is the listening socket; it must not block. door and
 * log are borrowed. The caller has blocked the signals that are not meant for the thread. False: it cannot be started
 * (errno).
 */
bool gate_start(int listener, const struct door *door, struct log *log);

#endif
