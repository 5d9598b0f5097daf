#include "client/core/mtu_search.h"

/* Small enough for every link (RFC 791 section 3.2: 576 less the longest headers, and far less). */
#define SIZE_SMALL 8

/* How many sizes are asked because somebody claims something: more than a path has narrow places.
 */
#define CLAIMS_MAX 16

/* What most paths of the Internet carry. */
#define MTU_USUAL 1500

mtu_search_t mtu_search_begin(apr_size_t payload_max, apr_size_t headers)
{
    return (mtu_search_t){.headers = headers, .size = SIZE_SMALL, .high = payload_max + 1};
}

int mtu_search_is_done(const mtu_search_t *search)
{
    return search->is_answered ? search->low + 1 >= search->high
                               : search->tries >= MTU_SEARCH_TRIES;
}

static int is_open(const mtu_search_t *search, apr_size_t size)
{
    return size > search->low && size < search->high;
}

/* The size that a claim suggests; 0: none. One that held is also asked one byte above: it may have
 * been too modest. A host that claims something else each time does not lead the search step by
 * step through all sizes. */
static apr_size_t claimed_size(mtu_search_t *search)
{
    apr_size_t size = search->claim == search->low ? search->claim + 1 : search->claim;

    if (search->claim == 0 || !is_open(search, size) || search->claims == CLAIMS_MAX) {
        return 0;
    }
    search->claims++;
    return size;
}

static void choose_size(mtu_search_t *search)
{
    apr_size_t usual = MTU_USUAL - search->headers;
    apr_size_t claimed = claimed_size(search);

    search->tries = 0;
    if (claimed > 0) {
        search->size = claimed;
    } else if (is_open(search, usual)) {
        search->size = usual;
    } else if (usual == search->low && is_open(search, usual + 1)) {
        search->size = usual + 1;
    } else {
        search->size = search->low + (search->high - search->low) / 2;
    }
}

static void set_high(mtu_search_t *search, apr_size_t size, mtu_obstacle_t obstacle)
{
    if (is_open(search, size)) {
        search->high = size;
        search->obstacle = obstacle;
        choose_size(search);
    }
}

void mtu_search_answered(mtu_search_t *search, apr_size_t size, apr_size_t fragment)
{
    search->is_answered = 1;
    if (fragment > 0) {
        mtu_search_hint(search, fragment);
        set_high(search, size, MTU_OBSTACLE_FRAGMENTS);
    } else if (is_open(search, size)) {
        search->low = size;
        choose_size(search);
    }
}

/* One of the tries that a size has came to nothing. */
static void fail(mtu_search_t *search, apr_size_t size, mtu_obstacle_t obstacle)
{
    if (size == search->size && ++search->tries >= MTU_SEARCH_TRIES && search->is_answered) {
        set_high(search, size, obstacle);
    }
}

void mtu_search_missed(mtu_search_t *search, apr_size_t size)
{
    fail(search, size, MTU_OBSTACLE_SILENCE);
}

/* What a peer with a buffer that is too small sends back is as long as that. */
void mtu_search_changed(mtu_search_t *search, apr_size_t size, apr_size_t length)
{
    if (length < size) {
        search->claim = length;
    }
    fail(search, size, MTU_OBSTACLE_CHANGED);
}

/* A host that cannot send even the first datagram cannot search. */
void mtu_search_refused(mtu_search_t *search, apr_size_t size)
{
    if (search->is_answered) {
        set_high(search, size, MTU_OBSTACLE_LOCAL);
    } else {
        fail(search, size, MTU_OBSTACLE_LOCAL);
    }
}

void mtu_search_hint(mtu_search_t *search, apr_size_t mtu)
{
    if (mtu > search->headers) {
        search->claim = mtu - search->headers;
    }
}
