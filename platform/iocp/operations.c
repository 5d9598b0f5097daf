/* Operations that nothing is posted with. */

#include "iocp/iocp.h"

void operation_push(operation_t **list, operation_t *operation)
{
    operation->next = *list;
    *list = operation;
}

operation_t *operation_pop(operation_t **list)
{
    operation_t *operation = *list;

    if (operation != NULL) {
        *list = operation->next;
    }
    return operation;
}

void spare_give(port_t *port, operation_t *operation)
{
    AcquireSRWLockExclusive(&port->lock);
    operation_push(&port->spare, operation);
    ReleaseSRWLockExclusive(&port->lock);
}

operation_t *spare_take(port_t *port)
{
    AcquireSRWLockExclusive(&port->lock);

    operation_t *operation = operation_pop(&port->spare);

    ReleaseSRWLockExclusive(&port->lock);
    return operation;
}
