#include "members.hpp"

#include <algorithm>

namespace conformance {

namespace dom = simdjson::dom;

bool Members::has(std::string_view name) const {
  dom::element element;
  return object_[name].get(element) == simdjson::SUCCESS;
}

bool Members::is_null(std::string_view name) const {
  dom::element element;
  return object_[name].get(element) == simdjson::SUCCESS && element.is_null();
}

bool Members::is_text(std::string_view name) const {
  dom::element element;
  return object_[name].get(element) == simdjson::SUCCESS && element.is_string();
}

void Members::fail(const std::string& what) const {
  if (error_->empty()) *error_ = where_ + ": " + what;
}

template <class Type>
Type Members::get(std::string_view name, const char* kind) const {
  Type value{};
  dom::element element;
  if (object_[name].get(element) != simdjson::SUCCESS) {
    fail("no \"" + std::string(name) + "\"");
  } else if (element.get(value) != simdjson::SUCCESS) {
    fail("\"" + std::string(name) + "\" is not " + kind);
  }
  return value;
}

std::int64_t Members::whole(std::string_view name) const {
  return get<std::int64_t>(name, "a signed 64-bit number");
}

std::int64_t Members::whole_or(std::string_view name, std::int64_t fallback) const {
  return has(name) && !is_null(name) ? whole(name) : fallback;
}

std::string Members::text(std::string_view name) const {
  return std::string(get<std::string_view>(name, "a string"));
}

std::string Members::text_or(std::string_view name, std::string fallback) const {
  return has(name) ? text(name) : fallback;
}

bool Members::flag_or(std::string_view name, bool fallback) const {
  return has(name) ? get<bool>(name, "true or false") : fallback;
}

std::string Members::json(std::string_view name) const {
  dom::element element;
  if (object_[name].get(element) != simdjson::SUCCESS) {
    fail("no \"" + std::string(name) + '"');
    return {};
  }
  return simdjson::minify(element);
}

Members Members::object(std::string_view name) const {
  dom::element element;
  dom::object found = object_;
  if (object_[name].get(element) != simdjson::SUCCESS || element.get(found) != simdjson::SUCCESS) {
    fail("\"" + std::string(name) + "\" is not an object");
  }
  return {found, where_ + "." + std::string(name), *error_};
}

dom::array Members::array(std::string_view name) const { return get<dom::array>(name, "a list"); }

std::vector<std::string> Members::texts(std::string_view name) const {
  std::vector<std::string> texts;
  if (!has(name)) return texts;
  dom::array list;
  if (object_[name].get(list) != simdjson::SUCCESS) {
    fail("\"" + std::string(name) + "\" is not a list");
    return texts;
  }
  for (dom::element element : list) {
    std::string_view text;
    if (element.get(text) != simdjson::SUCCESS)
      fail("\"" + std::string(name) + "\" holds something that is no string");
    texts.emplace_back(text);
  }
  return texts;
}

Value Members::value(std::string_view name) const {
  dom::element element;
  if (object_[name].get(element) != simdjson::SUCCESS) fail("no \"" + std::string(name) + "\"");
  if (failed() || element.is_null()) return {};
  std::int64_t whole = 0;
  if (element.get(whole) == simdjson::SUCCESS) return whole;
  double real = 0;
  if (element.get(real) == simdjson::SUCCESS) return real;
  dom::array list;
  std::vector<std::int64_t> numbers;
  if (element.get(list) == simdjson::SUCCESS) {
    for (dom::element entry : list) {
      if (entry.get(whole) != simdjson::SUCCESS)
        fail("\"" + std::string(name) + "\" holds something that is no number");
      numbers.push_back(whole);
    }
  } else {
    fail("\"" + std::string(name) + "\" is neither a number nor a list");
  }
  std::sort(numbers.begin(), numbers.end());
  return numbers;
}

void Members::allow_only(std::initializer_list<std::string_view> names) const {
  for (dom::key_value_pair member : object_) {
    if (std::find(names.begin(), names.end(), member.key) == names.end()) {
      fail("unknown member \"" + std::string(member.key) + "\"");
    }
  }
}

}  // namespace conformance
