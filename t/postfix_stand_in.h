/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * postfix_stand_in: for tests: what postconf says of a setup that is right, and of one with something else in it.
 */
#ifndef SFDC_POSTFIX_STAND_IN_H
#define SFDC_POSTFIX_STAND_IN_H

#include "cmd/postfix_setup.h"

/* A right setup: main.cf as Debian ships it, and the port as conf/postfix-master.cf has it. */
static const char parameters[] =
	"compatibility_level = 3.6\n"
	"queue_directory = /var/spool/postfix\n"
	"config_directory = /etc/postfix\n"
	"mail_owner = postfix\n"
	"mail_name = Postfix\n"
	"mail_version = 3.7.11\n"
	"mynetworks = 127.0.0.0/8 [::ffff:127.0.0.0]/104 [::1]/128\n"
	"cleanup_service_name = cleanup\n"
	"default_transport = smtp\n"
	"relay_domains = ${{$compatibility_level} <level {2} ? {$mydestination} : {}}\n"
	"relayhost =\n"
	"transport_maps =\n"
	"sender_dependent_default_transport_maps =\n"
	"message_reject_characters =\n"
	"message_size_limit = 40000000\n"
	"milter_content_timeout = 300s\n"
	"milter_default_action = tempfail\n"
	"milter_macro_defaults =\n"
	"milter_macro_v = $mail_name $mail_version\n"
	"milter_protocol = 6\n"
	"non_smtpd_milters =\n"
	"parent_domain_matches_subdomains = debug_peer_list smtpd_access_maps\n"
	"receive_override_options =\n"
	"smtpd_authorized_xclient_hosts =\n"
	"smtpd_authorized_xforward_hosts =\n"
	"smtpd_client_connection_count_limit = 50\n"
	"smtpd_client_message_rate_limit = 0\n"
	"smtpd_client_restrictions =\n"
	"smtpd_end_of_data_restrictions =\n"
	"smtpd_forbid_bare_newline = no\n"
	"smtpd_forbid_bare_newline_exclusions = $mynetworks\n"
	"smtpd_milter_maps =\n"
	"smtpd_milters =\n"
	"smtpd_proxy_filter =\n"
	"smtpd_recipient_limit = 1000\n"
	"smtpd_recipient_restrictions =\n"
	"smtpd_relay_restrictions = permit_mynetworks permit_sasl_authenticated defer_unauth_destination\n"
	"smtpd_restriction_classes =\n"
	"smtpd_sasl_auth_enable = no\n"
	"smtpd_sasl_security_options = noanonymous\n"
	"smtpd_sasl_tls_security_options = $smtpd_sasl_security_options\n"
	"smtpd_sender_restrictions =\n"
	"smtpd_tls_CAfile =\n"
	"smtpd_tls_CApath =\n"
	"smtpd_tls_ask_ccert = no\n"
	"smtpd_tls_cert_file = /cert.pem\n"
	"smtpd_tls_chain_files =\n"
	"smtpd_tls_auth_only = no\n"
	"smtpd_tls_mandatory_protocols = >=TLSv1\n"
	"smtpd_tls_protocols = >=TLSv1\n"
	"smtpd_tls_req_ccert = no\n"
	"smtpd_tls_security_level = may\n"
	"smtpd_upstream_proxy_protocol =\n"
	"tls_append_default_CA = no\n"
	"tls_ssl_options =\n";

static const char expanded[] = "relay_domains =\n";

static const char services[] = "smtp inet n - y - - smtpd\n"
							   "10025      inet  n       -       n       -       50      smtpd -o smtpd_milters=x\n"
							   "cleanup unix n - y - 0 cleanup\n"
							   "sfdc-cleanup unix n - n - 0 cleanup -o message_reject_characters=\\0\n";

static const char options[] =
	"10025/inet/smtpd_milters = unix:/run/sfdc-milter/sfdc-milter.sock\n"
	"10025/inet/smtpd_tls_security_level = encrypt\n"
	"10025/inet/smtpd_tls_mandatory_protocols = >=TLSv1.2\n"
	"10025/inet/smtpd_tls_ask_ccert = yes\n"
	"10025/inet/smtpd_tls_CAfile = /ca.pem\n"
	"10025/inet/tls_ssl_options = NO_TICKET\n"
	"10025/inet/smtpd_tls_auth_only = yes\n"
	"10025/inet/smtpd_sasl_auth_enable = yes\n"
	"10025/inet/mynetworks =\n"
	"10025/inet/parent_domain_matches_subdomains =\n"
	"10025/inet/smtpd_relay_restrictions = check_client_access,cidr:/clients,permit_sasl_authenticated,reject\n"
	"10025/inet/smtpd_forbid_bare_newline = reject\n"
	"10025/inet/cleanup_service_name = sfdc-cleanup\n"
	"sfdc-cleanup/unix/message_reject_characters = \\0\n";

/* A setup with lines that come later and so count. */
static inline struct postfix_output changed(const char *main_line, const char *option, const char *shared,
                                            struct arena *arena)
{
	struct postfix_output output = {
		.parameters = arena_printf(arena, "%s%s\n", parameters, main_line),
		.expanded = span_of(expanded),
		.services = arena_printf(arena, "%s%s\n", services, shared),
		.options = arena_printf(arena, "%s%s\n", options, option),
	};
	return output;
}

#endif
