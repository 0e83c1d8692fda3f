#!/usr/bin/env python3
"""Tries to trace a process as a debugger does: exit status 0 when the kernel allows it.

usage: tracer.py PROCESS
"""
import ctypes
import os
import sys

# PTRACE_ATTACH and PTRACE_DETACH of sys/ptrace.h, __WALL of sys/wait.h.
ATTACH, DETACH, WALL = 16, 17, 0x40000000

process = int(sys.argv[1])
library = ctypes.CDLL(None, use_errno=True)
library.ptrace.argtypes = [ctypes.c_long] * 4
if library.ptrace(ATTACH, process, 0, 0):
    sys.exit(os.strerror(ctypes.get_errno()))
os.waitpid(process, WALL)
library.ptrace(DETACH, process, 0, 0)
