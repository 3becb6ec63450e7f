#!/bin/sh
# in_scratch.sh SCRATCH SCRIPT: runs SCRIPT in a new, empty folder.
set -eu
rm -rf "$1"
mkdir -p "$1"
cd "$1"
exec bash "$2"
