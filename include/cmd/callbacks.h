/*
 * callbacks: the filter as libmilter sees it.
 *
 * libmilter hands no context of ours to xxfi_negotiate, so the service is remembered here, once, before any session
 * begins.
 */
#ifndef SFDC_CMD_CALLBACKS_H
#define SFDC_CMD_CALLBACKS_H

#include <stdbool.h>

#include "mta/service.h"

/*
 * Register the filter under that name. service is borrowed until the process ends and may be initialized later, but
 * before the first connection is accepted. False: libmilter did not take it.
 */
bool callbacks_register(const char *name, struct service *service);

#endif
