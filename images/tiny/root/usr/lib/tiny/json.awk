# JSON in, one line for every scalar out: path, tab, value. Path parts are joined by "/", array members are numbered
# from 0. In values backslash escapes are decoded, except that newline and tab stay \n and \t: a value is one line.
# Exits 1, with nothing printed, when the text is not JSON.
function fail() { bad = 1; exit 1 }
function blank() { while (index(" \t\r\n", c = substr(text, at, 1)) && c != "") at++ }
function utf8(n) {
  if (n < 128) return sprintf("%c", n)
  if (n < 2048) return sprintf("%c%c", 192 + int(n / 64), 128 + n % 64)
  if (n < 65536) return sprintf("%c%c%c", 224 + int(n / 4096), 128 + int(n / 64) % 64, 128 + n % 64)
  return sprintf("%c%c%c%c", 240 + int(n / 262144), 128 + int(n / 4096) % 64, 128 + int(n / 64) % 64, 128 + n % 64)
}
function hex4(   i, n, digit) {
  for (i = 0; i < 4; i++) {
    digit = index("0123456789abcdef", tolower(substr(text, at + i, 1)))
    if (!digit || at + i > size) fail()
    n = n * 16 + digit - 1
  }
  at += 4
  return n
}
function string(   out, run, n, low) {
  at++
  for (;;) {
    # Up to the next quote or backslash in one step: keys and certificates are long.
    run = match(substr(text, at, 512), /["\\]/)
    if (!run) { if (at > size) fail(); out = out substr(text, at, 512); at += 512; continue }
    out = out substr(text, at, run - 1); at += run
    if (substr(text, at - 1, 1) == "\"") break
    c = substr(text, at++, 1)
    if (c == "u") {
      n = hex4()
      if (n >= 55296 && n < 56320 && substr(text, at, 2) == "\\u") {
        at += 2; low = hex4(); n = 65536 + (n - 55296) * 1024 + low - 56320
      }
      out = out (n == 10 ? "\\n" : n == 9 ? "\\t" : utf8(n))
    } else if (c == "n" || c == "t") out = out "\\" c
    else if (c == "r" || c == "b" || c == "f") out = out " "
    else if (c == "\"" || c == "\\" || c == "/") out = out c
    else fail()
  }
  gsub(/\n/, "\\n", out); gsub(/\t/, "\\t", out)
  return out
}
function value(path,   i, key) {
  blank()
  if (c == "{" || c == "[") return members(path, c == "{")
  if (c == "\"") { lines = lines path "\t" string() "\n"; return }
  if (!match(substr(text, at, 64), /^(true|false|null|-?[0-9][-+.0-9eE]*)/)) fail()
  lines = lines path "\t" substr(text, at, RLENGTH) "\n"; at += RLENGTH
}
function members(path, named,   i, key, close_with) {
  close_with = named ? "}" : "]"
  at++; blank()
  if (c == close_with) { at++; return }
  for (i = 0;; i++) {
    key = i
    if (named) {
      blank(); if (c != "\"") fail()
      key = string()
      blank(); if (c != ":") fail()
      at++
    }
    value(path == "" ? key : path "/" key)
    blank(); at++
    if (c == close_with) return
    if (c != ",") fail()
  }
}
{ text = text $0 "\n" }
END {
  if (bad) exit 1
  at = 1; size = length(text)
  value(""); blank()
  if (at <= size) exit 1
  printf "%s", lines
}
