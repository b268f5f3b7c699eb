-- SPDX-License-Identifier: BSD-2-Clause
dofile(here .. "/common.lua")

-- Not judged, but what others forged in our name is removed all the same.
local conn = session("198.51.100.7")
mail(conn, "<x@elsewhere.example>", true, "198.51.100.7")
is(rcpt(conn), SMFIR_CONTINUE, "RCPT")
header(conn, "Authentication-Results", "relay.test; dkim=pass header.d=example.com")
header(conn, "X-SFDC-Relay", "relay.test; verdict=accept")
header(conn, "Authentication-Results", "other.test; dkim=pass header.d=example.com")
header(conn, "From", "x@elsewhere.example")
is(eoh(conn), SMFIR_CONTINUE, "end of header")
is(body(conn), SMFIR_SKIP, "the body is skipped")
is(eom(conn), SMFIR_CONTINUE, "end of message")
ok(mt.eom_check(conn, MT_HDRDELETE, "Authentication-Results"), "a forged Authentication-Results goes")
ok(mt.eom_check(conn, MT_HDRDELETE, "X-SFDC-Relay"), "and a forged result header")
ok(not mt.eom_check(conn, MT_HDRINSERT), "and nothing is added")
mt.disconnect(conn)
