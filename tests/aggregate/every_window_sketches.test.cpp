#include "aggregate/every_window.hpp"

namespace {

using namespace every_window;

struct Sketches {
  std::int64_t distinct = 0, approx_distinct = 0;
  std::optional<double> median, rank_median, exact_median, p90, iqr, mad;
  std::array<double, 2> quantiles{};
};

auto sketches() {
  return std::tuple(weir::distinct(&Event::word).as(&Sketches::distinct),
                    weir::approx_distinct(&Event::word).as(&Sketches::approx_distinct),
                    weir::median(&Event::value).as(&Sketches::median),
                    weir::exact_median(&Event::value).as(&Sketches::exact_median),
                    weir::exact_quantile(&Event::value, 0.9).as(&Sketches::p90),
                    weir::iqr(&Event::value).as(&Sketches::iqr), weir::mad(&Event::value).as(&Sketches::mad),
                    weir::quantiles<2>(&Event::value, {0.1, 0.9}).as(&Sketches::quantiles));
}

TEST_CASE("distributions are the same in every kind of window") { check_every_window<Sketches>(sketches()); }

}  // namespace
