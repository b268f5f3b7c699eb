#include "config.h"

#include "observe/journal.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/un.h>

#define JOURNAL_SOCKET "/run/systemd/journal/socket"
#define HEAD_SIZE 256 /* the fields before MESSAGE */
#define FIELD_SIZE (RECORD_PRINTABLE_SIZE + 64)

int journal_open(void)
{
	return socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
}

/* "SFDC_" and the key in upper case; keys hold lower case letters, digits and underscores. */
static size_t put_key(char *to, const char *key)
{
	size_t length = (size_t)snprintf(to, 48, "SFDC_%.40s", key);
	for (size_t i = 0; i < length; i++)
		if (to[i] >= 'a' && to[i] <= 'z')
			to[i] = (char)(to[i] - ('a' - 'A'));
	return length;
}

/* Values are printable, so none holds the newline that ends a field. */
static size_t put_entry(char *to, const struct record_entry *entry)
{
	size_t length = put_key(to, entry->key);
	to[length++] = '=';
	if (entry->is_number)
		length += (size_t)snprintf(to + length, 24, "%lld", entry->number);
	else
		length += record_printable(entry->text, to + length, RECORD_PRINTABLE_SIZE);
	to[length++] = '\n';
	return length;
}

bool journal_send(int socket, const char *program, int facility, int priority, const char *line,
                  const struct record *record)
{
	static const struct sockaddr_un address = { .sun_family = AF_UNIX, .sun_path = JOURNAL_SOCKET };
	size_t room = HEAD_SIZE + strlen(line) + record->count * FIELD_SIZE;
	char *datagram = malloc(room);
	if (!datagram)
		return false;

	/* A facility of syslog(3) is shifted by three bits; the journal takes its number. */
	size_t length = (size_t)snprintf(datagram, room, "PRIORITY=%d\nSYSLOG_FACILITY=%d\nSYSLOG_IDENTIFIER=%.64s\nMESSAGE=%s\n",
	                                 priority, facility >> 3, program, line);
	for (size_t i = 0; i < record->count; i++)
		length += put_entry(datagram + length, &record->entries[i]);
	bool sent = sendto(socket, datagram, length, MSG_DONTWAIT | MSG_NOSIGNAL, (const struct sockaddr *)&address,
	                   sizeof address) >= 0;
	free(datagram);
	return sent;
}
