#include "config.h"

#include "mta/door.h"

#include <errno.h>
#include <fcntl.h>
#include <libmilter/mfapi.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "mta/passage.h"

#define BACKLOG 1024
#define FOLDER_SIZE 48

static void address_of(const struct door *door, struct sockaddr_un *address_r)
{
	memset(address_r, 0, sizeof *address_r);
	address_r->sun_family = AF_UNIX;
	snprintf(address_r->sun_path, sizeof address_r->sun_path, "/proc/self/fd/%d", door->place);
}

static bool fail(char text_r[DOOR_TEXT_SIZE], const char *what)
{
	snprintf(text_r, DOOR_TEXT_SIZE, "%s: %s", what, errno != 0 ? strerror(errno) : "libmilter does not say why");
	return false;
}

/* The folder lets nobody else in, so the socket may be open to the user that the process is going to be. */
static bool listen_in(const char *folder, struct door *door_r, char text_r[DOOR_TEXT_SIZE])
{
	char path[64];
	char socket_name[sizeof path + 8];
	snprintf(path, sizeof path, "%s/door", folder);
	snprintf(socket_name, sizeof socket_name, "unix:%s", path);
	/* The passage makes packets a little longer. */
	(void)smfi_setmaxdatasize(PACKET_DATA_MAX + PASSAGE_GROWTH);
	errno = 0;
	if (smfi_setconn(socket_name) != MI_SUCCESS || smfi_setbacklog(BACKLOG) != MI_SUCCESS)
		return fail(text_r, "libmilter's socket cannot be named");
	mode_t before = umask(0);
	bool opened = smfi_opensocket(false) == MI_SUCCESS;
	umask(before);
	if (!opened)
		return fail(text_r, path);
	door_r->place = open(path, O_PATH | O_CLOEXEC);
	bool good = door_r->place >= 0 || fail(text_r, path);
	unlink(path);
	return good;
}

/* Whether the way through /proc leads there. */
static bool leads_there(const struct door *door)
{
	struct sockaddr_un address;
	struct stat status;
	address_of(door, &address);
	return stat(address.sun_path, &status) == 0 && S_ISSOCK(status.st_mode);
}

/* False: no folder can be made there. */
static bool make_folder(const char *where, char folder_r[FOLDER_SIZE])
{
	snprintf(folder_r, FOLDER_SIZE, "%s/sfdc-milter.XXXXXX", where);
	return mkdtemp(folder_r) != NULL;
}

bool door_open(struct door *door_r, char text_r[DOOR_TEXT_SIZE])
{
	char folder[FOLDER_SIZE];
	if (!make_folder("/tmp", folder) && !make_folder("/run", folder) && !make_folder("/dev/shm", folder))
		return fail(text_r, "a folder can be made neither in /tmp nor in /run nor in /dev/shm");
	bool good = listen_in(folder, door_r, text_r);
	rmdir(folder);
	return good && (leads_there(door_r) || fail(text_r, "/proc/self/fd: proc(5) must be mounted on /proc"));
}

int door_connect(const struct door *door)
{
	struct sockaddr_un address;
	address_of(door, &address);
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0)
		return -1;
	if (connect(fd, (struct sockaddr *)&address, sizeof address) == 0)
		return fd;
	int error = errno;
	close(fd);
	errno = error;
	return -1;
}
