#ifndef UDPECHO_ECHO_PLUS_PACKET_H
#define UDPECHO_ECHO_PLUS_PACKET_H

/* Where the fields of an UDPEchoPlus packet are (Broadband Forum TR-143, "UDPEchoPlus"), byte
 * offsets. All are numbers of 32 bits; what follows them is payload that nobody changes. */

enum {
    ECHO_PLUS_SEQUENCE = 0,          /* TestGenSN, the client's */
    ECHO_PLUS_RESPONSE_SEQUENCE = 4, /* TestRespSN: requests that the server answered, with this */
    ECHO_PLUS_RECEIVE_TIMESTAMP = 8, /* TestRespRecvTimeStamp, microseconds modulo 2^32 */
    ECHO_PLUS_REPLY_TIMESTAMP = 12,  /* TestRespReplyTimeStamp, of the same clock */
    ECHO_PLUS_REPLY_FAILURES = 16,   /* TestRespReplyFailureCount */
    ECHO_PLUS_LENGTH_MIN = 20,       /* of a packet by the first edition, which ends here */
    ECHO_PLUS_ITERATION = 20,        /* TestIterationNumber, the client's */
    ECHO_PLUS_LENGTH = 24            /* of all fields */
};

#endif
