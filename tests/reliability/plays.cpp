#include "plays.hpp"

#include <deque>
#include <string>
#include <string_view>
#include <vector>

namespace plays {

namespace {

/// All values, kept in a container of the heap.
template <class Container>
struct Kept {
  using State = Container;
  void add(State& state, std::int64_t value) const {
    visit(Place::add);
    state.push_back(value);
  }
  void merge(State& state, const State& other) const {
    visit(Place::merge);
    state.insert(state.end(), other.begin(), other.end());
  }
  std::int64_t result(const State& state) const {
    visit(Place::result);
    std::int64_t sum = 0;
    for (const std::int64_t value : state) sum += value;
    return sum;
  }
};

struct Row {
  std::int64_t sum = 0;
  std::int64_t n = 0;
};

/// A row that needs the heap.
struct Told {
  std::int64_t sum = 0;
  std::int64_t n = 0;
  std::string text;
};

struct Heartbeat {
  using State = std::vector<std::int64_t>;
  void process(State& state, const Item& item, weir::Timer& timer, weir::Out<Item>& items,
               weir::Out<std::string>& names) const {
    visit(Place::process);
    state.push_back(item.value);
    if (!timer.is_set()) timer.set(weir::later(item.at, weir::Duration{7}));
    items.emit(item);
    names.emit("a name that is longer than fifteen characters");
  }
  void on_timer(State& state, const weir::Fired<std::string>& fired, weir::Out<Item>& items,
                weir::Out<std::string>&) const {
    visit(Place::timer);
    items.emit({.key = static_cast<std::int64_t>(fired.key.size()),
                .value = static_cast<std::int64_t>(state.size()),
                .at = fired.at});
    state.clear();
  }
};

weir::Duration us(std::int64_t ticks) { return weir::Duration{ticks}; }

template <class Rows>
void collect(const Rows& rows, std::string name, Output& out) {
  rows | weir::sink(name + " rows", [&out](const auto& row) {
    visit(Place::rows);
    const std::uint64_t start = static_cast<std::uint64_t>(weir::ticks(row.window.start)) * 31;  // may wrap
    out.row(static_cast<std::int64_t>(start + static_cast<std::uint64_t>(row.value.sum * 1000 + row.value.n) +
                                      row.pane.index + row.key.size()));
  });
  rows.late() | weir::sink(name + " late", [&out](const auto& late) {
    visit(Place::late);
    out.row(-weir::ticks(late.time) - 1);
  });
}

template <class Container, class Keyed, class Shape>
auto windowed(const Keyed& keyed, Shape shape, std::string name) {
  return keyed | std::move(shape) |
         weir::aggregate<Row>(std::move(name), weir::with(Kept<Container>{}, &Item::value).as(&Row::sum),
                              weir::count().as(&Row::n));
}

std::string key_name(const Item& item) {
  return item.key % 2 == 0 ? "k" + std::to_string(item.key)
                           : "a long key that needs the heap, number " + std::to_string(item.key);
}

}  // namespace

std::optional<Built> build(Kind kind, Output& out) {
  using namespace weir;
  Graph graph{"play", {.hash_seed = 7}};
  const auto time = [](const Item& item) {
    visit(Place::time);
    return item.at;
  };
  const WatermarkRule<Item> marked = punctuated([](const Item& item) -> std::optional<EventTime> {
    visit(Place::punctuation);
    return item.mark == no_time ? std::nullopt : std::optional{item.mark};
  });
  const auto first = graph.source<Item>(
      "first",
      {.time = time, .watermark = kind == Kind::punctuated ? marked : WatermarkRule<Item>(trailing(us(6)))});
  const auto second = graph.source<Item>("second", {.time = time, .watermark = trailing(us(6))});
  struct Names {  // keys by a view of something that outlives the call
    std::string_view operator()(const Item& item) const {
      visit(Place::key);
      static const std::vector<std::string> names = [] {
        std::vector<std::string> made;
        for (std::int64_t i = 0; i < 64; ++i) made.push_back(key_name({.key = i}));
        return made;
      }();
      return names[static_cast<std::size_t>(item.key % 64)];
    }
  };
  static_cast<void>(Names{}(Item{}));  // makes the names now
  const auto keyed = first | key_by(Names{});
  using Vector = std::vector<std::int64_t>;
  using Deque = std::deque<std::int64_t>;  // its default constructor allocates
  switch (kind) {
    case Kind::allocating_state:
      collect(windowed<Deque>(keyed, tumbling({.size = us(10), .grace = us(0)}), "w"), "w", out);
      break;
    case Kind::allocating_session:
      collect(windowed<Deque>(keyed, session({.gap = us(4), .grace = us(3)}), "w"), "w", out);
      break;
    case Kind::tumbling:
      collect(windowed<Vector>(keyed, tumbling({.size = us(10), .grace = us(0)}), "w"), "w", out);
      break;
    case Kind::tumbling_grace:
      collect(windowed<Vector>(keyed, tumbling({.size = us(10), .grace = us(15)}), "w"), "w", out);
      break;
    case Kind::sliding:
      collect(windowed<Vector>(keyed, sliding({.size = us(12), .every = us(4), .grace = us(5)}), "w"), "w",
              out);
      break;
    case Kind::many_panes:
      collect(windowed<Vector>(first | key_by([](const Item&) -> std::string_view { return "one"; }),
                               sliding({.size = us(90), .every = us(1), .grace = us(0)}), "w"),
              "w", out);
      break;
    case Kind::shared: {
      auto [small, large] =
          windowed<Vector>(keyed,
                           windows(tumbling({.size = us(10), .grace = us(3)}),
                                   sliding({.size = us(20), .every = us(5), .grace = us(0)})),
                           "w");
      collect(small, "small", out);
      collect(large, "large", out);
      break;
    }
    case Kind::cumulating:
      collect(windowed<Vector>(keyed, cumulating({.size = us(12), .step = us(3), .grace = us(2)}), "w"), "w",
              out);
      break;
    case Kind::empties:
      collect(
          windowed<Vector>(
              keyed,
              tumbling(
                  {.size = us(3), .grace = us(2), .late = drop_whole, .emit_empty = EmptyWindows{.most = 2}}),
              "w"),
          "w", out);
      break;
    case Kind::on_update:
      collect(windowed<Vector>(keyed, tumbling({.size = us(10), .grace = us(4), .emit = on_update()}), "w"),
              "w", out);
      break;
    case Kind::retracting:
      collect(windowed<Vector>(keyed,
                               tumbling({.size = us(10),
                                         .grace = us(6),
                                         .emit = emit_when(on_close(), after(2)),
                                         .panes = retracting}),
                               "w"),
              "w", out);
      break;
    case Kind::every:
      collect(windowed<Vector>(keyed,
                               sliding({.size = us(20),
                                        .every = us(10),
                                        .grace = us(6),
                                        .emit = emit_when(on_close(), every(us(3)))}),
                               "w"),
              "w", out);
      break;
    case Kind::discarding:
      collect(
          windowed<Vector>(
              keyed,
              tumbling(
                  {.size = us(10), .grace = us(9), .emit = on_close().holding_late(), .panes = discarding}),
              "w"),
          "w", out);
      break;
    case Kind::lifetime:
      collect(windowed<Vector>(keyed,
                               lifetime({.emit = emit_when(on_close(), after(3)), .panes = retracting}), "w"),
              "w", out);
      break;
    case Kind::session:
      collect(windowed<Vector>(keyed, session({.gap = us(4), .grace = us(3)}), "w"), "w", out);
      break;
    case Kind::session_caps: {
      const auto gap = [](const Item& item) {
        visit(Place::gap);
        return us(1 + item.value % 5);
      };
      const auto marker = [](const Item& item) {
        visit(Place::marker);
        return item.value % 7 == 0;
      };
      collect(
          windowed<Vector>(
              keyed,
              session({.longest = us(9), .most_records = 4, .grace = us(0)}).gap_from(gap).ends_at(marker),
              "w"),
          "w", out);
      break;
    }
    case Kind::session_retracting:
      collect(windowed<Vector>(keyed,
                               session({.gap = us(3),
                                        .grace = us(8),
                                        .emit = emit_when(on_close(), on_update()),
                                        .panes = retracting}),
                               "w"),
              "w", out);
      break;
    case Kind::count_windows:
      collect(windowed<Vector>(keyed, count_windows({.size = 4, .every = 3}), "w"), "w", out);
      break;
    case Kind::custom: {
      const auto [items, names] = keyed | each("heartbeat", Heartbeat{});
      names | sink("names", [&out](const std::string& name) {
        visit(Place::rows);
        out.row(static_cast<std::int64_t>(name.size()));
      });
      collect(windowed<Vector>(items | key_by(Names{}), tumbling({.size = us(10), .grace = us(0)}), "w"), "w",
              out);
      break;
    }
    case Kind::published: {
      // What comes out is what is published.
      const auto tell = [&out](const Told& row) {
        visit(Place::rows);
        out.row(row.sum * 1000 + row.n);
        return "a text that is longer than fifteen characters, number " + std::to_string(row.n);
      };
      static_cast<void>(
          keyed |
          features<Told>({.name = "w", .retain = us(20)},
                         rolling({.size = us(10), .precision = us(2)})
                             .compute(with(Kept<Vector>{}, &Item::value).as(&Told::sum)),
                         rolling({.size = us(12), .precision = exact}).compute(count().as(&Told::n)),
                         derive(&Told::text, tell)) |
          view("told").publish({.refresh = us(5)}));
      break;
    }
    case Kind::merged:
    case Kind::punctuated:
      collect(windowed<Vector>(merge("both", first, second) | key_by(Names{}),
                               tumbling({.size = us(10), .grace = us(0)}), "w"),
              "w", out);
      break;
    case Kind::stages: {
      const auto passed = first |
                          (filter([](const Item& item) {
                             visit(Place::predicate);
                             return item.value % 3 != 0;
                           }) |
                           flat_map<Item>([](const Item& item, auto&& emit) {
                             visit(Place::flat_map);
                             emit(item);
                             if (item.value % 2 == 0) emit(item);
                           })) |
                          map([](const Item& item) {
                            visit(Place::map);
                            return std::pair<std::string, std::int64_t>{key_name(item), item.value};
                          });
      passed | tap("tap", [](const auto&) { visit(Place::late); }) | sink("end", [&out](const auto& pair) {
        visit(Place::rows);
        out.row(static_cast<std::int64_t>(pair.first.size()) + pair.second);
      });
      break;
    }
    case Kind::count_:
      break;
  }
  auto built = std::move(graph).build();
  if (!built.ok()) return std::nullopt;
  return Built{*std::move(built), first, second};
}

}  // namespace plays
