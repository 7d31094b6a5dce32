#include <weir/state/archive.hpp>

#include <memory>

namespace weir::inline v0 {

// NOLINTNEXTLINE(cppcoreguidelines-pro-type-const-cast): what is read is never written to
Archive::Archive(std::string_view bytes) noexcept
    : begin_(const_cast<char*>(bytes.data())), at_(begin_), end_(begin_ + bytes.size()), is_loading_(true) {}

Archive::Archive(std::uint64_t& layout) noexcept
    : begin_(reinterpret_cast<char*>(&layout)), at_(begin_), end_(begin_), has_only_layout_(true) {}

Archive::~Archive() { delete[] memory_; }

void Archive::note(std::uint64_t layout) noexcept {
  std::uint64_t all = 0;
  std::memcpy(&all, begin_, sizeof all);
  all = detail::mix_layout(all, layout);
  std::memcpy(begin_, &all, sizeof all);
}

void Archive::size(std::size_t& count, std::size_t least_bytes) {
  if (has_only_layout_) return note(detail::mix_layout(least_bytes, 0x73697A65));
  std::uint64_t number = count;
  detail::archive_number(*this, number);
  if (!is_loading_) return;
  if (number > left() / std::max<std::size_t>(1, least_bytes)) {
    fail("a length is greater than what follows");
    number = 0;
  }
  count = static_cast<std::size_t>(number);
}

void Archive::fail(std::string_view reason) {
  if (!is_good()) return;
  failed_at_ = offset();
  reason_ = reason;
  if (is_loading_) at_ = end_;
}

bool Archive::make_room(void* at, std::size_t bytes) {
  if (has_only_layout_) {
    note(detail::mix_layout(bytes, 0x726177));
    return false;
  }
  if (is_loading_) {
    fail("it ends before all of it is there");
    std::memset(at, 0, bytes);
    return false;
  }
  const std::size_t used = written().size();
  const std::size_t capacity = std::max<std::size_t>({4096, 2 * used, used + bytes});
  std::unique_ptr<char[]> larger(new char[capacity]);
  if (used > 0) std::memcpy(larger.get(), begin_, used);
  delete[] memory_;
  begin_ = memory_ = larger.release();
  at_ = begin_ + used;
  end_ = begin_ + capacity;
  return true;
}

namespace detail {

void archive_flag(Archive& archive, bool& value) {
  std::uint8_t byte = value ? 1 : 0;
  archive.raw(&byte, 1);
  if (!archive.is_loading()) return;
  if (byte > 1) archive.fail("a truth value is neither 0 nor 1");
  value = byte == 1;
}

namespace {

template <class Text>
void archive_text(Archive& archive, Text& value) {
  std::size_t size = value.size();
  archive.size(size, 1);
  if (archive.is_loading()) value.resize(size);
  archive.raw(value.data(), size);
}

}  // namespace

void archive_bytes(Archive& archive, std::string& value) { archive_text(archive, value); }
void archive_bytes(Archive& archive, OwnedString& value) { archive_text(archive, value); }

}  // namespace detail

}  // namespace weir::inline v0
