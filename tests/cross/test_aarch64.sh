# The same bits on aarch64 (NEON) as on this machine, at every level that it has: the program `checksums` of these
# sources by Debian's cross compiler, run by its emulator (which computes some 0.2 GFLOP/s).
. "$SOURCE/tests/cli/helpers.sh"
. "$SOURCE/tests/cross/compare.sh"

need() { # need PROGRAM "PACKAGES"
  command -v "$1" >/dev/null || fail "there is no $1 (Debian: $2; ./run long installs it)"
}
need aarch64-linux-gnu-gcc "gcc-aarch64-linux-gnu libc6-dev-arm64-cross"
need qemu-aarch64 qemu-user
[ "$failures" = 0 ] || finish

cmake -S "$SOURCE/tests/cross/aarch64" -B build -G Ninja --toolchain "$SOURCE/tests/cross/aarch64/toolchain.cmake" \
  -DCMAKE_BUILD_TYPE=Release -DCMAKE_C_FLAGS_RELEASE=-O3 -DHGN_STRICT=ON -DHGN_CHECKS=ON >configured.txt 2>&1 ||
  fail "cannot configure for aarch64: $(tail -n 20 configured.txt)"
[ "$failures" = 0 ] || finish
cmake --build build -j 1 >built.txt 2>&1 ||
  fail "does not build for aarch64: $(grep -A 20 '^FAILED' built.txt | head -n 40)"
[ "$failures" = 0 ] || finish

"$WRITE_SETTINGS" settings.bin || fail "no settings, exit status $?"
checksums aarch64 base qemu-aarch64 build/checksums
for level in $("$CHECKSUMS" levels); do
  checksums "$level" "$level" "$CHECKSUMS"
  same "$level" aarch64
done
printf '%d arrays\n' "$(wc -l <aarch64.txt)"
finish
