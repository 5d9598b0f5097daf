// An echo server on Go's package net: echo ADDRESS PORT
package main

import (
	"log"
	"net"
	"os"
)

func main() {
	address, err := net.ResolveUDPAddr("udp", net.JoinHostPort(os.Args[1], os.Args[2]))
	if err != nil {
		log.Fatal(err)
	}
	conn, err := net.ListenUDP("udp", address)
	if err != nil {
		log.Fatal(err)
	}
	buffer := make([]byte, 65536)
	for {
		length, peer, err := conn.ReadFromUDPAddrPort(buffer)
		if err != nil {
			log.Print(err)
			continue
		}
		if _, err := conn.WriteToUDPAddrPort(buffer[:length], peer); err != nil {
			log.Print(err)
		}
	}
}
