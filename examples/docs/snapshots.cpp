// The programs of docs/guides/state.md.
#include <fcntl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <cstdint>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <future>
#include <iterator>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include <weir/weir.hpp>

#include "expect.hpp"

using namespace std::chrono_literals;

struct Payment {
  std::uint64_t user = 0;
  double amount = 0;
  weir::EventTime at;
};

struct Spend {
  std::int64_t payments = 0;
  double spend = 0;
};

constexpr weir::EventTime minute(int number) { return weir::EventTime{std::chrono::minutes{number}}; }

/// The pipeline of a service, built anew at every start.
struct Service {
  weir::Source<Payment> payments;
  weir::Pipeline pipeline;
};

Service build_service(std::vector<Spend>& sent) {
  weir::Graph graph{"fraud"};
  auto payments = graph.source<Payment>("payments", {.time = &Payment::at, .watermark = weir::host_driven()});
  payments | weir::key_by(&Payment::user)
           | weir::tumbling({.size = 1h, .grace = 0s})
           | weir::aggregate<Spend>("spend_1h", weir::count().as(&Spend::payments),
                                    weir::sum(&Payment::amount).as(&Spend::spend))
           | weir::sink("send", [&sent](const weir::Windowed<std::uint64_t, Spend>& row) { sent.push_back(row.value); });
  return {payments, std::move(graph).build().value()};
}

// [region save]
/// A file that is there whole or not at all: written beside it, brought to the disk, then put in its place. One writer at a time.
class WholeFile {
 public:
  explicit WholeFile(const std::filesystem::path& file)
      : file_(std::filesystem::absolute(file)),
        unfinished_(file_.string() + ".new"),
        out_(open(unfinished_.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600)),
        opened_(out_ >= 0 ? absl::OkStatus() : failed()) {}
  WholeFile(const WholeFile&) = delete;
  WholeFile& operator=(const WholeFile&) = delete;
  ~WholeFile() {
    if (out_ >= 0) close(out_);
  }

  absl::Status write(std::string_view piece) {
    if (!opened_.ok()) return opened_;
    while (!piece.empty()) {
      const ssize_t written = ::write(out_, piece.data(), piece.size());
      if (written < 0 && errno == EINTR) continue;
      if (written < 0) return failed();
      piece.remove_prefix(static_cast<std::size_t>(written));
    }
    return absl::OkStatus();
  }
  /// All has been written: from here on the file is the new one, also after the power has failed.
  absl::Status finish() {
    if (fsync(out_) != 0 || close(std::exchange(out_, -1)) != 0) return failed();
    if (rename(unfinished_.c_str(), file_.c_str()) != 0) return failed();
    const int folder = open(file_.parent_path().c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);  // has the name
    if (folder < 0) return failed();
    const bool is_there = fsync(folder) == 0;
    return close(folder) == 0 && is_there ? absl::OkStatus() : failed();
  }

 private:
  [[nodiscard]] absl::Status failed() const { return absl::ErrnoToStatus(errno, unfinished_.string()); }

  std::filesystem::path file_;
  std::filesystem::path unfinished_;
  int out_;
  absl::Status opened_;
};

/// Keeps the state of a pipeline in a file.
absl::Status save(weir::Pipeline& pipeline, std::string_view offsets, const std::filesystem::path& file) {
  WholeFile out(file);
  absl::Status saved =
      pipeline.snapshot({.positions = offsets}, [&out](std::string_view piece) { return out.write(piece); });
  return saved.ok() ? out.finish() : saved;
}
// [end]

// [region load]
/// Gives the offsets from which the input has to be read again.
absl::StatusOr<std::string> load(weir::Pipeline& pipeline, const std::filesystem::path& file) {
  std::ifstream in(file, std::ios::binary);
  const std::string image{std::istreambuf_iterator<char>(in), {}};
  absl::Status loaded = pipeline.restore(image);
  if (!loaded.ok()) return loaded;
  return weir::inspect(image)->positions;
}
// [end]

// [region forked]
/// Lets a child process write what the pipeline holds at this moment. The pipeline goes on at once.
absl::StatusOr<pid_t> save_in_child(weir::Pipeline& pipeline, std::string_view offsets,
                                    const std::filesystem::path& file) {
  const pid_t child = fork();
  if (child < 0) return absl::UnavailableError("there is no room for another process");
  if (child == 0) _exit(save(pipeline, offsets, file).ok() ? 0 : 1);  // not exit(): it would flush the parent's files
  return child;
}

/// Waits for the child; whether the file is there.
bool has_saved(pid_t child) {
  int status = 0;
  return waitpid(child, &status, 0) == child && WIFEXITED(status) && WEXITSTATUS(status) == 0;
}
// [end]

namespace {

// [region frozen]
/// Saves a state that was taken out of its pipeline; on any thread.
absl::Status save(const weir::FrozenSnapshot& frozen, const std::filesystem::path& file) {
  WholeFile out(file);
  absl::Status saved = frozen.write([&out](std::string_view piece) { return out.write(piece); });
  return saved.ok() ? out.finish() : saved;
}

/// Takes the state out between two pushes, and lets a thread of the host write it.
absl::StatusOr<std::future<absl::Status>> save_beside(weir::Pipeline& pipeline, std::string_view offsets,
                                                      const std::filesystem::path& file) {
  absl::StatusOr<weir::FrozenSnapshot> frozen = pipeline.begin_snapshot({.positions = offsets});
  if (!frozen.ok()) return frozen.status();
  return std::async(std::launch::async, [taken = *frozen, file] { return save(taken, file); });
}
// [end]

// [region increment]
/// What has changed since an earlier snapshot.
absl::StatusOr<std::string> changes(weir::Pipeline& pipeline, std::string_view earlier) {
  const absl::StatusOr<weir::SnapshotInfo> base = weir::inspect(earlier);
  if (!base.ok()) return base.status();
  std::string increment;
  absl::Status status = pipeline.snapshot({.base = &*base}, increment);
  if (!status.ok()) return status;
  return increment;
}

/// A pipeline is restored from both.
absl::Status restore_both(weir::Pipeline& pipeline, std::string_view earlier, std::string_view increment) {
  const absl::StatusOr<std::string> whole = weir::combine(earlier, increment);
  return whole.ok() ? pipeline.restore(*whole) : whole.status();
}
// [end]

// [region moved]
/// Moves half of the keys to another pipeline of the same definition.
absl::Status move_half(weir::Pipeline& from, weir::Pipeline& to, std::uint32_t key_groups) {
  std::vector<std::uint32_t> half;
  for (std::uint32_t group = 0; group < key_groups; group += 2) half.push_back(group);
  std::string image;
  absl::Status moved = from.snapshot({.groups = half}, image);
  if (moved.ok()) moved = to.restore(image, {.groups = half, .counters = false});
  if (moved.ok()) moved = from.drop(half);
  return moved;
}
// [end]

// [region state]
/// Counts payments of a user; since its second version also those above a limit.
struct Counted {
  static constexpr std::uint32_t version = 1;
  std::int64_t payments = 0;
};
struct CountedTwice {
  static constexpr std::uint32_t version = 2;
  using Previous = Counted;

  std::int64_t payments = 0;
  std::int64_t large = 0;

  CountedTwice() = default;
  explicit CountedTwice(const Counted& before) : payments(before.payments) {}
  void archive(weir::Archive& ar) { ar(payments, large); }
};
// [end]
static_assert(weir::Archivable<Counted> && weir::Archivable<CountedTwice>);
static_assert(CountedTwice::version == Counted::version + 1);

// [region revision]
/// Says each time that a user has spent another hundred.
struct Hundred {
  std::uint64_t user = 0;
  weir::EventTime at;
  std::uint64_t revision = 0;
};
struct Hundreds {
  struct State {
    double spend = 0;
    std::uint64_t revision = 0;  // how many rows there were
  };
  void process(State& state, const Payment& payment, weir::Out<Hundred>& out) const {
    for (state.spend += payment.amount; state.spend >= 100; state.spend -= 100)
      out.emit({.user = payment.user, .at = payment.at, .revision = state.revision++});
  }
};
// [end]

/// What a sink keeps of hundreds, each once.
struct Letters {
  weir::Source<Payment> payments;
  weir::Pipeline pipeline;
};

Letters build_letters(std::set<std::string>& stored) {
  weir::Graph graph{"letters"};
  auto payments = graph.source<Payment>("payments", {.time = &Payment::at, .watermark = weir::host_driven()});
  auto hundreds = payments | weir::key_by(&Payment::user) | weir::each("hundreds", Hundreds{});
  // [region own_token]
  hundreds | weir::sink("letters", [&stored](const Hundred& row) {
    stored.insert(weir::emission_token("hundreds", row.user, row.at, row.revision));
  });
  // [end]
  return {payments, std::move(graph).build().value()};
}

}  // namespace

int main() {
  const std::filesystem::path file = std::filesystem::temp_directory_path() / "weir_docs_snapshots.state";
  std::vector<Spend> sent;
  {
    Service service = build_service(sent);
    service.pipeline.push(service.payments, {.user = 7, .amount = 10, .at = minute(5)});
    service.pipeline.push(service.payments, {.user = 8, .amount = 1, .at = minute(6)});
    support::expect(save(service.pipeline, "offset 2", file).ok());
  }  // the service goes down
  Service service = build_service(sent);
  const absl::StatusOr<std::string> offsets = load(service.pipeline, file);
  support::expect(offsets.ok() && *offsets == "offset 2");
  service.pipeline.push(service.payments, {.user = 7, .amount = 5, .at = minute(30)});

  Service other = build_service(sent);
  support::expect(move_half(service.pipeline, other.pipeline, 128).ok());
  support::expect(service.pipeline.advance(service.payments, minute(60)).ok());
  support::expect(other.pipeline.advance(other.payments, minute(60)).ok());
  support::expect(sent.size() == 2);
  double spend = 0;
  for (const Spend& row : sent) spend += row.spend;
  support::expect(spend == 16);

  auto saved = save_beside(service.pipeline, "offset 3", file);
  service.pipeline.push(service.payments, {.user = 9, .amount = 5, .at = minute(70)});
  support::expect(saved.ok() && saved->get().ok());
  const absl::StatusOr<pid_t> child = save_in_child(service.pipeline, "offset 4", file);
  service.pipeline.push(service.payments, {.user = 9, .amount = 5, .at = minute(71)});
  support::expect(child.ok() && has_saved(*child));
  Service fourth = build_service(sent);
  support::expect(*load(fourth.pipeline, file) == "offset 4");
  support::expect(fourth.pipeline.stats("payments").ingested + 1 == service.pipeline.stats("payments").ingested);

  std::ifstream in(file, std::ios::binary);
  const std::string earlier{std::istreambuf_iterator<char>(in), {}};
  const absl::StatusOr<std::string> increment = changes(service.pipeline, earlier);
  support::expect(increment.ok() && increment->size() < earlier.size() + 1000);
  Service both = build_service(sent);
  support::expect(restore_both(both.pipeline, earlier, *increment).ok());
  support::expect(both.pipeline.stats("payments").ingested == service.pipeline.stats("payments").ingested);

  std::set<std::string> stored;
  std::string before_last;
  {
    Letters letters = build_letters(stored);
    letters.pipeline.push(letters.payments, {.user = 7, .amount = 250, .at = minute(5)});
    support::expect(letters.pipeline.snapshot({}, before_last).ok());
    letters.pipeline.push(letters.payments, {.user = 7, .amount = 250, .at = minute(5)});
  }  // it goes down behind the snapshot
  support::expect(stored.size() == 5);
  Letters letters = build_letters(stored);
  support::expect(letters.pipeline.restore(before_last).ok());
  letters.pipeline.push(letters.payments, {.user = 7, .amount = 250, .at = minute(5)});
  support::expect(stored.size() == 5);

  const std::filesystem::path nowhere = file / "nowhere.state";  // the file is no folder
  support::expect(save(service.pipeline, "offset 5", nowhere).message().find("nowhere.state.new") != std::string_view::npos);
  support::expect(!save(*service.pipeline.begin_snapshot(), nowhere).ok());
  std::ofstream(file, std::ios::binary) << "no snapshot";
  Service third = build_service(sent);
  support::expect(!load(third.pipeline, file).ok());
  std::filesystem::remove(file);
}
