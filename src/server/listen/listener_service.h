#ifndef UDPECHO_LISTENER_SERVICE_H
#define UDPECHO_LISTENER_SERVICE_H

/* Which protocol a listener speaks: it has the service of that, and none for plain echo. Main
 * thread, except where a function says otherwise. */

#include "core/service.h"
#include "udpecho/transport.h"

/* The service of a protocol in this pool, which is to be a listener's, made when it is first asked
 * for, so that its counts go on where they were if the protocol comes back; NULL for plain echo. */
service_t *listener_service_in(apr_pool_t *pool, protocol_t protocol);

/* What the listener speaks now. Any thread. */
protocol_t listener_protocol(const listener_t *listener);

/* Takes the memory that listener_speak() would. */
void listener_prepare(listener_t *listener, protocol_t protocol);

/* The details that a listener of this protocol has to tell, `mirrors_dscp` as --mirror-dscp says.
 * Any thread. */
unsigned listener_details_for(protocol_t protocol, int mirrors_dscp);

/* Has it speak this protocol from its next batches on, and tell what that needs besides what the
 * one before did. */
void listener_speak(listener_t *listener, protocol_t protocol, int mirrors_dscp);

/* Turns off the details that its protocol no longer needs, when no worker has a batch from
 * before. */
void listener_tell_less(listener_t *listener, int mirrors_dscp);

#endif
