#include <weir/aggregate/feature.hpp>

namespace weir::inline v0::detail {

void begin_feature(Description& out, std::int64_t& number, const FeatureWords& words) {
  out.begin_object({}, Description::Layout::line);
  if (words.field.empty()) {
    out.number("field", number);
  } else {
    out.text("field", words.field);
  }
  ++number;
  out.text("type", type_text(*words.type));
  if (words.window >= 0) out.number("window", words.window);
  if (!words.aggregate.empty()) out.text("aggregate", words.aggregate);
  if (words.most >= 0) out.number("most", words.most);
}

std::string_view nan_word(NanRule rule) {
  return rule == NanRule::skip ? "skip" : rule == NanRule::propagate ? "propagate" : "reject";
}

}  // namespace weir::inline v0::detail
