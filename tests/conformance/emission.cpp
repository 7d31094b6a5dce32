#include "emission.hpp"

#include <algorithm>
#include <cmath>
#include <cstdio>

namespace conformance {
namespace {

constexpr double relative_tolerance = 1e-9;

bool is_number(const Value& value) {
  return std::holds_alternative<std::int64_t>(value) || std::holds_alternative<double>(value);
}

double real(const Value& value) {
  const std::int64_t* whole = std::get_if<std::int64_t>(&value);
  return whole != nullptr ? static_cast<double>(*whole) : std::get<double>(value);
}

std::string to_text(const Value& value) {
  if (const std::int64_t* whole = std::get_if<std::int64_t>(&value)) return std::to_string(*whole);
  if (const double* number = std::get_if<double>(&value)) {
    char text[40];
    std::snprintf(text, sizeof text, "%.12g", *number);
    return text;
  }
  const std::vector<std::int64_t>* list = std::get_if<std::vector<std::int64_t>>(&value);
  if (list == nullptr) return "null";
  std::string text = "[";
  for (const std::int64_t number : *list) text += (text.size() == 1 ? "" : ", ") + std::to_string(number);
  return text + "]";
}

std::string row_text(const Emission& row) {
  std::string text = R"({"key": ")" + row.key + '"';
  if (row.start) text += R"(, "start": )" + std::to_string(*row.start);
  if (row.end) text += R"(, "end": )" + std::to_string(*row.end);
  text += R"(, "aggs": {)";
  bool is_first = true;
  for (const auto& [name, value] : row.aggs) {
    text += (is_first ? "\"" : ", \"") + name + "\": " + to_text(value);
    is_first = false;
  }
  text += "}";
  if (!row.timing.empty()) text += R"(, "timing": ")" + row.timing + '"';
  if (row.pane) text += R"(, "pane": )" + std::to_string(*row.pane);
  return text + "}";
}

}  // namespace

bool same(const Value& a, const Value& b) {
  const bool is_real = std::holds_alternative<double>(a) || std::holds_alternative<double>(b);
  if (!is_real || !is_number(a) || !is_number(b)) return a == b;
  const double scale = std::max(std::fabs(real(a)), std::fabs(real(b)));
  return std::fabs(real(a) - real(b)) <= relative_tolerance * scale;
}

bool same(const Emission& a, const Emission& b) {
  const bool has_same_labels = a.kind == b.kind && a.key == b.key && a.start == b.start && a.end == b.end &&
                               a.timing == b.timing && a.pane == b.pane && a.at == b.at &&
                               a.value == b.value && a.read == b.read;
  return has_same_labels && std::equal(a.aggs.begin(), a.aggs.end(), b.aggs.begin(), b.aggs.end(),
                                       [](const auto& x, const auto& y) {
                                         return x.first == y.first && same(x.second, y.second);
                                       });
}

bool same_multiset(const std::vector<Emission>& a, const std::vector<Emission>& b) {
  if (a.size() != b.size()) return false;
  std::vector<const Emission*> left;
  for (const Emission& emission : b) left.push_back(&emission);
  for (const Emission& wanted : a) {
    const auto found = std::find_if(left.begin(), left.end(),
                                    [&](const Emission* candidate) { return same(wanted, *candidate); });
    if (found == left.end()) return false;
    left.erase(found);
  }
  return true;
}

std::string to_text(const Emission& emission) {
  switch (emission.kind) {
    case Emission::Kind::row:
      return row_text(emission);
    case Emission::Kind::watermark:
      return R"({"watermark": )" + std::to_string(emission.at) + "}";
    case Emission::Kind::idle:
      return R"({"idle": true})";
    case Emission::Kind::active:
      return R"({"active": true})";
    case Emission::Kind::reading:
      return R"({"key": ")" + emission.key + R"(", "value": )" + emission.read + "}";
    case Emission::Kind::record:
      return R"({"key": ")" + emission.key + R"(", "ts": )" + std::to_string(emission.at) + R"(, "value": )" +
             std::to_string(emission.value) + "}";
    case Emission::Kind::late:
      break;
  }
  return R"({"late": {"key": ")" + emission.key + R"(", "ts": )" + std::to_string(emission.at) +
         R"(, "value": )" + std::to_string(emission.value) + "}}";
}

std::string to_text(const std::vector<Emission>& emissions) {
  if (emissions.empty()) return "nothing";
  std::string text = "[";
  for (const Emission& emission : emissions) text += (text.size() == 1 ? "" : ", ") + to_text(emission);
  return text + "]";
}

}  // namespace conformance
