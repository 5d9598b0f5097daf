#ifndef UDPECHO_PROCESSORS_H
#define UDPECHO_PROCESSORS_H

/* How much of this machine's processors control groups leave to a process. Internal to
 * platform/os/linux. */

/*
 * How many whole processors' time the groups allow that `list` names, which is a file like
 * /proc/self/cgroup (cgroups(7)); rounded up, the tightest limit counts. 0: no limit, or none that
 * can be read. `root` is where the groups are mounted: /sys/fs/cgroup. Any thread.
 */
unsigned processors_of_groups(const char *list, const char *root);

#endif
