"""A file system over FUSE that has nothing but an empty folder: mounts it by the name of one that is on another machine, and answers
the kernel (linux/fuse.h, protocol 7.31) until it is killed. Stopped, it is a server that is away.
"""

import ctypes
import os
import struct
import sys

place, kind, user = sys.argv[1], sys.argv[2], int(sys.argv[3])
FORGET, GETATTR, STATFS, INIT, BATCH_FORGET = 2, 3, 17, 26, 42
NO_ENTRY, NO_SUCH_CALL, LOOKUP = -2, -38, 1

device = os.open("/dev/fuse", os.O_RDWR)
options = f"fd={device},rootmode=40000,user_id={user},group_id={user},allow_other"
libc = ctypes.CDLL(None, use_errno=True)
if libc.mount(kind.encode(), place.encode(), kind.encode(), 0, options.encode()):
    sys.exit(f"mount: {os.strerror(ctypes.get_errno())}")
print("READY", place, flush=True)

init = struct.pack("<4I2H2I2H8I", 7, 31, 0, 0, 1, 1, 4096, 1, 1, 0, *[0] * 8)
folder = struct.pack("<6Q10I", 1, 0, 0, 0, 0, 0, 0, 0, 0, 0o40700, 2, user, user, 0, 4096, 0)
attributes = struct.pack("<Q2I", 0, 0, 0) + folder
numbers = struct.pack("<5Q10I", 100, 50, 50, 10, 5, 4096, 255, 4096, *[0] * 7)
answers = {INIT: init, GETATTR: attributes, STATFS: numbers}
while True:
    try:
        request = os.read(device, 1 << 17)
    except OSError as error:
        sys.exit(f"read: {error}")
    _, call, number = struct.unpack_from("<IIQ", request)
    if call in (FORGET, BATCH_FORGET):
        continue
    answer = answers.get(call, b"")
    error = 0 if call in answers else NO_ENTRY if call == LOOKUP else NO_SUCH_CALL
    os.write(device, struct.pack("<IiQ", 16 + len(answer), error, number) + answer)
