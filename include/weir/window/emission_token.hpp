#pragma once

#include <string>
#include <string_view>

#include <weir/state/archive.hpp>
#include <weir/window/window.hpp>

/// \file
/// The name of an emission: what a sink stores a row under, so that one that comes again is not a second one.

namespace weir::inline v0 {

/// The bytes that name one emission: the operator's name, the window, `pane.index`, `pane.is_retraction` and the key. Two tokens are
/// equal exactly if all of these are, and the same on every machine and in every run: a row that comes again, after a restore or
/// when the same records are pushed anew, has the token that it had. The value of the row is not in it.
///
/// No two rows of one output of an operator have the same, but for windows that can have the same bounds as another of their key:
/// those of records (`count_windows`), and sessions with a cap or an end marker. Behind `windows(a, b)` put the output into the name.
///
/// Needs:   keys of one type under one name; a key with an `archive` of its own writes all that it is told apart by
/// Time:    a copy of the name and of the key, and up to three allocations
/// Memory:  29 bytes, the name, and the key as an `Archive` writes it
/// Errors:  a key that is not `Archivable` does not compile; every type that `key_by` takes is
/// Source:  the format is in docs/reference/window/emission_token.md
template <class Key, class Row>
[[nodiscard]] std::string emission_token(std::string_view operator_name, const Windowed<Key, Row>& row) {
  // What comes before the key is as long as the name says, so no key can run into it.
  Archive token;
  token.write(std::string(operator_name));
  token.write(row.window);
  token.write(row.pane.index);
  token.write(row.pane.is_retraction);
  token.write(row.key);
  return std::string(token.written());
}

}  // namespace weir::inline v0
