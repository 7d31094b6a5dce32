#include "report.hpp"

#include <cstdio>

namespace conformance {
namespace {

const char* word(Result result) {
  switch (result) {
    case Result::pass:
      return "pass";
    case Result::fail:
      return "fail";
    case Result::skip:
      break;
  }
  return "skip";
}

std::string quoted(const std::string& text) {
  std::string out = "\"";
  for (const char c : text) {
    if (c == '"' || c == '\\') out += '\\';
    if (static_cast<unsigned char>(c) < 0x20) {
      char escape[8];
      std::snprintf(escape, sizeof escape, "\\u%04x", static_cast<unsigned>(static_cast<unsigned char>(c)));
      out += escape;
    } else {
      out += c;
    }
  }
  return out + '"';
}

std::string unchecked_text(std::uint64_t unchecked) {
  return unchecked == 0 ? "" : std::to_string(unchecked) + " unchecked";
}

}  // namespace

void Report::add(const std::string& id, const Verdict& verdict) {
  std::string why = verdict.why;
  if (const std::string unchecked = unchecked_text(verdict.unchecked); !unchecked.empty()) {
    why += (why.empty() ? "" : "; ") + unchecked;
  }
  std::printf("%s %s%s%s\n", word(verdict.result), id.c_str(), why.empty() ? "" : ": ", why.c_str());
  passed_ += verdict.result == Result::pass;
  failed_ += verdict.result == Result::fail;
  skipped_ += verdict.result == Result::skip;
  unchecked_ += verdict.unchecked;
  lines_.push_back({id, verdict.result, why});
}

void Report::print_totals() const {
  std::printf("totals: %zu pass, %zu fail, %zu skip, %llu unchecked\n", passed_, failed_, skipped_,
              static_cast<unsigned long long>(unchecked_));
}

bool Report::write_json(const std::string& path) const {
  std::FILE* file = std::fopen(path.c_str(), "w");
  if (file == nullptr) return false;
  std::fprintf(
      file, "{\"totals\": {\"pass\": %zu, \"fail\": %zu, \"skip\": %zu, \"unchecked\": %llu},\n \"cases\": [",
      passed_, failed_, skipped_, static_cast<unsigned long long>(unchecked_));
  const char* separator = "\n";
  for (const Line& line : lines_) {
    std::fprintf(file, "%s  {\"id\": %s, \"result\": \"%s\", \"why\": %s}", separator,
                 quoted(line.id).c_str(), word(line.result), quoted(line.why).c_str());
    separator = ",\n";
  }
  std::fprintf(file, "\n]}\n");
  return std::fclose(file) == 0;
}

}  // namespace conformance
