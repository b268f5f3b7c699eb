-- SPDX-License-Identifier: BSD-2-Clause
dofile(here .. "/common.lua")

-- An MTA that tells nothing: whatever a macro would have proved is not proved.
local conn = session()
mt.macro(conn, SMFIC_MAIL, "j", "relay.test")
if mt.mailfrom(conn, "<joe@example.com>") ~= nil then
	error("mailfrom")
end
is(rcpt(conn), SMFIR_REPLYCODE, "no macros, no TLS")
mt.disconnect(conn)

-- {client_addr} differs from the connection's address: neither is believed.
conn = session()
mail(conn, nil, nil, "13.110.74.201")
is(rcpt(conn), SMFIR_REPLYCODE, "a contradiction about the client")
mt.disconnect(conn)

-- A client of no known address family.
conn = session("unspec")
mail(conn)
is(rcpt(conn), SMFIR_REPLYCODE, "no address at all; the macro alone is no proof")
mt.disconnect(conn)
