#include "aggregate/every_window.hpp"

namespace {

using namespace every_window;

struct Basics {
  std::int64_t count = 0, large = 0, sum = 0, large_sum = 0, counted_range = 0;
  double total = 0;
  std::optional<double> mean, large_mean, variance, deviation, whole_mean, whole_deviation, least, most;
  std::optional<std::int64_t> least_count, most_count, first, last;
  std::string first_word, lightest, heaviest;
  std::vector<std::int64_t> first_counts, last_counts;
  bool any = false, all = false;
  weir::Duration elapsed{};
};

auto basics() {
  const auto is_large = [](const Event& event) { return event.count > 2; };
  return std::tuple(
      weir::count().as(&Basics::count), weir::count_where(is_large).as(&Basics::large),
      weir::sum(&Event::count).as(&Basics::sum),
      weir::sum(&Event::count).where(is_large).as(&Basics::large_sum),
      weir::sum(&Event::value).as(&Basics::total), weir::mean(&Event::value).as(&Basics::mean),
      weir::mean(&Event::value).where(is_large).as(&Basics::large_mean),
      weir::mean(&Event::count).as(&Basics::whole_mean), weir::variance(&Event::value).as(&Basics::variance),
      weir::stddev(&Event::value).as(&Basics::deviation),
      weir::stddev(&Event::count).as(&Basics::whole_deviation), weir::min(&Event::value).as(&Basics::least),
      weir::max(&Event::value).as(&Basics::most), weir::min(&Event::count).as(&Basics::least_count),
      weir::max(&Event::count).as(&Basics::most_count), weir::range(&Event::count).as(&Basics::counted_range),
      weir::first(&Event::count).as(&Basics::first), weir::last(&Event::count).as(&Basics::last),
      weir::first(&Event::word).as(&Basics::first_word),
      weir::arg_min(&Event::weight, &Event::word).as(&Basics::lightest),
      weir::arg_max(&Event::weight, &Event::word).as(&Basics::heaviest),
      weir::first_k<3>(&Event::count).as(&Basics::first_counts),
      weir::last_k<3>(&Event::count).as(&Basics::last_counts), weir::any(&Event::flag).as(&Basics::any),
      weir::all(&Event::flag).as(&Basics::all), weir::elapsed().as(&Basics::elapsed));
}

TEST_CASE("counts, sums and extremes are the same in every kind of window") {
  check_every_window<Basics>(basics());
}

}  // namespace
