#include "common/sort.h"

#include <stddef.h>

/* Heapsort: never more than about 2 n log2(n) comparisons, whatever the order of the items. */

typedef struct heap {
    unsigned char *items;
    apr_size_t size;
    int (*compare)(const void *one, const void *other);
    void (*work_on)(void);
} heap_t;

static unsigned char *at(const heap_t *heap, apr_size_t index)
{
    return heap->items + index * heap->size;
}

static void swap(const heap_t *heap, apr_size_t one, apr_size_t other)
{
    unsigned char *left = at(heap, one);
    unsigned char *right = at(heap, other);

    for (apr_size_t i = 0; i < heap->size; i++) {
        unsigned char byte = left[i];

        left[i] = right[i];
        right[i] = byte;
    }
}

/* Lets the item at `root` sink until none below it, of the first `count`, is larger. */
static void sink(const heap_t *heap, apr_size_t root, apr_size_t count)
{
    if (heap->work_on != NULL) {
        heap->work_on();
    }
    for (;;) {
        apr_size_t child = 2 * root + 1;

        if (child >= count) {
            return;
        }
        if (child + 1 < count && heap->compare(at(heap, child), at(heap, child + 1)) < 0) {
            child++;
        }
        if (heap->compare(at(heap, root), at(heap, child)) >= 0) {
            return;
        }
        swap(heap, root, child);
        root = child;
    }
}

void sort_items(void *items, apr_size_t count, apr_size_t size,
                int (*compare)(const void *one, const void *other), void (*work_on)(void))
{
    heap_t heap = {items, size, compare, work_on};

    for (apr_size_t root = count / 2; root > 0; root--) {
        sink(&heap, root - 1, count);
    }
    for (apr_size_t end = count; end > 1; end--) {
        swap(&heap, 0, end - 1);
        sink(&heap, 0, end - 1);
    }
}
