# Sourced by the scripts that need data sets of before there was a validation split.

# without_validation FILE.h5: as older versions wrote it. Checksums add up, so what is gone can be taken off the content's.
without_validation() {
  /usr/bin/python3 - "$1" <<'PY' || fail "cannot take the validation split out of $1"
import sys
import h5py
import numpy as np

def mix(x):
    x = (x ^ (x >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    x = (x ^ (x >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return x ^ (x >> np.uint64(31))

def tag(name):
    hash = 0xCBF29CE484222325
    for c in name.encode():
        hash = (hash ^ c) * 0x100000001B3 % 2**64
    return mix(np.array([hash], "u8"))

def checksum(name, data):
    word = np.frombuffer(data + bytes(-len(data) % 8), "<u8")
    place = mix(np.arange(len(word), dtype="u8") * np.uint64(0x9E3779B97F4A7C15) + tag(name))
    turned = (place << np.uint64(32) | place >> np.uint64(32)) + np.uint64(0xD1B54A32D192ED03)
    return np.array([mix(word + place).sum(), mix(word ^ turned).sum()], "u8")

def parse(text):
    return np.array([int(text[:16], 16), int(text[16:32], 16)], "u8")

with h5py.File(sys.argv[1], "r+") as f:
    content = parse(f["checksum/content"][()])
    content -= checksum("validation", np.array([len(f["validation/state"])], "<i8").tobytes())
    for label in [name for name in f["checksum"] if name.startswith("validation_")]:
        content -= parse(f["checksum"][label][()])
        del f["checksum"][label]
    for label in [name for name in f["checksum/rollouts"] if name.startswith("validation_")]:
        del f["checksum/rollouts"][label]
    del f["validation"]
    text = f["config"][()]
    old = b"".join(line for line in text.splitlines(True) if not line.startswith(b"  validation:"))
    content += checksum("/config", old) - checksum("/config", text)
    kind = h5py.h5t.C_S1.copy()
    kind.set_size(len(old))
    kind.set_strpad(f["config"].id.get_type().get_strpad())
    del f["config"]
    h5py.h5d.create(f.id, b"config", kind, h5py.h5s.create(h5py.h5s.SCALAR)).write(
        h5py.h5s.ALL, h5py.h5s.ALL, np.array(old), mtype=kind)
    f["checksum/content"][()] = np.bytes_("%016x%016x" % tuple(int(word) for word in content))
PY
}
