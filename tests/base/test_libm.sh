# Below src/cli nothing but the oracle of graphs (src/graph/reference.c) calls a function of libm that is not exact: its last
# bit depends on the processor and on the library. Symbols show what a macro hides, sources what a compiler has folded.
# $BUILD: the build folder. $NM: the program.
. "$SOURCE/tests/cli/helpers.sh"

inexact="a?(sin|cos|tan)(h|pi)?|sincos|atan2(pi)?|exp|exp2|exp10|pow10|expm1|pow|powr|pown|log|log2|log10|log1p"
inexact="$inexact|hypot|cbrt|rootn|compoundn|erfc?|[lt]?gamma|[jy][01n]|c(abs|arg|sqrt|exp|log|log10|pow|a?(sin|cos|tan)h?)"
inexact="($inexact)(f|l|f(16|32|64|128)x?)?(_r)?"

# "MEMBER SYMBOL" of a library's calls, of vector variants (_ZGV) too.
calls() {
  "$NM" -u "$1" | awk 'NF == 1 && /:$/ { sub(/:$/, ""); member = $0 } NF == 2 && $1 == "U" { print member, $2 }' |
    grep -E " ((__)?$inexact(_finite)?|_ZGV.*)$"
}

# "FILE:LINE:CODE" of sources, without comments and the contents of texts.
code() {
  awk 'FNR == 1 { inside = 0 }
  {
    line = $0; kept = ""
    gsub(/\047\\?"\047/, "0", line)
    gsub(/"([^"\\]|\\.)*"/, "\"\"", line)
    while (line != "") {
      at = index(line, inside ? "*/" : "/*")
      if (!inside) kept = kept (at ? substr(line, 1, at - 1) : line)
      if (!at) break
      line = substr(line, at + 2)
      inside = !inside
    }
    print FILENAME ":" FNR ":" kept
  }' "$@"
}

for folder in "$SOURCE"/src/*/; do
  layer=$(basename "$folder")
  case $layer in cli | cmake) continue ;; esac
  library=$BUILD/src/$layer/libhgn_$layer.a
  [ -f "$library" ] || fail "the layer $layer has no $library"
  calls "$library" >calls.txt
  sources=$(find "$folder" -name '*.[ch]' -o -name '*.inc')
  if [ "$layer" = graph ]; then
    grep -q '^reference\.c\.o cos$' calls.txt || fail "$NM does not show that reference.c calls cos: $(cat calls.txt)"
    sed -i '/^reference\.c\.o /d' calls.txt
    code "${folder}reference.inc" | grep -qE "[^_a-zA-Z0-9.>]$inexact *\(" || fail "reference.inc calls nothing?"
    sources=$(echo "$sources" | grep -v '/reference\.inc$')
  fi
  # shellcheck disable=SC2086
  code $sources | grep -E "[^_a-zA-Z0-9.>]$inexact *\(" >>calls.txt
  [ -s calls.txt ] && fail "the layer $layer calls libm, and src/base/elementary.h has such functions: $(cat calls.txt)"
done
finish
