/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * notify: tells the service manager how the daemon is, by the datagram protocol of sd_notify(3).
 */
#ifndef SFDC_CMD_NOTIFY_H
#define SFDC_CMD_NOTIFY_H

/* Send assignments such as "READY=1". Does nothing unless NOTIFY_SOCKET is set; failures are not reported. Takes 2 s at most. */
void notify(const char *state);

/* RELOADING=1 with the time that Type=notify-reload asks for. */
void notify_reloading(void);

#endif
