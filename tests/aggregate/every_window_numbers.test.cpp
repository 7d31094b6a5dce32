#include "aggregate/every_window.hpp"

namespace {

using namespace every_window;

constexpr weir::Duration half_life = microseconds(7);

struct Numbers {
  std::optional<double> weighted_mean, geometric_mean, harmonic_mean, bayesian_mean, skewness, kurtosis, sem,
      z_score, covariance, correlation, slope, trend, ratio, share, rate, decayed_mean, decayed_variance,
      ew_mean, ew_variance, autocorrelation;
  double product = 0, decayed_count = 0, decayed_sum = 0;
  std::uint64_t abs_most = 0, abs_least = 0;
  absl::int128 wide = 0;
  std::optional<double> travelled, speed, burstiness;
};

auto numbers() {
  const auto angle = [](const Event& event) { return event.value / 100; };
  return std::tuple(
      weir::weighted_mean(&Event::value, &Event::weight).as(&Numbers::weighted_mean),
      weir::geometric_mean(&Event::weight).as(&Numbers::geometric_mean),
      weir::harmonic_mean(&Event::weight).as(&Numbers::harmonic_mean),
      weir::bayesian_mean(&Event::value, {.prior = 1, .weight = 2}).as(&Numbers::bayesian_mean),
      weir::skewness(&Event::value).as(&Numbers::skewness),
      weir::kurtosis(&Event::value).as(&Numbers::kurtosis), weir::sem(&Event::value).as(&Numbers::sem),
      weir::z_score(&Event::value).as(&Numbers::z_score),
      weir::covariance(&Event::value, &Event::count).as(&Numbers::covariance),
      weir::correlation(&Event::value, &Event::count).as(&Numbers::correlation),
      weir::slope(&Event::value, &Event::count).as(&Numbers::slope),
      weir::trend(&Event::value).as(&Numbers::trend),
      weir::ratio(&Event::count, &Event::weight).as(&Numbers::ratio),
      weir::share(&Event::flag).as(&Numbers::share), weir::rate({.per = microseconds(3)}).as(&Numbers::rate),
      weir::decayed_mean(&Event::value, half_life).as(&Numbers::decayed_mean),
      weir::decayed_variance(&Event::value, half_life).as(&Numbers::decayed_variance),
      weir::ew_mean(&Event::value, 0.3).as(&Numbers::ew_mean),
      weir::ew_variance(&Event::value, 0.3).as(&Numbers::ew_variance),
      weir::autocorrelation<2>(&Event::value).as(&Numbers::autocorrelation),
      weir::product(&Event::weight).as(&Numbers::product),
      weir::decayed_count(half_life).as(&Numbers::decayed_count),
      weir::decayed_sum(&Event::value, half_life).as(&Numbers::decayed_sum),
      weir::abs_max(&Event::count).as(&Numbers::abs_most),
      weir::abs_min(&Event::count).as(&Numbers::abs_least), weir::wide_sum(&Event::count).as(&Numbers::wide),
      weir::travel_distance(&Event::value, angle).as(&Numbers::travelled),
      weir::top_speed(&Event::value, angle).as(&Numbers::speed), weir::burstiness().as(&Numbers::burstiness));
}

TEST_CASE("numbers are the same in every kind of window") { check_every_window<Numbers>(numbers()); }

}  // namespace
