#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <fstream>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>

#include <zlib.h>

#include <weir/state/archive.hpp>

#include "../retail/payment.hpp"

// The log is a file that only grows. A record is a frame: the length of its payload, a checksum, the payload. An empty
// frame ends the stream. A frame that is not all there is the tail: its writer is not through with it.

/// Of the length too, so that zeros are no frame.
inline std::uint32_t checksum_of(std::uint32_t length, std::string_view payload) {
  weir::Archive bytes;
  bytes(length);
  uLong checksum = 0;
  for (const std::string_view part : {bytes.written(), payload}) {
    if (part.empty()) continue;  // zlib takes no null
    checksum = crc32(checksum, reinterpret_cast<const Bytef*>(part.data()), static_cast<uInt>(part.size()));
  }
  return static_cast<std::uint32_t>(checksum);
}

inline void append_frame(std::string& log, std::string_view payload) {
  auto length = static_cast<std::uint32_t>(payload.size());
  std::uint32_t checksum = checksum_of(length, payload);
  weir::Archive head;
  head(length, checksum);
  log.append(head.written()).append(payload);
}
inline void append_record(std::string& log, const Payment& payment) {
  weir::Archive payload;
  payload.write(payment);
  append_frame(log, payload.written());
}
inline void append_end(std::string& log) { append_frame(log, {}); }

/// Puts a log into its file little by little, without regard to where a frame ends.
class LogWriter {
 public:
  LogWriter(const std::string& path, std::string log) : file_(path, std::ios::binary), log_(std::move(log)) {}

  /// Writes until that share of all is there.
  void grow_to(double share) {
    const auto size = static_cast<std::size_t>(static_cast<double>(log_.size()) * std::min(share, 1.0));
    if (size <= written_) return;
    file_.write(log_.data() + written_, static_cast<std::streamsize>(size - written_)).flush();
    written_ = size;
  }

 private:
  std::ofstream file_;
  std::string log_;
  std::size_t written_ = 0;
};

/// What stands at a position of the log.
enum class Frame : std::uint8_t {
  record,
  tail,     ///< nothing yet, or a part of a frame
  end,      ///< of the stream
  damaged,  ///< no frame of ours
};

class LogReader {
 public:
  explicit LogReader(const std::string& path) : path_(path), file_(path, std::ios::binary) {}

  /// Where the next frame begins: the position of a state that has all records before it.
  [[nodiscard]] std::uint64_t position() const { return position_; }
  /// Goes on from there; false if the log is shorter, or gone.
  [[nodiscard]] bool seek(std::uint64_t position) {
    std::error_code error;
    position_ = position;
    ahead_.clear();
    used_ = 0;
    return position <= std::filesystem::file_size(path_, error) && !error;
  }

  /// Reads the frame at the position, and moves behind it if it is a record.
  [[nodiscard]] Frame next(Payment& payment) {
    if (!has(head_bytes)) return Frame::tail;
    std::uint32_t length = 0, checksum = 0;
    weir::Archive head{std::string_view(ahead_).substr(used_)};
    head(length, checksum);
    if (length > most_bytes) return Frame::damaged;
    if (!has(head_bytes + length)) return Frame::tail;
    const std::string_view bytes = std::string_view(ahead_).substr(used_ + head_bytes, length);
    if (checksum_of(length, bytes) != checksum) return Frame::damaged;
    if (length == 0) return Frame::end;
    weir::Archive payload{bytes};
    payload(payment);
    if (!payload.is_good() || payload.left() != 0) return Frame::damaged;
    used_ += head_bytes + length;
    position_ += head_bytes + length;
    return Frame::record;
  }

 private:
  static constexpr std::size_t head_bytes = 8;
  static constexpr std::size_t most_bytes = 1U << 16U;

  /// Whether the file has so many bytes behind the position; it may have grown.
  bool has(std::size_t count) {
    if (ahead_.size() - used_ >= count) return true;
    ahead_.erase(0, std::exchange(used_, 0));
    const std::size_t known = ahead_.size();
    ahead_.resize(known + most_bytes);
    file_.clear();
    file_.seekg(static_cast<std::streamoff>(position_ + known));
    file_.read(ahead_.data() + known, static_cast<std::streamsize>(most_bytes));
    ahead_.resize(known + static_cast<std::size_t>(file_.gcount()));
    return ahead_.size() >= count;
  }

  std::string path_;
  std::ifstream file_;
  std::uint64_t position_ = 0;
  std::string ahead_;     // bytes that were read; the position is in them
  std::size_t used_ = 0;  // how far
};
