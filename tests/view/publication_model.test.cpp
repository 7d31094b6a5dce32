#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string>
#include <string_view>
#include <unordered_set>
#include <vector>

#include "catch.hpp"
#include "effort.hpp"

// The protocol of EpochGate as a small machine whose every state is visited. One writer publishes three times
// a row of two words; two readers read twice each, or once with WEIR_EFFORT=quick. Each thread has a buffer
// of stores that memory has not seen: they leave it in any order, but for two to the same place, and a
// release store leaves after all before it (weaker than x86-64, where they leave in order). A seq_cst store
// is a store and a wait for the buffer to be empty, so the second load of the epoch has no part here. Loads
// are done in the order of the program, as acquire loads are, and see the thread's own buffer first.

namespace {

using Byte = std::uint8_t;

constexpr Byte publications = 3;
constexpr std::size_t readers = 2;
constexpr std::size_t cells = publications + 1;  // were none ever used again
constexpr std::size_t most_buffered = 8;
constexpr Byte none = 0xFF;

enum class Fault {
  correct,
  no_reader_fence,
  no_writer_fence,
  reuse_one_epoch_early,
  announce_after_load,
  plain_publication
};

// What memory holds, by number: the pointer, the epoch, an announcement for each reader, two words for each
// cell.
constexpr Byte pointer_place = 0;
constexpr Byte epoch_place = 1;
constexpr Byte announced_place = 2;
constexpr Byte words_place = announced_place + readers;
constexpr std::size_t places = words_place + 2 * cells;

constexpr Byte word_of(Byte cell, int word) { return static_cast<Byte>(words_place + 2 * cell + word); }

// A pointer's value: which cell, and which publication it was stored for.
constexpr Byte pointer_to(Byte cell, Byte version) { return static_cast<Byte>(cell << 4 | version); }
constexpr Byte cell_of(Byte pointer) { return pointer >> 4; }
constexpr Byte version_of(Byte pointer) { return pointer & 15; }

struct Store {
  Byte place;
  Byte value;
  Byte is_release;
};
struct Buffer {
  Byte size;
  std::array<Store, most_buffered> stores;
};
enum class ReaderStep : Byte {
  load_epoch,
  announce,
  fence,
  load_pointer,
  copy_first,
  copy_second,
  leave,
  done
};
struct Reader {
  ReaderStep step;
  Byte epoch;
  Byte pointer;
  Byte first;
  Byte reads;
  Buffer buffer;
};
enum class WriterStep : Byte {
  choose,
  first_word,
  second_word,
  publish,
  advance,
  fence,
  scan,
  collect,
  last_look,
  done
};
struct Writer {
  WriterStep step;
  Byte version;  // that is being published
  Byte cell;     // that it goes to
  Byte epoch;
  Byte scanned;                   // readers
  Byte oldest;                    // that they announced
  std::array<Byte, cells> tags;   // of retired cells, else `none`
  std::array<Byte, cells> owner;  // the publication that a cell was last taken for; `none` while never used
  Byte reused;                    // how many publications went to a cell that was used before
  Buffer buffer;
};
/// One byte per member, so that two states are equal when their bytes are.
struct State {
  std::array<Byte, places> memory;
  Writer writer;
  std::array<Reader, readers> reader;
};

struct Found {
  std::size_t states = 0;
  std::size_t ends = 0;
  std::size_t ends_with_reuse = 0;
  std::string reused_in_sight;  // how a cell was taken that a reader could still look at
  std::string torn;             // how a reader copied what was never published as one
  std::string not_reusable;     // how a row could not be used again when everybody had left
};

struct Step {
  std::string_view who;
  std::string_view what;
  Byte place;
};

class Machine {
 public:
  explicit Machine(Fault fault, Byte reads = 2) : fault_(fault), reads_(reads) {}

  Found explore() {
    State start{};
    start.memory.fill(none);
    start.memory[pointer_place] = pointer_to(0, 0);
    start.memory[epoch_place] = 1;
    for (Byte i = 0; i < readers; ++i) start.memory[announced_place + i] = 0;
    start.memory[words_place] = start.memory[words_place + 1] = 0;
    start.writer.version = 1;
    start.writer.epoch = 1;
    start.writer.cell = none;
    start.writer.tags.fill(none);
    start.writer.owner.fill(none);
    start.writer.owner[0] = 0;
    seen_.reserve(1 << 19);
    visit(start);
    found_.states = seen_.size();
    return found_;
  }

 private:
  void visit(const State& state) {
    if (fault_ != Fault::correct && !found_.torn.empty()) return;
    if (!seen_.emplace(reinterpret_cast<const char*>(&state), sizeof(State)).second) return;
    bool is_end = step_writer(state);
    for (Byte i = 0; i < readers; ++i) is_end = step_reader(state, i) && is_end;
    is_end =
        flush(state, state.writer.buffer, "writer", [](State& s) -> Buffer& { return s.writer.buffer; }) &&
        is_end;
    for (Byte i = 0; i < readers; ++i) {
      const auto buffer_of = [i](State& s) -> Buffer& { return s.reader[i].buffer; };
      is_end = flush(state, state.reader[i].buffer, name_of(i), buffer_of) && is_end;
    }
    if (is_end) check_end(state);
  }
  void go(const State& next, std::string_view who, std::string_view what, Byte place = none) {
    path_.push_back({who, what, place});
    visit(next);
    path_.pop_back();
  }

  // ------------------------------------------------------------------------------------------------ memory

  static Byte load(const State& state, const Buffer& buffer, Byte place) {
    for (std::size_t i = buffer.size; i-- > 0;)
      if (buffer.stores[i].place == place) return buffer.stores[i].value;
    return state.memory[place];
  }
  static void store(Buffer& buffer, Byte place, Byte value, bool is_release = false) {
    buffer.stores[buffer.size++] = {place, value, static_cast<Byte>(is_release ? 1 : 0)};
  }
  template <class BufferOf>
  bool flush(const State& state, const Buffer& buffer, std::string_view who, BufferOf&& buffer_of) {
    for (std::size_t i = 0; i < buffer.size; ++i) {
      const Store& one = buffer.stores[i];
      const auto* begin = buffer.stores.data();
      const bool is_held =
          std::any_of(begin, begin + i, [&](const Store& s) { return s.place == one.place; });
      if (is_held || (one.is_release != 0 && i != 0)) continue;
      State next = state;
      next.memory[one.place] = one.value;
      Buffer& rest = buffer_of(next);
      std::copy(rest.stores.begin() + static_cast<std::ptrdiff_t>(i) + 1, rest.stores.begin() + rest.size,
                rest.stores.begin() + static_cast<std::ptrdiff_t>(i));
      rest.stores[--rest.size] = {};
      go(next, who, "its store is seen, of place", one.place);
    }
    return buffer.size == 0;
  }

  // ------------------------------------------------------------------------------------------------ readers

  static std::string_view name_of(Byte i) { return i == 0 ? "reader 0" : "reader 1"; }
  [[nodiscard]] ReaderStep behind(ReaderStep step) const {
    // The order of the steps; the broken one loads the pointer first.
    static constexpr std::array right{
        ReaderStep::load_epoch, ReaderStep::announce,    ReaderStep::fence, ReaderStep::load_pointer,
        ReaderStep::copy_first, ReaderStep::copy_second, ReaderStep::leave};
    static constexpr std::array late{
        ReaderStep::load_epoch, ReaderStep::load_pointer, ReaderStep::announce, ReaderStep::fence,
        ReaderStep::copy_first, ReaderStep::copy_second,  ReaderStep::leave};
    const auto& order = fault_ == Fault::announce_after_load ? late : right;
    return *(std::find(order.begin(), order.end(), step) + 1);
  }
  static std::string_view says(ReaderStep step) {
    static constexpr std::array<std::string_view, 8> words{"loads the epoch",
                                                           "announces",
                                                           "waits until its stores are seen",
                                                           "loads the pointer",
                                                           "copies the first word",
                                                           "copies the second word",
                                                           "leaves",
                                                           "is done"};
    return words[static_cast<std::size_t>(step)];
  }
  /// True when the reader has nothing left to do.
  bool step_reader(const State& state, Byte i) {
    const Reader& before = state.reader[i];
    if (before.step == ReaderStep::done) return true;
    if (before.buffer.size == most_buffered) return false;
    State next = state;
    Reader& reader = next.reader[i];
    const std::string_view what = says(before.step);
    switch (before.step) {
      case ReaderStep::load_epoch:
        reader.epoch = load(state, before.buffer, epoch_place);
        break;
      case ReaderStep::announce:
        store(reader.buffer, announced_place + i, before.epoch);
        reader.epoch = 0;
        break;
      case ReaderStep::fence:
        if (before.buffer.size != 0 && fault_ != Fault::no_reader_fence) return false;
        break;
      case ReaderStep::load_pointer:
        reader.pointer = load(state, before.buffer, pointer_place);
        if (state.writer.owner[cell_of(reader.pointer)] != version_of(reader.pointer))
          note(found_.reused_in_sight, what, i);
        break;
      case ReaderStep::copy_first:
        reader.first = load(state, before.buffer, word_of(cell_of(before.pointer), 0));
        break;
      case ReaderStep::copy_second: {
        const Byte second = load(state, before.buffer, word_of(cell_of(before.pointer), 1));
        const Byte wanted = version_of(before.pointer);
        if (before.first != wanted || second != wanted) note(found_.torn, what, i);
        reader.first = 0;
        break;
      }
      case ReaderStep::leave:
        store(reader.buffer, announced_place + i, 0, true);
        reader.pointer = 0;
        ++reader.reads;
        break;
      case ReaderStep::done:
        break;
    }
    if (before.step != ReaderStep::leave) {
      reader.step = behind(before.step);
    } else {
      reader.step = reader.reads < reads_ ? ReaderStep::load_epoch : ReaderStep::done;
    }
    go(next, name_of(i), what);
    return false;
  }
  /// Whether a reader has a pointer to the cell and has not left.
  [[nodiscard]] bool is_in_use(const State& state, Byte cell) const {
    const bool is_late = fault_ == Fault::announce_after_load;
    return std::any_of(state.reader.begin(), state.reader.end(), [=](const Reader& reader) {
      const bool copies = reader.step == ReaderStep::copy_first || reader.step == ReaderStep::copy_second;
      const bool holds =
          copies || (is_late && (reader.step == ReaderStep::announce || reader.step == ReaderStep::fence));
      return holds && cell_of(reader.pointer) == cell;
    });
  }

  // ------------------------------------------------------------------------------------------------ writer

  static std::string_view says(WriterStep step) {
    static constexpr std::array<std::string_view, 10> words{
        "takes a cell",           "writes the first word",
        "writes the second word", "publishes and retires",
        "begins an epoch",        "waits until its stores are seen",
        "looks at a reader",      "collects",
        "looks once more",        "is done"};
    return words[static_cast<std::size_t>(step)];
  }
  bool step_writer(const State& state) {
    const Writer& before = state.writer;
    if (before.step == WriterStep::done) return true;
    if (before.buffer.size == most_buffered) return false;
    State next = state;
    Writer& writer = next.writer;
    switch (before.step) {
      case WriterStep::choose:
        choose(state, writer);
        break;
      case WriterStep::first_word:
      case WriterStep::second_word: {
        const bool is_second = before.step == WriterStep::second_word;
        store(writer.buffer, word_of(before.cell, is_second ? 1 : 0), before.version);
        writer.step = is_second ? WriterStep::publish : WriterStep::second_word;
        break;
      }
      case WriterStep::publish: {
        const Byte old = cell_of(load(state, before.buffer, pointer_place));
        store(writer.buffer, pointer_place, pointer_to(before.cell, before.version),
              fault_ != Fault::plain_publication);
        writer.tags[old] = before.epoch;
        writer.cell = none;
        writer.step = WriterStep::advance;
        break;
      }
      case WriterStep::advance:
        store(writer.buffer, epoch_place, ++writer.epoch, true);
        writer.step = WriterStep::fence;
        break;
      case WriterStep::fence:
        if (before.buffer.size != 0 && fault_ != Fault::no_writer_fence) return false;
        writer.scanned = 0;
        writer.oldest = before.epoch;
        writer.step = WriterStep::scan;
        break;
      case WriterStep::scan: {
        const Byte announced = load(state, before.buffer, announced_place + before.scanned);
        if (announced != 0) writer.oldest = std::min(before.oldest, announced);
        if (++writer.scanned == readers) writer.step = WriterStep::collect;
        break;
      }
      case WriterStep::collect:
        collect(writer);
        break;
      case WriterStep::last_look: {  // once more when nobody reads: what was not reusable before must be now
        const bool is_quiet = std::all_of(state.reader.begin(), state.reader.end(), [](const Reader& reader) {
          return reader.step == ReaderStep::done && reader.buffer.size == 0;
        });
        if (!is_quiet) return false;
        ++writer.version;
        writer.step = WriterStep::advance;
        break;
      }
      case WriterStep::done:
        break;
    }
    go(next, "writer", says(before.step));
    return false;
  }
  void choose(const State& state, Writer& writer) {
    Byte cell = 0;  // a used one that is free, or else the next new one
    const Byte current = cell_of(load(state, writer.buffer, pointer_place));
    const auto is_free = [&](Byte i) {
      return writer.owner[i] != none && writer.tags[i] == none && i != current;
    };
    while (cell < cells && !is_free(cell)) ++cell;
    const bool is_reuse = cell < cells;
    if (!is_reuse)
      cell =
          static_cast<Byte>(std::find(writer.owner.begin(), writer.owner.end(), none) - writer.owner.begin());
    if (is_in_use(state, cell)) note(found_.reused_in_sight, "takes a cell in use", none);
    writer.reused = static_cast<Byte>(writer.reused + (is_reuse ? 1 : 0));
    writer.owner[cell] = writer.version;
    writer.cell = cell;
    writer.step = WriterStep::first_word;
  }
  void collect(Writer& writer) const {
    const int spare = fault_ == Fault::reuse_one_epoch_early ? 1 : 0;
    for (Byte& tag : writer.tags)
      if (tag != none && tag < writer.oldest + spare) tag = none;
    writer.scanned = writer.oldest = 0;
    if (writer.version > publications) {
      writer.step = WriterStep::done;
    } else if (writer.version == publications) {
      writer.step = WriterStep::last_look;
    } else {
      ++writer.version;
      writer.step = WriterStep::choose;
    }
  }

  // ------------------------------------------------------------------------------------------------ verdicts

  void check_end(const State& state) {
    ++found_.ends;
    found_.ends_with_reuse += state.writer.reused != 0 ? 1 : 0;
    const auto& tags = state.writer.tags;
    if (std::any_of(tags.begin(), tags.end(), [](Byte tag) { return tag != none; }))
      note(found_.not_reusable, "the end", none);
  }
  void note(std::string& verdict, std::string_view what, Byte reader) const {
    if (!verdict.empty()) return;
    for (const Step& step : path_) {
      verdict += std::string(step.who) + ": " + std::string(step.what);
      if (step.place != none) verdict += " " + std::to_string(step.place);
      verdict += "\n";
    }
    verdict += std::string(reader == none ? "writer" : name_of(reader)) + ": " + std::string(what) + "\n";
  }

  Fault fault_;
  Byte reads_;  // of each reader
  Found found_;
  std::unordered_set<std::string> seen_;
  std::vector<Step> path_;
};

}  // namespace

TEST_CASE(
    "in every interleaving of three publications and two readers no row is used again in a reader's sight") {
  const Found found = Machine(Fault::correct, effort() == "quick" ? 1 : 2).explore();
  INFO(found.states << " states, " << found.ends << " ends");
  CHECK(found.reused_in_sight == "");
  CHECK(found.torn == "");
  CHECK(found.not_reusable == "");
  CHECK(found.states > 10'000);
  CHECK(found.ends_with_reuse > 0);
}

TEST_CASE("the model finds what is wrong with broken protocols") {
  const auto fault = GENERATE(Fault::no_reader_fence, Fault::no_writer_fence, Fault::reuse_one_epoch_early,
                              Fault::announce_after_load);
  const Found found = Machine(fault).explore();
  INFO("fault " << static_cast<int>(fault));
  CHECK(found.reused_in_sight != "");
  CHECK(found.torn != "");
}

TEST_CASE("the model finds a row that is published before it is written") {
  const Found found = Machine(Fault::plain_publication).explore();
  CHECK(found.reused_in_sight == "");
  CHECK(found.torn != "");
}
