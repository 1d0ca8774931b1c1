"""The shared memory that a restored environment gets of its own: a fork keeps shared what a snapshot copies."""

import ctypes
import mmap
import os
import sys
from collections.abc import Mapping
from typing import NamedTuple

from .descriptors import CannotCopyError, Inode, Moved

MAP_FIXED = 0x10
DELETED = " (deleted)"

_libc = ctypes.CDLL(None, use_errno=True)
_libc.mmap.restype = ctypes.c_void_p
_libc.mmap.argtypes = [ctypes.c_void_p, ctypes.c_size_t, ctypes.c_int, ctypes.c_int, ctypes.c_int, ctypes.c_long]


class Region(NamedTuple):
    """One shared mapping: where it is, and which file it shows from which offset."""

    start: int
    length: int
    protection: int
    offset: int
    inode: Inode
    path: str


def find() -> "list[Region]":
    """The mappings that the environments must not share.

    Raises `CannotCopyError` for one that cannot be read, or that shows a device.
    """
    regions: list[Region] = []
    if sys.platform != "linux":
        return regions
    with open("/proc/self/maps", encoding="utf-8", errors="surrogateescape") as maps:
        for line in maps:
            span, rights, offset, device, number, *path = line.rstrip("\n").split(None, 5)
            name = path[0] if path else ""
            if rights[3] != "s" or ("w" not in rights and not name.startswith("/tmp/") and DELETED not in name):
                continue  # private, or a file that nobody writes to
            if rights[0] != "r" or name.startswith("anon_inode:"):
                raise CannotCopyError(f"shared memory of {name or 'no name'} cannot be copied")
            start, end = (int(part, 16) for part in span.split("-"))
            major, minor = (int(part, 16) for part in device.split(":"))
            inode = (os.makedev(major, minor), int(number))
            protection = mmap.PROT_READ | ("w" in rights and mmap.PROT_WRITE) | ("x" in rights and mmap.PROT_EXEC)
            regions.append(Region(start, end - start, protection, int(offset, 16), inode, name))
    return regions


def renew(regions: "list[Region]", copies: "Mapping[Inode, int]", moved: Moved) -> None:
    """In the fork: map copies in their places. ``copies`` are descriptors of copied files, by the snapshot's inode."""
    for region in regions:
        if region.inode in copies:
            _map(region, copies[region.inode])
        elif moved.has(region.path) and not region.path.endswith(DELETED):
            file = os.open(moved.path(region.path), os.O_RDWR)
            _map(region, file)
            os.close(file)
        else:
            _map_anonymous(region)


def _map(region: Region, fd: int, protection: "int | None" = None) -> None:
    flags = mmap.MAP_SHARED | MAP_FIXED | (mmap.MAP_ANONYMOUS if fd < 0 else 0)
    rights = region.protection if protection is None else protection
    address = _libc.mmap(region.start, region.length, rights, flags, fd, region.offset if fd >= 0 else 0)
    if address != region.start:
        raise OSError(ctypes.get_errno(), "cannot map a copy of shared memory")


def _map_anonymous(region: Region) -> None:
    content = ctypes.string_at(region.start, region.length)
    _map(region, -1, mmap.PROT_READ | mmap.PROT_WRITE)
    ctypes.memmove(region.start, content, region.length)
    _libc.mprotect(ctypes.c_void_p(region.start), ctypes.c_size_t(region.length), region.protection)
