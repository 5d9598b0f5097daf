//! An echo server on Rust's std::net: echo ADDRESS PORT

use std::env;
use std::io;
use std::net::{IpAddr, UdpSocket};

fn main() -> io::Result<()> {
    let arguments: Vec<String> = env::args().collect();
    let address: IpAddr = arguments[1].parse().expect("an address");
    let port: u16 = arguments[2].parse().expect("a port");
    let socket = UdpSocket::bind((address, port))?;
    let mut buffer = [0; 65536];
    loop {
        let (length, peer) = socket.recv_from(&mut buffer)?;
        if let Err(error) = socket.send_to(&buffer[..length], peer) {
            eprintln!("{peer}: {error}");
        }
    }
}
