# Reads headers and prints docs/reference/aggregates.md: the card of every aggregate, which is the doc comment with a line `Use:`.
# Variable `problems` is the file for what is wrong with a card. Files come in the order of aggregate/aggregate.hpp.

function problem(text) { print FILENAME ":" FNR ": " text >>problems }

function clear_card(    label) {
  meaning = ""
  current = "meaning"
  for (label in value) delete value[label]
  for (label in given) delete given[label]
}

# Takes one line of a doc comment without its slashes.
function take(line,    at, label, k) {
  if (line ~ /^[A-Z][a-z]+: +/) {
    at = index(line, ":")
    label = substr(line, 1, at - 1)
    sub(/^[A-Z][a-z]+: +/, "", line)
    value[label] = line
    given[++labels] = label
    current = label
  } else if (line ~ /^[ \t]*$/) {
    if (current == "meaning") current = "none"
  } else {
    sub(/^[ \t]+/, "", line)
    if (current == "meaning") meaning = meaning (meaning == "" ? "" : " ") line
    else if (current in value) value[current] = value[current] " " line
  }
}

function finish(name,    k) {
  if (!("Use" in value)) return
  for (k = 1; k <= wanted_labels; k++) {
    if (given[k] != wanted[k]) {
      problem(name ": its card has " (k in given && k <= labels ? given[k] : "nothing") " where " wanted[k] " belongs")
      return
    }
  }
  if (labels != wanted_labels) problem(name ": its card has a line more than it should: " given[labels])
  cards++
  names[cards] = name
  meanings[cards] = meaning
  header[cards] = FILENAME
  for (k in value) card[cards, k] = value[k]
}

function barred(text) { gsub(/\|/, "\\|", text); return text }
function cell(text) { gsub(/</, "\\&lt;", text); return barred(text) }
# Calls, separated by commas outside of brackets; what follows a semicolon is prose.
function code_list(text,    i, out, depth, c, word, prose) {
  word = ""
  depth = 0
  for (i = 1; i <= length(text); i++) {
    c = substr(text, i, 1)
    if (c ~ /[({<]/) depth++
    if (c ~ /[)}>]/) depth--
    if (c == ";" && depth == 0) { prose = cell(substr(text, i)); break }
    if (c == "," && depth == 0) { out = out (out == "" ? "" : ", ") "`" word "`"; word = ""; continue }
    if (c == " " && word == "") continue
    word = word c
  }
  return barred(out (out == "" ? "" : ", ") "`" word "`") prose
}

BEGIN {
  wanted_labels = split("Use Formula Result Missing Merge Error Memory Cost Source", wanted, " ")
}
FNR == 1 { in_block = 0 }
/^ *\/\/\/($| )/ {
  if (!in_block) { clear_card(); labels = 0; in_block = 1 }
  line = $0
  sub(/^ *\/\/\/ ?/, "", line)
  take(line)
  next
}
in_block && /^ *(template|requires)/ { next }
in_block {
  name = $0
  sub(/^ *(struct|class) /, "", name)
  sub(/[ :{<].*/, "", name)
  finish(name)
  in_block = 0
}
END {
  print "# The aggregates"
  print ""
  print "Made from the headers by `sh tests/docs/check.sh --update`. Every aggregate works in every kind of window, can be given `.where(condition)`,"
  print "and is told from one record after the other; [feature](aggregate/feature.md) says what becomes of missing values and NaN,"
  print "[custom aggregators](../guides/custom_aggregators.md) how to add one. Memory is per key and pane; u = 2^-53."
  print ""
  print "| write | meaning | memory |"
  print "| --- | --- | --- |"
  for (k = 1; k <= cards; k++)
    printf "| %s | %s | %s |\n", code_list(card[k, "Use"]), cell(meanings[k]), cell(card[k, "Memory"])
  before = ""
  for (k = 1; k <= cards; k++) {
    page = header[k]
    sub(/\.hpp$/, "", page)
    if (page != before) printf "\n## [%s](%s.md)\n", page, page
    before = page
    printf "\n### %s\n\n%s\n\n| | |\n| --- | --- |\n", names[k], meanings[k]
    printf "| use | %s |\n", code_list(card[k, "Use"])
    for (i = 2; i <= wanted_labels; i++)
      printf "| %s | %s |\n", tolower(wanted[i]), cell(card[k, wanted[i]])
  }
}
