#pragma once

#include <string>
#include <string_view>

#include <zlib.h>

#include <absl/status/status.h>

namespace support {

/// The lines of a gzip file, one after the other, without their line ends.
class GzipLines {
 public:
  explicit GzipLines(const std::string& path) : path_(path), file_(gzopen(path.c_str(), "rb")) {
    if (file_ != nullptr) gzbuffer(file_, 1U << 17U);
  }
  ~GzipLines() {
    if (file_ != nullptr) gzclose_r(file_);
  }
  GzipLines(const GzipLines&) = delete;
  GzipLines& operator=(const GzipLines&) = delete;

  /// The next line, valid until the next call; false at the end and when the file cannot be read.
  [[nodiscard]] bool next(std::string_view& line) {
    line_.clear();
    while (file_ != nullptr && gzgets(file_, chunk_, static_cast<int>(sizeof chunk_)) != nullptr) {
      line_ += chunk_;
      if (line_.back() != '\n') continue;
      line_.pop_back();
      line = line_;
      return true;
    }
    line = line_;
    return !line_.empty();
  }

  /// Why the lines ended: OK at the end of a sound file.
  [[nodiscard]] absl::Status status() const {
    if (file_ == nullptr) return absl::NotFoundError(path_ + ": cannot be opened");
    int code = Z_OK;
    const char* message = gzerror(file_, &code);
    return code == Z_OK ? absl::OkStatus() : absl::DataLossError(message);
  }

 private:
  std::string path_;
  gzFile file_;
  std::string line_;
  char chunk_[4096];
};

}  // namespace support
