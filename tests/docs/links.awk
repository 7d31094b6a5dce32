# Prints "LINE TARGET" for each relative link of a Markdown file, outside of fences and code spans.

function emit(target) {
  gsub(/^[ \t<]*|[ \t>]*$/, "", target)
  sub(/[ \t]+["'(].*$/, "", target)
  sub(/#.*$/, "", target)
  if (target == "" || target ~ /^[A-Za-z][A-Za-z0-9+.-]*:/) return
  print FNR " " target
}

/^[ \t]*(```|~~~)/ {
  match($0, /(```+|~~~+)/)
  mark = substr($0, RSTART, RLENGTH)
  if (!in_fence) { in_fence = 1; fence = mark }
  else if (substr(mark, 1, length(fence)) == fence) in_fence = 0
  next
}
in_fence { next }

{
  line = $0
  gsub(/`[^`]*`/, "", line)
  if (line ~ /^[ \t]*\[[^]]+\]:[ \t]/) {
    target = line
    sub(/^[ \t]*\[[^]]+\]:[ \t]*/, "", target)
    emit(target)
    next
  }
  rest = line
  while (match(rest, /\]\([^)]*\)/)) {
    emit(substr(rest, RSTART + 2, RLENGTH - 3))
    rest = substr(rest, RSTART + RLENGTH)
  }
  rest = line
  while (match(rest, /(src|href|srcset)="[^"]*"/)) {
    target = substr(rest, RSTART, RLENGTH)
    sub(/^[a-z]*="/, "", target)
    sub(/"$/, "", target)
    emit(target)
    rest = substr(rest, RSTART + RLENGTH)
  }
}
