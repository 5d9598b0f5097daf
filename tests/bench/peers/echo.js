// An echo server on Node.js's dgram: echo.js ADDRESS PORT
'use strict';

const dgram = require('node:dgram');

const [address, port] = process.argv.slice(2);
const server = dgram.createSocket(address.includes(':') ? 'udp6' : 'udp4');

server.on('message', (message, peer) => {
  server.send(message, peer.port, peer.address);
});
server.bind(Number(port), address);
