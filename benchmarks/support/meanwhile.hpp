#pragma once

#include <atomic>
#include <thread>

namespace bench {

/// Does something again and again on a thread of its own, as long as it lives.
template <class Work>
class Meanwhile {
 public:
  explicit Meanwhile(Work work)
      : thread_([this, work] {
          while (!is_over_.load(std::memory_order_relaxed)) work();
        }) {}
  Meanwhile(const Meanwhile&) = delete;
  Meanwhile& operator=(const Meanwhile&) = delete;
  ~Meanwhile() {
    is_over_.store(true, std::memory_order_relaxed);
    thread_.join();
  }

 private:
  std::atomic<bool> is_over_{false};
  std::thread thread_;
};

}  // namespace bench
