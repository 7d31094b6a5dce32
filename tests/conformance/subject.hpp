#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

#include <weir/weir.hpp>

#include "case.hpp"
#include "host.hpp"

/// \file
/// What a case is run against: a weir pipeline behind four questions.

namespace conformance {

/// What one step did.
struct Outcome {
  std::vector<Emission> emissions;
  bool rejected = false;
  std::optional<std::uint64_t> live_windows;  ///< after the step; nullopt where that cannot be told
  std::string error;                          ///< why the step could not be done at all

  friend bool operator==(const Outcome&, const Outcome&) = default;
};

/// A pipeline built for one case.
class Subject {
 public:
  explicit Subject(Host& host) : host_(&host) {}
  Subject(const Subject&) = delete;
  Subject& operator=(const Subject&) = delete;
  virtual ~Subject() = default;

  [[nodiscard]] virtual Outcome apply(const Step& step) = 0;
  /// Late events that were dropped so far, counted as the case's operator prescribes.
  [[nodiscard]] virtual std::optional<std::uint64_t> late_dropped() const { return std::nullopt; }
  /// What the pipeline's own accounting says is wrong; empty if nothing.
  [[nodiscard]] virtual std::string accounting_error() const { return {}; }

  /// Null before it is built.
  [[nodiscard]] const weir::Pipeline* pipeline() const { return pipeline_ ? &*pipeline_ : nullptr; }

 protected:
  /// Builds the pipeline, or builds it again; returns why it cannot be built.
  [[nodiscard]] virtual std::string make_pipeline() = 0;
  /// What the host counts, which goes back with a snapshot.
  [[nodiscard]] virtual std::vector<std::uint64_t*> counters() { return {}; }

  /// Writes a snapshot, destroys the pipeline, builds it again and restores it; or does a part of that with a snapshot that is
  /// kept.
  [[nodiscard]] absl::Status take_snapshot(const Step& step);

  /// What `into_weir` returns. Everything that a subject asks of weir goes through here.
  template <class Call>
  [[nodiscard]] auto ask(const Call& into_weir) const {
    std::optional<std::invoke_result_t<Call>> answer;
    host_->call(pipeline(), [&] { answer.emplace(into_weir()); });
    return *std::move(answer);
  }
  [[nodiscard]] Host& host() const { return *host_; }

  std::optional<weir::Pipeline> pipeline_;

 private:
  /// The state, and what the host had counted.
  struct Kept {
    std::string image;
    std::vector<std::uint64_t> counters;
  };
  [[nodiscard]] absl::Status save(Kept& kept);
  [[nodiscard]] absl::Status go_back(const Kept& kept);

  Host* host_;
  std::map<std::string, Kept> kept_;
};

/// How a case is built, beyond what it says itself.
struct Setup {
  bool in_two_operators = false;  ///< the keys are split over two operators of the same kind
  Host* host = &undisturbed_host;
};

/// Either a subject or why there is none.
struct Built {
  std::unique_ptr<Subject> subject;
  std::string error;
};

[[nodiscard]] Built build_windows(const Case& conformance_case, Setup setup);
[[nodiscard]] Built build_generator(const Case& conformance_case, Setup setup);
[[nodiscard]] Built build_dedup(const Case& conformance_case, Setup setup);
[[nodiscard]] Built build_ttl_state(const Case& conformance_case, Setup setup);
[[nodiscard]] Built build_merge(const Case& conformance_case, Setup setup);

/// The subject for the case's operator type.
[[nodiscard]] Built build(const Case& conformance_case, Setup setup);

}  // namespace conformance
