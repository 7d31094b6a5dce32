#pragma once

#include <algorithm>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <limits>
#include <string>
#include <string_view>
#include <tuple>
#include <utility>
#include <vector>

#include <weir/aggregate/feature.hpp>
#include <weir/state/archive.hpp>
#include <weir/state/owned.hpp>

/// \file
/// distinct

namespace weir::inline v0 {

/// How many distinct values are told apart.
struct DistinctSpec {
  std::uint32_t most = 4096;  ///< one more and the result is held at `most` and flagged
};

namespace detail {

/// Where keys go in an empty table in which a key that finds its place taken goes to the next free one. `places` says where each key
/// belongs, and becomes where it goes: in time linear in keys and slots, also for keys that were forged to collide.
/// Needs: no more keys than slots.
void place_all(std::vector<std::uint32_t>& places, std::size_t slots);

/// A set that only grows: a few keys in place, then open addressing. `Key{}` marks free slots and is counted
/// apart. Keys are compared in full; whoever forges colliding keys gains at most `most` probes per record.
template <class Key>
class DistinctSet {
 public:
  using View = std::conditional_t<std::same_as<Key, OwnedString>, std::string_view, Key>;

  constexpr DistinctSet() = default;
  constexpr DistinctSet(const DistinctSet& other) : DistinctSet() {
    if (other.table_ != nullptr) {
      table_ = make_table(other.slots());
      slots_log2_ = other.slots_log2_;
    }
    for (std::size_t i = 0; i < slots(); ++i) data()[i] = other.data()[i];
    keys_ = other.keys_;
    has_default_ = other.has_default_;
    is_full_ = other.is_full_;
  }
  constexpr DistinctSet(DistinctSet&& other) noexcept { swap(other); }
  // NOLINTNEXTLINE(bugprone-unhandled-self-assignment): copies first, then swaps
  constexpr DistinctSet& operator=(const DistinctSet& other) {
    DistinctSet copy = other;
    swap(copy);
    return *this;
  }
  constexpr DistinctSet& operator=(DistinctSet&& other) noexcept {
    DistinctSet moved = std::move(other);
    swap(moved);
    return *this;
  }
  constexpr ~DistinctSet() {
    if (table_ == nullptr) return;
    std::destroy_n(table_, slots());
    OwnedAllocator<Key>{}.deallocate(table_, slots());
  }

  [[nodiscard]] constexpr std::uint32_t size() const { return keys_ + (has_default_ ? 1 : 0); }
  /// A key beyond `most` was refused, or was there when the set was read. Its keys are gone once it is touched: nothing can change
  /// the result any more.
  [[nodiscard]] constexpr bool is_full(std::uint32_t most) const { return is_full_ || size() > most; }

  constexpr void insert(View key, std::uint32_t most) {
    if (is_full_) return;
    if (size() > most) return become_full();
    const bool is_default = key == View{};
    Key* slot = is_default ? nullptr : find(key);
    if (is_default ? has_default_ : slot != nullptr && *slot == key) return;
    if (size() >= most) return become_full();
    if (is_default) {
      has_default_ = true;
      return;
    }
    if (slot == nullptr || (table_ != nullptr && (keys_ + std::size_t{1}) * 4 > slots() * 3)) {
      grow();
      slot = find(key);
    }
    *slot = key;
    ++keys_;
  }

  constexpr void merge(const DistinctSet& other, std::uint32_t most) {
    if (is_full_) return;
    if (is_full(most) || other.is_full(most)) return become_full();
    if (size() == 0)
      *this = other;
    else
      other.for_each([&](View key) { insert(key, most); });
  }

  template <class Function>
  constexpr void for_each(Function function) const {
    if (has_default_) function(View{});
    for (std::size_t i = 0; i < slots(); ++i)
      if (data()[i] != Key{}) function(View{data()[i]});
  }

  /// The keys in their order, so that equal sets are equal bytes.
  void archive(Archive& ar) {
    ar(is_full_);
    std::vector<Key> keys;
    if (!ar.is_loading()) {
      for_each([&keys](View key) { keys.emplace_back(key); });
      std::sort(keys.begin(), keys.end());
    }
    ar(keys);
    if (!ar.is_loading()) return;
    if (is_full_ && !keys.empty()) return ar.fail("a set that is full has keys");
    const auto is_wrong = [](const Key& a, const Key& b) { return !(a < b); };
    if (std::adjacent_find(keys.begin(), keys.end(), is_wrong) != keys.end())
      return ar.fail("the keys of a set are not in their order");
    const bool is_full = is_full_;
    *this = DistinctSet{};
    fill(std::move(keys));
    is_full_ = is_full;
  }
  [[nodiscard]] static constexpr std::uint64_t archive_layout() { return layout_of<Key>(); }

 private:
  static constexpr std::size_t few = sizeof(Key) <= 8 ? 3 : 1;

  [[nodiscard]] static constexpr Key* make_table(std::size_t slots) {
    Key* const table = OwnedAllocator<Key>{}.allocate(slots);
    for (std::size_t i = 0; i < slots; ++i) std::construct_at(table + i);
    return table;
  }

  [[nodiscard]] constexpr std::size_t slots() const {
    return slots_log2_ == 0 ? few : std::size_t{1} << slots_log2_;
  }
  [[nodiscard]] constexpr Key* data() { return table_ != nullptr ? table_ : inline_; }
  [[nodiscard]] constexpr const Key* data() const { return table_ != nullptr ? table_ : inline_; }

  static constexpr std::size_t hash(std::uint64_t key) {
    __extension__ typedef unsigned __int128 Wide;
    const Wide product = static_cast<Wide>(key) * 0x9e3779b97f4a7c15U;
    return static_cast<std::size_t>(product >> 64U) ^ static_cast<std::size_t>(product);
  }
  static std::size_t hash(std::string_view key) { return std::hash<std::string_view>{}(key); }

  /// Where the key is or may go; null if it is not among the few and there is no room.
  constexpr Key* find(View key) {
    if (table_ == nullptr) {
      for (Key& slot : inline_)
        if (slot == key || slot == Key{}) return &slot;
      return nullptr;
    }
    const std::size_t mask = slots() - 1;
    std::size_t i = hash(key) & mask;
    while (table_[i] != key && table_[i] != Key{}) i = (i + 1) & mask;
    return table_ + i;
  }

  constexpr void grow() {
    DistinctSet larger;
    const auto log2 = static_cast<std::uint8_t>(table_ == nullptr ? 3 : slots_log2_ + 1);
    larger.table_ = make_table(std::size_t{1} << log2);
    larger.slots_log2_ = log2;
    for (std::size_t i = 0; i < slots(); ++i)
      if (data()[i] != Key{}) *larger.find(data()[i]) = std::move(data()[i]);
    larger.keys_ = keys_;
    larger.has_default_ = has_default_;
    swap(larger);
  }

  /// Takes keys that are in their order into a set that is empty.
  void fill(std::vector<Key> keys) {
    has_default_ = !keys.empty() && keys.front() == Key{};
    if (has_default_) keys.erase(keys.begin());
    if (keys.size() <= few) {
      std::move(keys.begin(), keys.end(), inline_);
    } else {
      std::uint8_t log2 = 3;
      while (keys.size() * 4 > std::size_t{3} << log2) ++log2;
      table_ = make_table(std::size_t{1} << log2);
      slots_log2_ = log2;
      fill_table(keys);
    }
    keys_ = static_cast<std::uint32_t>(keys.size());
  }
  void fill_table(std::vector<Key>& keys) {
    const std::size_t mask = slots() - 1;
    std::vector<std::uint32_t> places;
    places.reserve(keys.size());
    for (const Key& key : keys) places.push_back(static_cast<std::uint32_t>(hash(key) & mask));
    place_all(places, slots());
    for (std::size_t i = 0; i < keys.size(); ++i) table_[places[i]] = std::move(keys[i]);
  }

  constexpr void become_full() {
    *this = DistinctSet{};
    is_full_ = true;
  }

  constexpr void swap(DistinctSet& other) noexcept {
    for (std::size_t i = 0; i < few; ++i) std::swap(inline_[i], other.inline_[i]);
    std::swap(table_, other.table_);
    std::swap(keys_, other.keys_);
    std::swap(slots_log2_, other.slots_log2_);
    std::swap(has_default_, other.has_default_);
    std::swap(is_full_, other.is_full_);
  }

  Key inline_[few]{};
  Key* table_ = nullptr;    // a power of two of slots, at most three quarters of them taken
  std::uint32_t keys_ = 0;  // without Key{}
  std::uint8_t slots_log2_ = 0;
  bool has_default_ = false;
  bool is_full_ = false;
};

template <class T>
concept Scalar =
    Integer<T> || std::is_enum_v<T> || Float<T> || std::same_as<T, Duration> || std::same_as<T, EventTime>;

/// One integer per distinct value: -0.0 is 0.0, and every NaN is one value.
template <Scalar T>
[[nodiscard]] constexpr std::uint64_t identity(T x) {
  if constexpr (std::same_as<T, Duration>)
    return static_cast<std::uint64_t>(x.count());
  else if constexpr (std::same_as<T, EventTime>)
    return static_cast<std::uint64_t>(ticks(x));
  else if constexpr (!Float<T>)
    return static_cast<std::uint64_t>(x);
  else if (is_nan(x))
    return std::bit_cast<std::uint64_t>(std::numeric_limits<double>::quiet_NaN());
  else
    return x == 0 ? 0 : std::bit_cast<std::uint64_t>(static_cast<double>(x));
}

template <class T>
consteval bool is_compound() {
  if constexpr (PartsOf<T>::value) return []<std::size_t... i>(std::index_sequence<i...>) {
      return ((Scalar<std::tuple_element_t<i, T>> ||
               std::is_convertible_v<const std::tuple_element_t<i, T>&, std::string_view>)&&...);
    }
  (std::make_index_sequence<std::tuple_size_v<T>>{});
  else return false;
}

/// Pairs and tuples of scalars and strings.
template <class T>
concept Compound = is_compound<T>();

/// Gives `use` a text for a pair or tuple, another one for each: 8 bytes of each scalar, and of each string with its length before it.
template <Compound T, class Use>
void with_text(const T& x, Use use) {
  const auto text_of = []<class Part>(const Part& part) -> std::string_view {
    if constexpr (Scalar<Part>)
      return {};
    else
      return part;
  };
  const auto word_of = [&text_of]<class Part>(const Part& part) -> std::uint64_t {
    if constexpr (Scalar<Part>)
      return identity(part);
    else
      return text_of(part).size();
  };
  std::apply(
      [&](const auto&... part) {
        char few[256];
        std::string many;
        const std::size_t size = (std::size_t{0} + ... + (sizeof(std::uint64_t) + text_of(part).size()));
        if (size > sizeof few) many.resize(size);
        char* const text = size > sizeof few ? many.data() : few;
        char* end = text;
        const auto append = [&end](std::uint64_t word, std::string_view after) {
          std::memcpy(end, &word, sizeof word);
          end = std::copy(after.begin(), after.end(), end + sizeof word);
        };
        (append(word_of(part), text_of(part)), ...);
        use(std::string_view{text, size});
      },
      x);
}

}  // namespace detail

/// How many different values there are, exactly, up to a bound. Values are integers, enums, floating point (-0.0 is 0.0),
/// durations, instants, strings, and pairs and tuples of these.
///
/// Use:      distinct(x, {.most})
/// Formula:  |{x}|
/// Result:   Checked<std::uint64_t>, values; 0 of nothing
/// Missing:  skipped and counted; NaN by NanPolicy, where every NaN is one value
/// Merge:    exact; order does not matter; not invertible
/// Error:    none up to `most` values; beyond, the result is held at `most` and flagged
/// Memory:   40 bytes and nothing else up to 3 values (strings and tuples: 48, up to 1), then 11 to 21 bytes per value (strings: 43
///           to 85, and long texts, which tuples of two are); the table goes once the bound is passed
/// Cost:     add 1 probe expected; merge one for each value of the later side; result 1
/// Source:   definition
template <class Value>
requires detail::Scalar<Value> || std::same_as<Value, std::string> || detail::Compound<Value>
struct Distinct {
  using State = detail::DistinctSet<std::conditional_t<detail::Scalar<Value>, std::uint64_t, OwnedString>>;
  static constexpr bool order_independent = true;

  std::uint32_t most = DistinctSpec{}.most;

  constexpr void add(State& state, detail::Argument<Value> x) const {
    if constexpr (detail::Scalar<Value>)
      state.insert(detail::identity(x), most);
    else if constexpr (detail::Compound<Value>)
      detail::with_text(x, [&](std::string_view text) { state.insert(text, most); });
    else
      state.insert(x, most);
  }
  constexpr void merge(State& state, const State& other) const { state.merge(other, most); }
  [[nodiscard]] constexpr Checked<std::uint64_t> result(const State& state) const {
    return state.is_full(most) ? Checked<std::uint64_t>{most, true}
                               : Checked<std::uint64_t>{state.size(), false};
  }
};

namespace detail {
struct DistinctOf {
  static constexpr std::string_view name = "distinct";
  std::uint32_t most;

  template <class Value>
  requires Scalar<KeptAs<Value>> || std::same_as<KeptAs<Value>, std::string> || Compound<Value>
  [[nodiscard]] constexpr Distinct<KeptAs<Value>> make() const { return {most}; }
};
}  // namespace detail

/// How many different values there are, up to `spec.most`; see `Distinct`.
template <class Projection>
[[nodiscard]] constexpr auto distinct(Projection projection, DistinctSpec spec = {}) {
  return detail::feature(detail::DistinctOf{spec.most}, projection);
}

}  // namespace weir::inline v0
