# Reads allowed.txt (variable `table`), then C++ files, and prints one line per breach of the house rules.
# Variable `root` is the directory that holds include/ and src/.

function problem(text) { print where ": " text }

# The room of a path below include/weir/ or src/: a folder, or the file's own name when it lies in none.
function room_of(path,    parts, count) {
  count = split(path, parts, "/")
  return parts[1]
}

function may_include(from, to) {
  return to == from || to == "version.hpp" || (from, "*") in allowed || (from, to) in allowed
}

function read_table(    line, colon, name, words, count, i) {
  while ((getline line < table) > 0) {
    sub(/#.*/, "", line)
    if (line !~ /[^ \t]/) continue
    where = "allowed.txt"
    colon = index(line, ":")
    name = substr(line, 1, colon - 1)
    gsub(/[ \t]/, "", name)
    count = split(substr(line, colon + 1), words, " ")
    for (i = 1; i <= count; i++) {
      if (words[i] == "-") continue
      if (words[i] != "*" && !(words[i] in listed)) problem(name " may not name " words[i] ", which is not above it")
      allowed[name, words[i]] = 1
    }
    listed[name] = 1
  }
  close(table)
}

# The line without comments, string and character literals. `in_comment` carries over lines.
function code_of(line,    out, at, two, quote, before) {
  out = ""
  for (at = 1; at <= length(line); at++) {
    two = substr(line, at, 2)
    if (in_comment) {
      if (two == "*/") { in_comment = 0; at++ }
      continue
    }
    if (two == "//") break
    if (two == "/*") { in_comment = 1; at++; out = out " "; continue }
    quote = substr(line, at, 1)
    before = substr(out, length(out), 1)
    if (quote == "\"" || (quote == "'" && before !~ /[0-9A-Fa-f]/)) {
      for (at++; at <= length(line) && substr(line, at, 1) != quote; at++)
        if (substr(line, at, 1) == "\\") at++
      out = out quote quote
      continue
    }
    out = out quote
  }
  return out
}

function check_include(line,    name, to) {
  name = line
  sub(/^[ \t]*#[ \t]*include[ \t]*/, "", name)
  if (name ~ /^"/) {
    sub(/^"/, "", name); sub(/".*/, "", name)
    if (is_public) problem("#include \"" name "\": public headers use <weir/room/file.hpp>")
    else if (name ~ /\//) problem("#include \"" name "\": only a neighbour in the same folder may be included with quotes")
    return
  }
  sub(/^</, "", name); sub(/>.*/, "", name)
  if (name ~ /^weir\//) {
    sub(/^weir\//, "", name)
    to = room_of(name)
    if (!(room in listed)) return
    if (!may_include(room, to)) problem(room " may not include <weir/" name ">; see tests/layering/allowed.txt")
    return
  }
  if (!is_public) return
  if (name ~ /^(iostream|regex|ranges|functional)$/) problem("<" name "> has no place in a public header")
  if (name ~ /^(fmt\/|simdjson)/) problem("<" name "> is private to src/")
}

BEGIN { read_table() }

FNR == 1 {
  path = substr(FILENAME, length(root) + 2)
  is_public = path ~ /^include\//
  below = path
  sub(is_public ? "^include/weir/" : "^src/", "", below)
  room = room_of(below)
  in_comment = 0
  where = path
  if (!(room in listed)) problem("'" room "' has no row in tests/layering/allowed.txt")
}

{
  where = path ":" FNR
  if (!in_comment && $0 ~ /^[ \t]*#[ \t]*include/) { check_include($0); next }
  code = " " code_of($0) " "
  if (!is_public) next
  if (match(code, /[^A-Za-z0-9_](throw|try|catch|typeid|dynamic_cast)[^A-Za-z0-9_]/))
    problem("'" substr(code, RSTART + 1, RLENGTH - 2) "' has no place in a public header")
  if (match(code, /[^A-Za-z0-9_](fmt|simdjson)::/))
    problem("'" substr(code, RSTART + 1, RLENGTH - 1) "' is private to src/")
}
