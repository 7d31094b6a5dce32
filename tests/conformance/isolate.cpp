#include "isolate.hpp"

#include <cstdio>
#include <cstdlib>
#include <cstring>

#include <sys/wait.h>
#include <unistd.h>

namespace conformance {
namespace {

// One line per member: result, unchecked, why (which may have more lines).
std::string packed(const Verdict& verdict) {
  return std::to_string(static_cast<int>(verdict.result)) + "\n" + std::to_string(verdict.unchecked) + "\n" +
         verdict.why;
}

Verdict unpacked(const std::string& text) {
  const std::size_t first = text.find('\n');
  const std::size_t second = text.find('\n', first + 1);
  return {.result = static_cast<Result>(std::atoi(text.c_str())),
          .why = text.substr(second + 1),
          .unchecked = std::strtoull(text.c_str() + first + 1, nullptr, 10)};
}

[[noreturn]] void answer(int pipe, const std::function<Verdict()>& judge_it) {
  alarm(patience_seconds);
  const std::string text = packed(judge_it());
  std::size_t sent = 0;
  while (sent < text.size()) {
    const ssize_t written = write(pipe, text.data() + sent, text.size() - sent);
    if (written <= 0) std::exit(EXIT_FAILURE);
    sent += static_cast<std::size_t>(written);
  }
  std::exit(EXIT_SUCCESS);
}

std::string read_all(int pipe) {
  std::string text;
  char buffer[4096];
  for (ssize_t size = 0; (size = read(pipe, buffer, sizeof buffer)) > 0;) {
    text.append(buffer, static_cast<std::size_t>(size));
  }
  return text;
}

}  // namespace

Verdict in_own_process(const std::function<Verdict()>& judge_it) {
  int ends[2];
  std::fflush(nullptr);
  if (pipe(ends) != 0) return {.result = Result::fail, .why = "no pipe"};
  const pid_t child = fork();
  if (child == 0) {
    close(ends[0]);
    answer(ends[1], judge_it);
  }
  close(ends[1]);
  const std::string text = read_all(ends[0]);
  close(ends[0]);
  int status = 0;
  if (child < 0 || waitpid(child, &status, 0) != child) return {.result = Result::fail, .why = "no process"};
  if (WIFSIGNALED(status)) {
    const int signal = WTERMSIG(status);
    return {.result = Result::fail,
            .why = signal == SIGALRM ? "still running after " + std::to_string(patience_seconds) + " s"
                                     : std::string("ended by signal: ") + strsignal(signal)};
  }
  if (WEXITSTATUS(status) != 0) {
    return {.result = Result::fail, .why = "ended with exit code " + std::to_string(WEXITSTATUS(status))};
  }
  return unpacked(text);
}

}  // namespace conformance
