#!/bin/sh
# valgrind.sh PROGRAM...: fails when Valgrind finds an error or a leak in one of them.
folder=$(dirname "$0") bad=0
for program in "$@"; do
  echo "$(basename "$program")"
  valgrind -q --error-exitcode=99 --leak-check=full --errors-for-leak-kinds=definite \
    --suppressions="$folder/valgrind.supp" "$program" >/dev/null 2>valgrind.log
  if [ $? -eq 99 ]; then
    grep '^==' valgrind.log
    bad=1
  fi
done
exit $bad
