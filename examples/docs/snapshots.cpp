// The programs of docs/guides/state.md.
#include <sys/wait.h>
#include <unistd.h>

#include <cstdint>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <future>
#include <iterator>
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
/// Keeps the state where only a whole one can be found: written beside it, then put in its place.
absl::Status save(weir::Pipeline& pipeline, std::string_view offsets, const std::filesystem::path& file) {
  std::filesystem::path unfinished = file;
  unfinished += ".new";
  std::ofstream out(unfinished, std::ios::binary | std::ios::trunc);
  absl::Status saved = pipeline.snapshot({.positions = offsets}, [&out](std::string_view piece) {
    out.write(piece.data(), static_cast<std::streamsize>(piece.size()));
    return out ? absl::OkStatus() : absl::UnavailableError("the disk does not take it");
  });
  out.close();
  if (!saved.ok() || !out) return saved.ok() ? absl::UnavailableError("the disk does not take it") : saved;
  std::filesystem::rename(unfinished, file);
  return absl::OkStatus();
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
  std::ofstream out(file, std::ios::binary | std::ios::trunc);
  return frozen.write([&out](std::string_view piece) {
    out.write(piece.data(), static_cast<std::streamsize>(piece.size()));
    return out ? absl::OkStatus() : absl::UnavailableError("the disk does not take it");
  });
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

  std::ofstream(file, std::ios::binary) << "no snapshot";
  Service third = build_service(sent);
  support::expect(!load(third.pipeline, file).ok());
  std::filesystem::remove(file);
}
