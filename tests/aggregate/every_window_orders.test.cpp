#include "aggregate/every_window.hpp"

namespace {

using namespace every_window;

struct Orders {
  std::optional<std::int64_t> second, lag, delta, drawdown;
  std::optional<double> relative_drawdown;
  std::vector<std::int64_t> top, bottom, list;
  std::vector<std::string> first_words, last_words, set, top_words;
  std::int64_t longest = 0, current = 0, transitions = 0, followed = 0;
  bool sequence = false, seen = false;
  std::optional<weir::Duration> since_last, since_first, gap_mean, gap_stddev, gap_least, gap_most;
  std::optional<double> entropy, cosine;
  std::array<double, 3> vector_sum{}, vector_mean{}, vector_least{}, vector_most{};
};

auto orders() {
  const auto is_large = [](const Event& event) { return event.count > 2; };
  return std::tuple(
      weir::nth<2>(&Event::count).as(&Orders::second), weir::lag<1>(&Event::count).as(&Orders::lag),
      weir::delta(&Event::count).as(&Orders::delta), weir::drawdown(&Event::count).as(&Orders::drawdown),
      weir::relative_drawdown(&Event::weight).as(&Orders::relative_drawdown),
      weir::top_k<3>(&Event::count).as(&Orders::top), weir::bottom_k<3>(&Event::count).as(&Orders::bottom),
      weir::collect_list(&Event::count, {.most = 5}).as(&Orders::list),
      weir::first_distinct_k<2>(&Event::word).as(&Orders::first_words),
      weir::last_distinct_k<2>(&Event::word).as(&Orders::last_words),
      weir::collect_set(&Event::word, {.most = 4}).as(&Orders::set),
      weir::top_k_by<2>(&Event::weight, &Event::word).as(&Orders::top_words),
      weir::longest_streak(&Event::flag).as(&Orders::longest),
      weir::current_streak(&Event::flag).as(&Orders::current),
      weir::transitions(&Event::word).as(&Orders::transitions),
      weir::followed(&Event::flag, is_large).as(&Orders::followed),
      weir::has_sequence(is_large, &Event::flag, is_large).as(&Orders::sequence),
      weir::seen_before(&Event::word).as(&Orders::seen), weir::time_since_last().as(&Orders::since_last),
      weir::time_since_first(&Event::flag).as(&Orders::since_first),
      weir::inter_arrival_mean().as(&Orders::gap_mean), weir::inter_arrival_stddev().as(&Orders::gap_stddev),
      weir::inter_arrival_min().as(&Orders::gap_least), weir::inter_arrival_max().as(&Orders::gap_most),
      weir::entropy(&Event::word).as(&Orders::entropy),
      weir::cosine_to_centroid(&Event::vector).as(&Orders::cosine),
      weir::vector_sum(&Event::vector).as(&Orders::vector_sum),
      weir::vector_mean(&Event::vector).as(&Orders::vector_mean),
      weir::vector_min(&Event::vector).as(&Orders::vector_least),
      weir::vector_max(&Event::vector).as(&Orders::vector_most));
}

TEST_CASE("what goes by order, and collections, are the same in every kind of window") {
  check_every_window<Orders>(orders());
}

}  // namespace
