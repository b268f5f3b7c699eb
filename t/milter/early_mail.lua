-- SPDX-License-Identifier: BSD-2-Clause
dofile(here .. "/common.lua")

local conn = session()
ok(not mt.test_option(conn, SMFIP_NR_MAIL), "MAIL has a reply")
is(mail(conn, nil, true), SMFIR_REPLYCODE, "without TLS MAIL is refused")
is(mail(conn, nil, true), SMFIR_REPLYCODE, "and again")
is(mail(conn), SMFIR_CONTINUE, "with TLS it is not")
is(rcpt(conn), SMFIR_CONTINUE, "nor RCPT")
headers(conn)
is(eoh(conn), SMFIR_CONTINUE, "nor the header")
is(eom(conn), SMFIR_CONTINUE, "nor the message")
mt.disconnect(conn)
