#!/bin/sh
# in_scratch.sh SCRATCH SCRIPT: runs SCRIPT in a new, empty folder. A script that was killed may have left a small disk mounted.
set -eu
for disk in "$1"/*/; do umount "$disk" 2>/dev/null || true; done
rm -rf "$1"
mkdir -p "$1"
cd "$1"
exec bash "$2"
