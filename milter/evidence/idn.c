#include "evidence/idn.h"

#include <idn2.h>
#include <string.h>

/* More than 63 characters of four bytes in each of 127 labels can stand in no domain. */
#define UTF8_MAX 1024

bool idn_to_ascii(struct span domain, char ascii_r[DOMAIN_LENGTH_MAX + 1])
{
	unsigned char text[UTF8_MAX + 1];
	if (domain.length == 0 || domain.length > UTF8_MAX || memchr(domain.at, '\0', domain.length))
		return false;
	memcpy(text, domain.at, domain.length);
	text[domain.length] = '\0';
	unsigned char *found = NULL;
	/* Not IDN2_USE_STD3_ASCII_RULES: it drops the characters that are not allowed, so that one domain becomes another. */
	if (idn2_lookup_u8(text, &found, IDN2_NFC_INPUT | IDN2_NONTRANSITIONAL) != IDN2_OK)
		return false;
	size_t length = strlen((const char *)found);
	bool fits = length <= DOMAIN_LENGTH_MAX;
	if (fits)
		memcpy(ascii_r, found, length + 1);
	idn2_free(found);
	return fits;
}
