"""Listens on a socket that anybody may connect to and writes down how many bytes each caller sent before it hung up."""

import os
import socket
import sys

path, heard = sys.argv[1:]
listener = socket.socket(socket.AF_UNIX)
listener.bind(path)
os.chmod(path, 0o777)
listener.listen()
print("READY", path, flush=True)
while True:
    connection, _ = listener.accept()
    count = 0
    while got := connection.recv(4096):
        count += len(got)
    with open(heard, "a") as log:
        print(count, file=log, flush=True)
