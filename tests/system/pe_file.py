"""Reads a program of Windows as a file ("PE Format" of Microsoft): what its headers say, and the
libraries that it names."""

import struct

# Keys are CMake's names of processors.
MACHINES = {"x86_64": 0x8664, "AMD64": 0x8664, "aarch64": 0xAA64, "ARM64": 0xAA64}

# Indices into the data directories.
IMPORTS = 1
RELOCATIONS = 5
LOAD_CONFIGURATION = 10

# DLL Characteristics.
HIGH_ENTROPY_VA = 0x0020
DYNAMIC_BASE = 0x0040
NX_COMPAT = 0x0100

# Dependent Load Flags, and of LoadLibraryEx().
SEARCH_SYSTEM32 = 0x0800


class Program:
    """A 64-bit program."""

    def __init__(self, path):
        self.path = path
        with open(path, "rb") as file:
            self.content = file.read()
        signature, = self.unpack("<I", 0x3c)
        assert self.content[signature:signature + 4] == b"PE\0\0"
        self.machine, sections = self.unpack("<HH", signature + 4)
        optional_length, = self.unpack("<H", signature + 20)
        optional = signature + 24
        magic, = self.unpack("<H", optional)
        assert magic == 0x20b
        self.flags, = self.unpack("<H", optional + 70)
        self.system_version = self.unpack("<HH", optional + 40)
        self.subsystem_version = self.unpack("<HH", optional + 48)
        count, = self.unpack("<I", optional + 108)
        self.directories = [self.unpack("<II", optional + 112 + 8 * i) for i in range(count)]
        self.sections = [self.unpack("<IIII", optional + optional_length + 40 * i + 8)
                         for i in range(sections)]

    def unpack(self, form, offset):
        return struct.unpack_from(form, self.content, offset)

    def offset(self, address):
        """Returns the file offset of a relative virtual address."""
        for _, start, size, offset in self.sections:
            if start <= address < start + size:
                return offset + address - start
        raise AssertionError(f"{address:#x} is in no section")

    def text(self, address):
        start = self.offset(address)
        return self.content[start:self.content.index(b"\0", start)].decode()

    def load_flags(self):
        """How Windows looks for the libraries that it loads before the program starts; 0: as ever."""
        table, size = self.directories[LOAD_CONFIGURATION]
        return self.unpack("<H", self.offset(table) + 78)[0] if size > 0 else 0

    def libraries(self):
        """Returns the names of the imported DLLs in lower case."""
        table, _ = self.directories[IMPORTS]
        names = set()
        while name := self.unpack("<5I", self.offset(table))[3]:
            names.add(self.text(name).lower())
            table += 20
        return names
