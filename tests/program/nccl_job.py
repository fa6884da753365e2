# SPDX-License-Identifier: Apache-2.0
"""A job without a GPU: loads the NCCL profiler plugin and makes the calls that NCCL makes (interface v6).
nccl_job.py PLUGIN COLLECTIVES RANK: so many AllReduces of 4 MiB that take 250 µs each, then one that hangs; ends when its input does."""

import ctypes
import sys
from ctypes import POINTER, byref, c_char_p, c_int, c_size_t, c_uint64, c_uint8, c_void_p


class Coll(ctypes.Structure):
    _fields_ = [("seq", c_uint64), ("func", c_char_p), ("send", c_void_p), ("recv", c_void_p), ("count", c_size_t), ("root", c_int), ("datatype", c_char_p)]
    _fields_ += [("channels", c_uint8), ("warps", c_uint8), ("algo", c_char_p), ("proto", c_char_p), ("group", c_void_p)]


class Kernel(ctypes.Structure):
    _fields_ = [("channel", c_uint8), ("timer", c_uint64)]


class Union(ctypes.Union):
    _fields_ = [("coll", Coll), ("kernel", Kernel)]


class Event(ctypes.Structure):
    _fields_ = [("type", c_uint64), ("parent", c_void_p), ("rank", c_int), ("u", Union)]


class Table(ctypes.Structure):
    _fields_ = [
        ("name", c_char_p),
        ("init", ctypes.CFUNCTYPE(c_int, POINTER(c_void_p), c_uint64, POINTER(c_int), c_char_p, c_int, c_int, c_int, c_void_p)),
        ("start", ctypes.CFUNCTYPE(c_int, c_void_p, POINTER(c_void_p), POINTER(Event))),
        ("stop", ctypes.CFUNCTYPE(c_int, c_void_p)),
        ("record", ctypes.CFUNCTYPE(c_int, c_void_p, c_int, POINTER(c_uint64))),
        ("finalize", ctypes.CFUNCTYPE(c_int, c_void_p)),
    ]


def main():
    table = Table.in_dll(ctypes.CDLL(sys.argv[1]), "ncclProfiler_v6")
    collectives, rank = int(sys.argv[2]), int(sys.argv[3])
    context, mask = c_void_p(), c_int()
    assert table.init(byref(context), 0x5EED, byref(mask), b"data_parallel", 1, 2, rank, None) == 0
    assert mask.value == 0x46

    def start(event):
        handle = c_void_p()
        assert table.start(context, byref(handle), byref(event)) == 0
        return handle

    for seq in range(collectives + 1):
        group = start(Event(type=1))
        coll = Coll(seq=seq, func=b"AllReduce", count=1 << 20, datatype=b"ncclFloat32", channels=2, algo=b"RING", proto=b"SIMPLE", group=group.value)
        task = start(Event(type=2, rank=rank, u=Union(coll=coll)))
        table.stop(task)
        table.stop(group)
        for channel in range(2):
            kernel = start(Event(type=64, parent=task.value, u=Union(kernel=Kernel(channel, 10**9 + seq * 10**6))))
            if seq == collectives:
                continue  # begins and does not end
            table.record(kernel, 22, byref(c_uint64(10**9 + seq * 10**6 + 250_000)))
            table.stop(kernel)
    print("running", flush=True)
    sys.stdin.read()


main()
