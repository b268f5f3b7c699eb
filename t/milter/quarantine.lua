-- SPDX-License-Identifier: BSD-2-Clause
dofile(here .. "/common.lua")

local conn = session()
mail(conn)
rcpt(conn)
headers(conn)
is(eoh(conn), SMFIR_CONTINUE, "end of header")
body(conn)
is(eom(conn), SMFIR_CONTINUE, "end of message")
ok(mt.eom_check(conn, MT_QUARANTINE), "the message is held")
ok(string.find(mt.getheader(conn, "X-SFDC-Relay", 0), "verdict=quarantine"), "the result header says so")
mt.disconnect(conn)
