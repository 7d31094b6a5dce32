#pragma once

#include <string>

namespace support {

/// Where a bundled file lies: below the folder given as first argument, else below examples/data.
[[nodiscard]] inline std::string data_file(int argc, char** argv, const std::string& name) {
  return std::string(argc > 1 ? argv[1] : "examples/data") + "/" + name;
}

}  // namespace support
