// Exactly once: a worker reads a log, keeps its results and its state in a database, and is killed over and over. What
// is in the database in the end is what a worker leaves that nobody disturbs.
//
//   log ── worker ─┬─ results, each under its token
//                  └─ snapshot, with its position in the log
//
//   weir_example_exactly_once [--kills N] [--seed N]
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <cmath>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <numeric>
#include <random>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "golden.hpp"
#include "table.hpp"
#include "worker.hpp"

namespace {

using support::grouped;

/// A folder that goes with the object.
class Folder {
 public:
  Folder() : path_((std::filesystem::temp_directory_path() / "weir_exactly_once.XXXXXX").string()) {
    if (mkdtemp(path_.data()) == nullptr) std::exit(support::fail(absl::UnavailableError(path_)));
  }
  Folder(const Folder&) = delete;
  Folder& operator=(const Folder&) = delete;
  ~Folder() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }
  [[nodiscard]] std::string file(const char* name) const { return path_ + "/" + name; }

 private:
  std::string path_;
};

/// What has become of workers. `nowhere`: killed from outside. Elsewhere: set to die there; one that comes to the tail of
/// the log before dies at the tail.
struct Fates {
  std::uint64_t starts = 0;
  std::array<std::uint64_t, place_names.size()> killed{};
  bool is_done = false;  ///< the last one came to the end of the stream

  [[nodiscard]] std::uint64_t kills() const {
    return std::accumulate(killed.begin(), killed.end(), std::uint64_t{0});
  }
};

/// Starts workers, which are this program with other arguments.
class Supervisor {
 public:
  Supervisor(std::string program, std::string log_file, LogWriter& log, std::uint64_t seed)
      : program_(std::move(program)), log_file_(std::move(log_file)), log_(log), random_(seed) {}

  /// Kills so many workers on one database, then lets one come to the end. The log grows with the kills, and is complete
  /// at nine tenths of them: what a worker does at the end is to be disturbed too.
  [[nodiscard]] Fates run(const std::string& database, std::uint64_t kills) {
    Fates fates;
    while (fates.kills() < kills) {
      const double share_per_kill = 1 / (0.9 * static_cast<double>(kills));
      const double share = static_cast<double>(fates.kills()) * share_per_kill;
      log_.grow_to(share + share_per_kill / 2);
      const bool is_from_outside = random_() % 3 == 0;
      const auto place = is_from_outside ? 0 : 1 + random_() % (place_names.size() - 1);
      const pid_t worker = start(database, place);
      if (is_from_outside) {
        nap();
        log_.grow_to(share + share_per_kill);
        nap();
        kill(worker, SIGKILL);
      }
      ++fates.starts;
      const int status = wait_for(worker);
      if (WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL) {
        ++fates.killed[place];
      } else if (status != 0) {
        return fates;  // it has said why
      }
    }
    log_.grow_to(1);
    ++fates.starts;
    fates.is_done = wait_for(start(database, 0)) == 0;
    return fates;
  }

 private:
  [[nodiscard]] pid_t start(const std::string& database, std::size_t place) {
    // The worker may come to its place so often before it dies.
    constexpr std::array<double, place_names.size()> most_times{1, 20'000, 2'000, 20, 50, 3};
    const std::string times = std::to_string(static_cast<int>(up_to(most_times[place])));
    std::array<std::string, 6> words{program_, "--worker", log_file_, database, std::string(place_names[place]),
                                     times};
    std::array<char*, words.size() + 1> arguments{};
    std::transform(words.begin(), words.end(), arguments.begin(), [](std::string& word) { return word.data(); });
    pid_t worker = 0;
    const int error = posix_spawnp(&worker, program_.c_str(), nullptr, nullptr, arguments.data(), environ);
    if (error != 0) std::exit(support::fail(absl::ErrnoToStatus(error, "a worker cannot be started")));
    return worker;
  }
  [[nodiscard]] static int wait_for(pid_t worker) {
    int status = 0;
    return waitpid(worker, &status, 0) == worker ? status : -1;
  }
  /// A number from 1 to `most`; small ones as often as large ones.
  double up_to(double most) { return std::exp(std::uniform_real_distribution<>(0, std::log(most))(random_)); }
  void nap() { std::this_thread::sleep_for(std::chrono::duration<double, std::milli>(up_to(50))); }

  std::string program_;
  std::string log_file_;
  LogWriter& log_;
  std::mt19937_64 random_;
};

/// What `Supervisor` starts.
int run_worker(int argc, char** argv) {
  std::uint64_t times = 0;
  if (argc != 6 || !support::read_integer(std::string_view(argv[5]), times)) return EXIT_FAILURE;
  const auto place = std::find(place_names.begin(), place_names.end(), std::string_view(argv[4]));
  Fuse fuse(static_cast<Place>(place - place_names.begin()), times);
  LogReader log(argv[2]);
  Store store(argv[3], fuse);
  const absl::Status status = work(log, store, fuse);
  return status.ok() ? EXIT_SUCCESS : support::fail(status);
}

/// The lines in the order in which they arrive: each invoice late by up to two hours.
std::vector<Payment> as_they_arrive(std::vector<Payment> payments) {
  const auto arrival = [](const Payment& payment) {
    return payment.at + std::chrono::seconds{payment.invoice * 2'654'435'761U % 7200};
  };
  std::stable_sort(payments.begin(), payments.end(),
                   [&](const Payment& a, const Payment& b) { return arrival(a) < arrival(b); });
  return payments;
}

std::string log_of(const std::vector<Payment>& payments) {
  std::string log;
  for (const Payment& payment : payments) append_record(log, payment);
  append_end(log);
  return log;
}

/// A log that was cut within a frame has a tail; a frame of which a bit has turned is no record.
void check_log(const std::string& path, support::Golden& golden) {
  std::string log = log_of({{.customer = 1}, {.customer = 2}});
  const auto second_frame = [&](std::size_t size) {
    std::ofstream(path, std::ios::binary) << log.substr(0, size);
    LogReader reader(path);
    Payment payment;
    return reader.next(payment) == Frame::record ? reader.next(payment) : Frame::damaged;
  };
  const std::size_t frame = (log.size() - 8) / 2;
  for (std::size_t size = frame; size < 2 * frame; ++size) {
    golden.check("a torn record is a tail", static_cast<int>(second_frame(size)), static_cast<int>(Frame::tail));
  }
  log[2 * frame - 1] ^= 1;
  golden.check("a turned bit is damage", static_cast<int>(second_frame(log.size())),
               static_cast<int>(Frame::damaged));
}

/// What workers have left in a database.
struct Left {
  std::int64_t rows, later_panes, retractions, again, snapshots, snapshot_bytes;
};

Left read(const std::string& path) {
  const Database database(path);
  Statement rows(database, "SELECT count(*), sum(pane > 0), sum(is_retraction), sum(again) FROM results");
  Statement snapshots(database, "SELECT count(*), max(bytes) FROM snapshots_taken");
  rows.next();
  snapshots.next();
  return {rows.integer(0), rows.integer(1),      rows.integer(2),
          rows.integer(3), snapshots.integer(0), snapshots.integer(1)};
}

/// How many rows of one database another one has not, or has with another content.
std::int64_t rows_missing(const std::string& of, const std::string& in) {
  const Database database(of);
  Statement(database, "ATTACH ? AS other").run(std::string_view(in));
  Statement rows(database, "SELECT count(*) FROM (SELECT * FROM content EXCEPT SELECT * FROM other.content)");
  rows.next();
  return rows.integer(0);
}

void print(const Fates& fates, const Left& left) {
  const auto killed = [&](Place place) { return grouped(fates.killed[static_cast<std::size_t>(place)]); };
  std::printf("killed         %s workers of %s: %s from outside; by themselves %s at a record, %s at a row,\n"
              "               %s at a piece of a snapshot, %s before a commit, %s behind a snapshot\n",
              grouped(fates.kills()).c_str(), grouped(fates.starts).c_str(), killed(Place::nowhere).c_str(),
              killed(Place::record).c_str(), killed(Place::row).c_str(), killed(Place::piece).c_str(),
              killed(Place::commit).c_str(), killed(Place::kept).c_str());
  std::printf("snapshots      %s, of up to %s bytes\n", grouped(left.snapshots).c_str(),
              grouped(left.snapshot_bytes).c_str());
  std::printf("rows           %s, of which %s later panes and %s retractions\n", grouped(left.rows).c_str(),
              grouped(left.later_panes).c_str(), grouped(left.retractions).c_str());
  std::printf("came again     %s, with the token and the content that they had\n", grouped(left.again).c_str());
}

int run(const char* program, const std::vector<Payment>& payments, std::uint64_t kills, std::uint64_t seed) {
  support::Golden golden;
  const Folder folder;
  check_log(folder.file("small_log"), golden);
  LogWriter log(folder.file("log"), log_of(payments));
  Supervisor supervisor(program, folder.file("log"), log, seed);
  std::printf("records        %s invoice lines, late by up to two hours\n", grouped(payments.size()).c_str());

  const std::string disturbed = folder.file("disturbed.sqlite"), calm = folder.file("calm.sqlite");
  const Fates fates = supervisor.run(disturbed, kills);
  if (!fates.is_done || !supervisor.run(calm, 0).is_done) return EXIT_FAILURE;
  const Left left = read(disturbed);
  print(fates, left);
  const std::int64_t missing = rows_missing(calm, disturbed), extra = rows_missing(disturbed, calm);
  std::printf("results equal  %s\n", missing == 0 && extra == 0 ? "yes" : "no");

  golden.check("rows that are missing, or differ", missing, 0);
  golden.check("rows that are too many, or differ", extra, 0);
  golden.check("rows", left.rows, read(calm).rows);
  golden.check("rows that came again undisturbed", read(calm).again, 0);
  golden.check("later panes are among them", left.later_panes > 0 ? 1 : 0, 1);
  golden.check("retractions are among them", left.retractions > 0 ? 1 : 0, 1);
  if (kills >= 20) golden.check("rows came again", left.again > 0 ? 1 : 0, 1);
  return golden.exit_code();
}

}  // namespace

int main(int argc, char** argv) {
  if (argc > 1 && std::string_view(argv[1]) == "--worker") {
    std::_Exit(run_worker(argc, argv));  // what runs at exit, such as a profiler, does not bear to be killed halfway
  }
  std::uint64_t kills = 20, seed = 1;
  for (int i = 1; i < argc; i += 2) {
    const std::string_view option = argv[i], value = i + 1 < argc ? argv[i + 1] : "";
    std::uint64_t* const number = option == "--kills" ? &kills : option == "--seed" ? &seed : nullptr;
    if (number == nullptr || !support::read_integer(value, *number)) {
      std::fprintf(stderr, "%s [--kills N] [--seed N]\n", argv[0]);
      return 2;
    }
  }
  auto payments = load_payments("examples/data/online-retail/online_retail.csv.gz");
  if (!payments.ok()) return support::fail(payments.status());
  return run(argv[0], as_they_arrive(*std::move(payments)), kills, seed);
}
