"""Gives the loopback interface one more address; needs root: loopback.py 127.0.0.2"""

import fcntl
import socket
import struct
import sys

SIOCSIFADDR = 0x8916  # netdevice(7)

with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as any_socket:
    address = struct.pack("=HH4s8x", socket.AF_INET, 0, socket.inet_aton(sys.argv[1]))
    fcntl.ioctl(any_socket, SIOCSIFADDR, struct.pack("16s16s", b"lo:1", address))
