"""Processor time of servers for each datagram that they echo.

All servers are up at once and take turns of a tenth of a second, so that whatever else the machine
does hits them alike; each turn gives a ratio to the bare loop of the same round.

Servers find full queues, as a busy one does: they share a processor with the clients, and all are
under SCHED_BATCH, by which a datagram that comes does not take the processor from its sender.
Two processors would add what it takes to wake one another, which differs from run to run.
"""

import servers
import traffic


def take_round(clients, number, milliseconds):
    """Everybody's turn, beginning with another one each time."""
    names = [*clients]
    first = number % len(names)
    return {name: clients[name].take_turn(milliseconds) for name in names[first:] + names[:first]}


def measure_row(running, row, prefix, options):
    """The turns of all servers under one kind of traffic."""
    clients = {name: traffic.Clients(server, row, prefix) for name, server in running.items()}
    take_round(clients, 0, options.slice)  # warms up
    rounds = [take_round(clients, i, options.slice) for i in range(options.rounds)]
    for each in clients.values():
        each.end()
    return {**row._asdict(), "turns": {name: [line[name] for line in rounds] for name in clients}}


def measure(starts, rows, serving, asking, options, skipped):
    """All rows, those of one address after another: a server has one."""
    measured = []
    for host in dict.fromkeys(row.host for row in rows):
        with servers.running(starts, host, serving, skipped) as running:
            for row in rows:
                if row.host == host:
                    servers.tell(f"{row.shape}, {row.size} bytes, {host}")
                    measured.append(measure_row(running, row, asking, options))
    return measured
