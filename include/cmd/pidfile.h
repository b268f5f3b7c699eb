/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * pidfile: a file that holds the number of the running process and is locked by it.
 */
#ifndef SFDC_CMD_PIDFILE_H
#define SFDC_CMD_PIDFILE_H

#define PIDFILE_TEXT_SIZE 300

/* Create, lock and write it. Returns its descriptor, to be kept open; -1: text_r says why. */
int pidfile_open(const char *path, char text_r[PIDFILE_TEXT_SIZE]);

/* Remove and close it. A descriptor of -1 is harmless. */
void pidfile_close(const char *path, int fd);

#endif
