#include <weir/base/description.hpp>

#include <cstdio>
#include <limits>

#include <weir/base/assert.hpp>

namespace weir::inline v0 {

namespace {

void append_quoted(std::string& out, std::string_view text) {
  out += '"';
  for (const char c : text) {
    if (c == '"' || c == '\\') {
      out += '\\';
      out += c;
    } else if (static_cast<unsigned char>(c) < 0x20) {
      char code[8];
      std::snprintf(code, sizeof code, "\\u%04x", static_cast<unsigned>(c));
      out += code;
    } else {
      out += c;
    }
  }
  out += '"';
}

}  // namespace

void Description::text(std::string_view name, std::string_view value) {
  start(name);
  append_quoted(out_, value);
}

void Description::number(std::string_view name, std::int64_t value) {
  start(name);
  out_ += std::to_string(value);
}

void Description::flag(std::string_view name, bool value) { json(name, value ? "true" : "false"); }

void Description::duration(std::string_view name, std::chrono::duration<std::int64_t, std::micro> value) {
  const bool is_endless = value.count() == std::numeric_limits<std::int64_t>::max();
  text(name, is_endless ? "for_ever" : value.count() == 0 ? "0s" : detail::shown(value.count()));
}

void Description::problem(std::string_view whose, std::string_view why) {
  if (!why.empty()) problems_.push_back(std::string(whose) + ": " + std::string(why));
}

void Description::none(std::string_view name) { json(name, "null"); }

void Description::json(std::string_view name, std::string_view value) {
  start(name);
  out_ += value;
}

void Description::begin_object(std::string_view name, Layout layout) { begin(name, '{', '}', layout); }

void Description::begin_list(std::string_view name, Layout layout) { begin(name, '[', ']', layout); }

void Description::begin(std::string_view name, char opens, char closes, Layout layout) {
  start(name);
  out_ += opens;
  open_ += closes;
  if (layout == Layout::line && line_ == 0) line_ = open_.size();
  is_first_ = true;
}

void Description::end() {
  WEIR_ASSERT(!open_.empty(), "something has begun that can end");
  const char closes = open_.back();
  const bool is_line = line_ != 0;
  if (line_ == open_.size()) line_ = 0;
  open_.pop_back();
  if (!is_first_ && !is_line) break_line();
  out_ += closes;
  is_first_ = false;
}

void Description::start(std::string_view name) {
  if (!is_first_) out_ += line_ == 0 ? "," : ", ";
  if (!open_.empty() && line_ == 0) break_line();
  is_first_ = false;
  if (name.empty()) return;
  append_quoted(out_, name);
  out_ += ": ";
}

void Description::break_line() {
  out_ += '\n';
  out_.append(2 * depth(), ' ');
}

namespace detail {

std::string shown(std::int64_t microseconds) {
  struct Unit {
    std::int64_t size;
    const char* name;
  };
  constexpr Unit units[] = {
      {86'400'000'000, "d"}, {3'600'000'000, "h"}, {60'000'000, "min"}, {1'000'000, "s"}, {1'000, "ms"}};
  for (const Unit& unit : units) {
    if (microseconds != 0 && microseconds % unit.size == 0)
      return std::to_string(microseconds / unit.size) + unit.name;
  }
  return std::to_string(microseconds) + "us";
}

std::string_view field_at(const FieldPlace* places, const std::string_view* names, std::size_t count,
                          const FieldPlace& asked) noexcept {
  for (std::size_t i = 0; i < count; ++i)
    if (places[i].at == asked.at && places[i].size == asked.size) return names[i];
  return {};
}

std::string type_text(const TypeWord& type) {
  using Kind = TypeWord::Kind;
  using Around = TypeWord::Around;
  switch (type.around) {
    case Around::enumeration:
      return "enum " + type_text(*type.parts[0]);
    case Around::optional:
      return "optional " + type_text(*type.parts[0]);
    case Around::list:
      return "list " + type_text(*type.parts[0]);
    case Around::parts: {
      std::string parts;
      for (std::size_t i = 0; i < type.count; ++i) parts += (i == 0 ? "" : ", ") + type_text(*type.parts[i]);
      return "(" + parts + ")";
    }
    case Around::nothing:
      break;
  }
  switch (type.kind) {
    case Kind::boolean:
      return "bool";
    case Kind::character:
      return "char";
    case Kind::number:
      return (type.is_signed ? "int" : "uint") + std::to_string(8 * type.bytes);
    case Kind::floating:
      return type.bytes == 4 ? "float" : type.bytes == 8 ? "double" : "long double";
    case Kind::duration:
      return "duration";
    case Kind::instant:
      return "instant";
    case Kind::string:
      return "string";
    case Kind::record:
      break;
  }
  return "record";
}

void describe_read(Description& out, std::string_view name, std::string_view read, const TypeWord& type) {
  out.text(name, read);
  out.text(std::string(name) + "_type", type_text(type));
}

}  // namespace detail

}  // namespace weir::inline v0
