# Prints a Markdown file with every fence that follows `<!-- region: FILE:NAME -->` replaced by that region of FILE.
# Variables: root (what FILE is relative to), page (the name used in messages), problems (file the messages go to).

function problem(line, text) { print page ":" line ": " text >>problems }

function indent_of(line) {
  match(line, /^[ \t]*/)
  return RLENGTH
}

# Loads region `name` of `file` into body[1..]; returns the number of lines, or -1 with the reason in `reason`.
# Markers of other regions are left out, so regions may nest; the common indentation is removed.
function load_region(file, name,    line, depth, inside, count, status, least, i, stack) {
  count = depth = 0
  inside = -1
  reason = "no region '" name "' in " file
  while ((status = (getline line < (root "/" file))) > 0) {
    if (line ~ /^[ \t]*(\/\/|#)[ \t]*\[region [^]]*\][ \t]*$/) {
      depth++
      sub(/^[ \t]*(\/\/|#)[ \t]*\[region[ \t]*/, "", line)
      sub(/[ \t]*\][ \t]*$/, "", line)
      if (line == name) {
        if (inside != -1) { reason = "two regions '" name "' in " file; close(root "/" file); return -1 }
        inside = depth
      }
    } else if (line ~ /^[ \t]*(\/\/|#)[ \t]*\[end[^]]*\][ \t]*$/) {
      if (depth == inside) inside = 0
      depth--
    } else if (inside > 0) {
      body[++count] = line
    }
  }
  close(root "/" file)
  if (status < 0) { reason = "cannot read " file; return -1 }
  if (inside == -1) return -1
  if (inside > 0) { reason = "region '" name "' in " file " has no [end]"; return -1 }
  while (count > 0 && body[count] ~ /^[ \t]*$/) count--
  least = -1
  for (i = 1; i <= count; i++)
    if (body[i] !~ /^[ \t]*$/ && (least == -1 || indent_of(body[i]) < least)) least = indent_of(body[i])
  for (i = 1; i <= count; i++) body[i] = body[i] ~ /^[ \t]*$/ ? "" : substr(body[i], least + 1)
  if (count == 0) { reason = "region '" name "' in " file " is empty"; return -1 }
  return count
}

function open_fence(    info, language, file, name, i) {
  match($0, /^[ \t]*(```+|~~~+)/)
  fence = substr($0, 1, RLENGTH)
  info = substr($0, RLENGTH + 1)
  margin = fence
  sub(/(```+|~~~+)$/, "", margin)
  fence = substr(fence, length(margin) + 1)
  in_fence = 1
  replaced = 0
  language = tolower(info)
  sub(/^[ \t]*/, "", language)
  sub(/[ \t{,].*/, "", language)
  print
  if (region == "") {
    if (language ~ /^(cpp|c\+\+|cc|cxx|hpp|h\+\+)$/)
      problem(FNR, "C++ without `<!-- region: examples/docs/FILE.cpp:NAME -->` on the line before")
    return
  }
  file = name = region
  sub(/:[^:]*$/, "", file)
  sub(/^.*:/, "", name)
  region = ""
  if (file !~ /^(examples|tests)\//) {
    problem(FNR, file ": regions are taken from examples/ or tests/, where they are compiled or run")
    return
  }
  lines = load_region(file, name)
  if (lines < 0) { problem(FNR, reason); return }
  for (i = 1; i <= lines; i++) print body[i] == "" ? "" : margin body[i]
  replaced = 1
}

in_fence {
  closing = $0
  gsub(/^[ \t]*|[ \t]*$/, "", closing)
  if (substr(closing, 1, length(fence)) == fence && closing ~ /^(`+|~+)$/) { in_fence = 0; print }
  else if (!replaced) print
  next
}

/^[ \t]*(```|~~~)/ { open_fence(); next }

/^[ \t]*<!-- region: .* -->[ \t]*$/ {
  if (region != "") problem(FNR, "a region comment needs a fence after it")
  region = $0
  sub(/^[ \t]*<!-- region: */, "", region)
  sub(/ *-->[ \t]*$/, "", region)
  print
  next
}

{
  if (region != "" && $0 !~ /^[ \t]*$/) { problem(FNR, "a region comment needs a fence after it"); region = "" }
  print
}

END {
  if (in_fence) problem(FNR, "the last fence is not closed")
  if (region != "") problem(FNR, "a region comment needs a fence after it")
}
