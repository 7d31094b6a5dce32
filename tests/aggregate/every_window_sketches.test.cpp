#include "aggregate/every_window.hpp"

namespace {

using namespace every_window;

struct Sketches {
  std::int64_t distinct = 0, approx_distinct = 0;
  std::optional<double> median, rank_median, exact_median, p90, iqr, mad;
  std::array<double, 2> quantiles{};
  std::array<std::uint64_t, 4> histogram{};
  std::optional<weir::AdaptiveBuckets<4>> adaptive;
  std::vector<weir::Frequent<std::string>> top;
  std::string mode;
  std::optional<double> top_share;
  std::uint64_t newest = 0;
  std::vector<weir::CategoryRow<std::string, std::int64_t>> by_word;
  std::vector<weir::CategoryRow<std::string, std::uint64_t>> top_words;
};

auto sketches() {
  return std::tuple(weir::distinct(&Event::word).as(&Sketches::distinct),
                    weir::approx_distinct(&Event::word).as(&Sketches::approx_distinct),
                    weir::median(&Event::value).as(&Sketches::median),
                    weir::exact_median(&Event::value).as(&Sketches::exact_median),
                    weir::exact_quantile(&Event::value, 0.9).as(&Sketches::p90),
                    weir::iqr(&Event::value).as(&Sketches::iqr), weir::mad(&Event::value).as(&Sketches::mad),
                    weir::rank_quantile(&Event::value, 0.5).as(&Sketches::rank_median),
                    weir::quantiles<2>(&Event::value, {0.1, 0.9}).as(&Sketches::quantiles),
                    weir::histogram<4>(&Event::value, {.from = -5, .to = 5}).as(&Sketches::histogram),
                    weir::adaptive_histogram<4>(&Event::value).as(&Sketches::adaptive),
                    weir::top_n<2>(&Event::word).as(&Sketches::top),
                    weir::mode(&Event::word).as(&Sketches::mode),
                    weir::top_share(&Event::word).as(&Sketches::top_share),
                    weir::frequency_of_newest(&Event::word).as(&Sketches::newest),
                    weir::by_category(&Event::word, weir::sum(&Event::count)).as(&Sketches::by_word),
                    weir::top_categories<2>(&Event::word, weir::count()).as(&Sketches::top_words));
}

TEST_CASE("distributions are the same in every kind of window") { check_every_window<Sketches>(sketches()); }

}  // namespace
