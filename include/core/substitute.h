/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * substitute: the domain of Salesforce's substitute addresses.
 *
 * Where a From: domain is not verified in Salesforce, mail goes out as LOCAL@ID.sfcustomeremail.com, one label for each
 * customer (Salesforce's help, article 005316090). So that domain is no customer's, and counts as a public suffix: no
 * alignment crosses it. Pure.
 */
#ifndef SFDC_CORE_SUBSTITUTE_H
#define SFDC_CORE_SUBSTITUTE_H

#include <stdbool.h>

#include "core/span.h"

/* Whether it is that domain itself, without case. */
bool substitute_is_suffix(struct span domain);

/* The customer's part of a domain below it, "ID.sfcustomeremail.com"; absent for every other domain. */
struct span substitute_customer(struct span domain);

#endif
