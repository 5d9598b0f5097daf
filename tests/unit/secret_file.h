#ifndef UDPECHO_SECRET_FILE_H
#define UDPECHO_SECRET_FILE_H

/* Lets nobody but its user read or write a file; on Windows administrators may, too. */
void keep_from_others(const char *path);

#endif
