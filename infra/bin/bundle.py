"""The bundle of a function, as Lambda takes it.

bundle.py zip BINARY ZIP            zips a binary; the same one gives the same bytes, wherever and whenever
bundle.py unzip ZIP BINARY          the binary of a bundle, as of the same moment
bundle.py check ZIP ARCHITECTURE    says what is wrong with a bundle for arm64 or x86_64, if anything is
"""

import calendar
import os
import struct
import sys
import zipfile

# Readable and executable for all: Lambda runs it as a user of its own.
MODE = 0o100755
# The first moment that a zip can tell.
MOMENT = (1980, 1, 1, 0, 0, 0)
# ELF's e_machine.
MACHINES = {183: "arm64", 62: "x86_64"}


def make(binary, path):
    entry = zipfile.ZipInfo("bootstrap", MOMENT)
    # Modes count in zips of Unix alone.
    entry.create_system = 3
    entry.external_attr = MODE << 16
    entry.compress_type = zipfile.ZIP_DEFLATED
    with open(binary, "rb") as file, zipfile.ZipFile(path, "w") as archive:
        archive.writestr(entry, file.read(), compresslevel=9)


def unmake(path, binary):
    with zipfile.ZipFile(path) as archive, open(binary, "wb") as file:
        file.write(archive.read("bootstrap"))
    os.chmod(binary, MODE & 0o777)
    moment = calendar.timegm(MOMENT)
    os.utime(binary, (moment, moment))


def check(path, wanted):
    try:
        with zipfile.ZipFile(path) as archive:
            entry = archive.getinfo("bootstrap")
            head = archive.open(entry).read(20)
    except (zipfile.BadZipFile, KeyError, OSError):
        sys.exit(f"{path} is no zip with a bootstrap in it")
    machine = struct.unpack_from("<H", head, 18)[0] if len(head) == 20 and head[:4] == b"\x7fELF" else 0
    built = MACHINES.get(machine, "no machine of Lambda's")
    if built != wanted:
        sys.exit(f"{path} is built for {built}, and the environment runs {wanted}")
    if not (entry.external_attr >> 16) & 0o001:
        sys.exit(f"{path} holds a bootstrap that nobody may execute")


if __name__ == "__main__":
    match sys.argv[1:]:
        case ["zip", binary, path]:
            make(binary, path)
        case ["unzip", path, binary]:
            unmake(path, binary)
        case ["check", path, wanted]:
            check(path, wanted)
        case _:
            sys.exit(__doc__)
