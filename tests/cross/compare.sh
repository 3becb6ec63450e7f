# Sourced by the scripts here, after helpers.sh.

# checksums NAME LEVEL COMMAND...: what the program prints at that level, into NAME.txt.
checksums() {
  file=$1.txt level=$2
  shift 2
  timeout 900 "$@" settings.bin "$level" >"$file" 2>errors.txt ||
    fail "$* at $level, exit status $?: $(tail -n 3 errors.txt)"
  [ -s "$file" ] || fail "$* at $level prints nothing"
}

# same A B: A.txt and B.txt hold the same checksums of the same arrays; if not, how many of which model, and the first.
same() {
  cmp -s "$1.txt" "$2.txt" && return
  fail "$1 and $2 have other bits:
$(awk -v a="$1" -v b="$2" '
    function note(what, item) { # the first six of each kind
      if (++count[what] == 1) order[++kinds] = what
      if (count[what] <= 6) list[what] = list[what] " " item
      if (count[what] == 7) list[what] = list[what] " ..."
    }
    NF != 3 { note("lines that are not \"MODEL ARRAY CHECKSUM\"", "\"" $0 "\""); next }
    FILENAME == ARGV[1] { key[++keys] = $1 " " $2; sum[$1 " " $2] = $3; next }
    !($1 " " $2 in sum) { note($1 ": only " b " has", $2); next }
    { both[$1 " " $2] }
    sum[$1 " " $2] != $3 { note($1 ": other bits in", $2) }
    END {
      for (i = 1; i <= keys; i++) {
        split(key[i], part, " ")
        arrays[part[1]]++
        if (!(key[i] in both)) note(part[1] ": only " a " has", part[2])
      }
      for (i = 1; i <= kinds; i++) {
        model = order[i]
        sub(/:.*/, "", model)
        of = model in arrays ? " of " arrays[model] : ""
        print "  " order[i] " " count[order[i]] of ":" list[order[i]]
      }
    }' "$1.txt" "$2.txt")"
}
