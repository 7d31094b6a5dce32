#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include <weir/state/archive.hpp>
#include <weir/state/key.hpp>
#include <weir/time/instant.hpp>
#include <weir/window/window.hpp>

/// \file
/// The name of an emission: what a sink stores a row under, so that one that comes again is not a second one.

namespace weir::inline v0 {

namespace detail {

/// What comes before the key is as long as the name says, so no key can run into it.
template <class StoredKey>
[[nodiscard]] std::string write_token(std::string_view operator_name, const Window& window,
                                      std::uint64_t number, const Pane& pane, const StoredKey& key) {
  Archive token;
  token.write(std::string(operator_name));
  token.write(window);
  token.write(number);
  token.write(pane.index);
  token.write(pane.is_retraction);
  token.write(key);
  return std::string(token.written());
}

}  // namespace detail

/// The bytes that name one emission: the operator's name, the window and its number, `pane.index`, `pane.is_retraction` and the
/// key. Two tokens are equal exactly if all of these are, and the same on every machine and in every run: a row that comes again,
/// after a restore or when the same records are pushed anew, has the token that it had. The value of the row is not in it.
///
/// No two rows of one output of an operator have the same, as long as it keeps what it has of their key. Behind `windows(a, b)`
/// put the output into the name.
///
/// Needs:   keys of one type under one name; a key with an `archive` of its own writes all that it is told apart by
/// Time:    a copy of the name and of the key, and up to three allocations
/// Memory:  37 bytes, the name, and the key as an `Archive` writes it
/// Errors:  a key that is not `Archivable` does not compile; every type that `key_by` takes is
/// Source:  the format is in docs/reference/window/emission_token.md
template <class Key, class Row>
[[nodiscard]] std::string emission_token(std::string_view operator_name, const Windowed<Key, Row>& row) {
  return detail::write_token(operator_name, row.window, row.number, row.pane, row.key);
}

/// The same for a row that is not of a window, such as an operator of one's own emits: `revision` tells rows of a key at one instant
/// apart. It is counted in the State of the operator, so that it comes again with the row.
///
/// Needs:   an operator whose rows are all named in this way: the token is that of the window [at, at) with the number `revision`
template <class Key>
[[nodiscard]] std::string emission_token(std::string_view operator_name, const Key& key, EventTime at,
                                         std::uint64_t revision) {
  return detail::write_token(operator_name, {at, at}, revision, {}, StoredKey<Key>(key));
}

}  // namespace weir::inline v0
