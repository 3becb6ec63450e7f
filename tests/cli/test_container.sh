# slurm/hgn.def without Apptainer: its %files are copied into a Debian 12 made by debootstrap, and its %post and %test run
# there in a chroot. So what it installs is enough to build, and what it has built trains. (debian:12-slim, which it begins
# with, holds what debootstrap's minbase does, less documentation.)
. "$SOURCE/tests/cli/helpers.sh"
definition=$SOURCE/slurm/hgn.def
if [ "$(id -u)" != 0 ] || ! command -v debootstrap >/dev/null 2>&1; then
  echo "not root, or no debootstrap: the container's steps were not tested"
  exit 0
fi
grep -qx "From: debian:12-slim" "$definition" || fail "not of Debian 12: what is tested here is another system"

# section NAME: its lines.
section() { awk -v name="%$1" '/^%/ {here = ($1 == name); next} here' "$definition"; }

# inside NAME: a section, in the chroot; /proc and /sys are mounted in a namespace of their own, where that may be, and go
# with it.
inside() {
  section "$1" >"root/$1.sh"
  [ -s "root/$1.sh" ] || fail "no section %$1"
  began=$SECONDS
  # shellcheck disable=SC2016
  unshare --mount true 2>/dev/null &&
    set -- "$1" unshare --mount sh -c 'mount -t proc proc root/proc; mount -t sysfs sys root/sys; exec "$@"' sh
  name=$1
  shift
  timeout 1500 "$@" chroot root env -i PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin HOME=/root \
    ${http_proxy:+http_proxy=$http_proxy} ${https_proxy:+https_proxy=$https_proxy} \
    /bin/sh "/$name.sh" >"$name.txt" 2>&1 </dev/null || fail "%$name: $(tail -n 20 "$name.txt")"
  echo "%$name: $((SECONDS - began)) s"
}

began=$SECONDS
if ! timeout 600 debootstrap --variant=minbase bookworm root >debootstrap.txt 2>&1; then
  echo "debootstrap: $(tail -n 1 debootstrap.txt): the container's steps were not tested"
  exit 0
fi
echo "debootstrap: $((SECONDS - began)) s"
while read -r from to; do
  [ -n "$from" ] || continue
  mkdir -p "root$(dirname "$to")"
  cp -fLr "$SOURCE/$from" "root$to" || fail "%files: $from"
done < <(section files)
inside post
[ "$failures" = 0 ] && inside test
[ "$failures" = 0 ] && for text in "hgn 0" "test MSE"; do
  grep -qF "$text" test.txt || fail "no \"$text\": $(cat test.txt)"
done
[ "$failures" = 0 ] && [ -e root/opt/hgn ] && fail "the sources are left in the image"
rm -rf root
finish
