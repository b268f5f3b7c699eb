/* SPDX-License-Identifier: BSD-2-Clause */
#include "config.h"

#include "cmd/pidfile.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static const char *remedy(int error)
{
	switch (error) {
	case ENOENT:
		return "create its folder (systemd: RuntimeDirectory)";
	case EACCES:
	case EPERM:
		return "start as root, or name a file that this user may write";
	case ELOOP:
		return "it is a symbolic link; name the file itself";
	case EISDIR:
		return "it is a folder; name a file in it";
	case EROFS:
		return "name a folder that can be written to (systemd: ReadWritePaths)";
	case ENOSPC:
	case EDQUOT:
		return "make room on that file system";
	default:
		return "correct pidfile, or what is in its way";
	}
}

int pidfile_open(const char *path, char text_r[PIDFILE_TEXT_SIZE])
{
	int fd = open(path, O_RDWR | O_CREAT | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC, 0644);
	if (fd < 0) {
		snprintf(text_r, PIDFILE_TEXT_SIZE, "pidfile %s: %s; %s", path, strerror(errno), remedy(errno));
		return -1;
	}
	struct flock lock = { .l_type = F_WRLCK, .l_whence = SEEK_SET };
	struct stat status;
	if (fcntl(fd, F_SETLK, &lock) != 0) {
		snprintf(text_r, PIDFILE_TEXT_SIZE,
		         "pidfile %s is in use: the filter is running already; stop it first, or name another", path);
	} else if (fstat(fd, &status) != 0 || !S_ISREG(status.st_mode)) {
		snprintf(text_r, PIDFILE_TEXT_SIZE, "pidfile %s is no regular file; remove it, or name another", path);
	} else {
		char text[32];
		int length = snprintf(text, sizeof text, "%ld\n", (long)getpid());
		if (ftruncate(fd, 0) == 0 && write(fd, text, (size_t)length) == length)
			return fd;
		snprintf(text_r, PIDFILE_TEXT_SIZE, "pidfile %s: %s; %s", path, strerror(errno), remedy(errno));
	}
	close(fd);
	return -1;
}

void pidfile_close(const char *path, int fd)
{
	if (fd < 0)
		return;
	/* Removed while the lock is held, so that no other process's file is. */
	unlink(path);
	close(fd);
}
