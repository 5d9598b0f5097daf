"""An echo server on Python's asyncio, or with a third argument "uvloop" on that event loop:

    asyncio_echo.py ADDRESS PORT [uvloop]
"""

import asyncio
import sys


class Echo(asyncio.DatagramProtocol):
    def connection_made(self, transport):
        self.transport = transport

    def datagram_received(self, data, addr):
        self.transport.sendto(data, addr)


async def serve(address, port):
    loop = asyncio.get_running_loop()
    await loop.create_datagram_endpoint(Echo, local_addr=(address, port))
    await asyncio.Event().wait()


if sys.argv[3:] == ["uvloop"]:
    import uvloop
    uvloop.install()
asyncio.run(serve(sys.argv[1], int(sys.argv[2])))
