#include "offload/segments.h"

unsigned char *segments_take(segments_t *segments, apr_size_t *length)
{
    unsigned char *data = segments->data;
    int is_one_of_several = segments->segment > 0 && segments->segment < segments->length;

    *length = is_one_of_several ? segments->segment : segments->length;
    segments->data += *length;
    segments->length -= *length;
    return data;
}
