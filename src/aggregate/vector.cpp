#include <weir/aggregate/vector.hpp>

namespace weir::inline v0::detail {

namespace {

/// The power of two that brings the largest element to between 1 and 2, so that no square over- or underflows; scaling is exact
/// but for elements too small to matter. 0 exponent if there is none.
int exponent_of(const double* x, std::size_t size, bool& is_zero, bool& is_finite) {
  double largest = 0;
  for (std::size_t i = 0; i < size; ++i) {
    const double length = __builtin_fabs(x[i]);
    is_finite = is_finite && length - length == 0;
    if (length > largest) largest = length;
  }
  is_zero = is_zero || largest == 0;
  return largest > 0 && is_finite ? __builtin_ilogb(largest) : 0;
}

}  // namespace

std::optional<double> cosine(const double* a, const double* b, std::size_t size) {
  bool is_zero = false, is_finite = true;
  const int scale_a = -exponent_of(a, size, is_zero, is_finite),
            scale_b = -exponent_of(b, size, is_zero, is_finite);
  if (!is_finite) return std::numeric_limits<double>::quiet_NaN();
  if (is_zero) return std::nullopt;
  double product = 0, squares_a = 0, squares_b = 0;
  for (std::size_t i = 0; i < size; ++i) {
    const double x = __builtin_ldexp(a[i], scale_a), y = __builtin_ldexp(b[i], scale_b);
    product += x * y;
    squares_a += x * x;
    squares_b += y * y;
  }
  const double found = product / (__builtin_sqrt(squares_a) * __builtin_sqrt(squares_b));
  return found > 1 ? 1 : found < -1 ? -1 : found;
}

}  // namespace weir::inline v0::detail
